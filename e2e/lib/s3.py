"""An S3-compatible store in a test's namespace: a pod with a real server over an example's package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.go_program import GATEWAY, built
from e2e.lib.layers import runtime_with
from e2e.lib.pods import LABEL, SCRATCH, Pod, image
from e2e.s3_server import command

if TYPE_CHECKING:
    from e2e.lib.cluster import Namespace, Object

NAME = "s3"
PORT = 7070
BUCKET = "models"
SERVER = "/usr/local/bin/versitygw"
ACCESS_KEY, SECRET_KEY = "reader", "a-secret-of-one-test"
READY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class S3Store:
    """The store of one namespace; each example's package lies in the bucket below the example's name."""

    namespace: Namespace

    def start(self, *examples: str) -> S3Store:
        """Starts it with the packages of these examples; returns when it answers."""
        reference = runtime_with(
            self.namespace.cluster, "paddle-serving-s3-server", {SERVER: built(GATEWAY).read_bytes()}
        )
        server = " ".join(command(SERVER, f":{PORT}", SCRATCH))
        pod = Pod(
            NAME,
            ["sh", "-c", f"mkdir -p {SCRATCH}/metadata && exec {server}"],
            models={f"buckets/{BUCKET}/{name}": image(f"paddle-serving-example-{name}") for name in examples},
            readiness={"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 1},
        ).manifest()
        keys = {"ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
        pod["spec"]["containers"][0] |= {
            "image": reference,
            "env": [{"name": name, "value": value} for name, value in keys.items()],
        }
        ports = [{"port": PORT, "targetPort": PORT}]
        service = {"selector": {LABEL: NAME}, "ports": ports}
        self.namespace.apply(pod, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": service})
        self.namespace.pod_is_running(NAME, within=READY_SECONDS)
        return self

    def keys_are(self, secret: str, access_key: str = ACCESS_KEY, secret_key: str = SECRET_KEY) -> None:
        """Makes or changes the Secret that a PaddleService names."""
        values = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}, "stringData": values}
        self.namespace.apply(manifest)

    def source(self, example: str, secret: str) -> Object:
        """spec.model.source of an example's package."""
        endpoint = f"http://{NAME}.{self.namespace.name}.svc:{PORT}"
        return {"s3": {"uri": f"s3://{BUCKET}/{example}", "endpoint": endpoint, "credentialsSecret": secret}}
