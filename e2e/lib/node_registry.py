"""An image registry inside a test's namespace, which nodes pull from: Debian's docker-registry behind a NodePort.

A node reaches it as 127.0.0.1, which container runtimes ask without TLS.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lib.cluster import run
from e2e.lib.layers import runtime_with
from e2e.lib.pods import LABEL, SCRATCH, SCRIPTS, Pod, config_map
from e2e.lib.portforward import port_forward
from e2e.lib.wait import expect, minutes
from e2e.registry import CONFIGURATION, Registry

if TYPE_CHECKING:
    from e2e.lib.cluster import Namespace

NAME = "registry"
PORT = 5000
PROGRAM = "docker-registry"
IN_IMAGE = f"/usr/local/bin/{PROGRAM}"
BUILD_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class NodeRegistry:
    """The registry of one namespace. `address` is how nodes name it, `host:port`."""

    namespace: Namespace
    address: str

    def has_model(self, package: Path, repository: str, path: str) -> str:
        """Pushes an image `FROM scratch` with the package at `path`; returns its reference by digest."""
        (package.parent / "Dockerfile").write_text(f"FROM scratch\nCOPY {package.name} {path}\n", encoding="utf-8")
        with port_forward(self.namespace, f"svc/{NAME}", PORT) as url:
            host = url.removeprefix("http://")
            name = f"{host}/{repository}:pushed"
            run(["docker", "build", "--quiet", "--tag", name, str(package.parent)], timeout=BUILD_SECONDS)
            try:
                run(["docker", "push", "--quiet", name], timeout=BUILD_SECONDS)
            finally:
                run(["docker", "image", "rm", name])
            return f"{self.address}/{repository}@{Registry(host).digest(repository, 'pushed')}"

    def pulls(self, repository: str) -> list[str]:
        """What nodes have asked for of a repository, as the registry's log has it: method and path."""
        lines = self.namespace.kubectl("logs", NAME).splitlines()
        asked = [line.partition('"')[2].partition(" HTTP/")[0] for line in lines]
        return [request for request in asked if request.startswith(f"GET /v2/{repository}/")]


def node_registry(namespace: Namespace) -> NodeRegistry:
    """Starts it, empty; returns when it answers. The program is this machine's (`make registry`)."""
    program = shutil.which(PROGRAM)
    expect(program, f"{PROGRAM} is missing: make registry")
    content = Path(str(program)).read_bytes()
    reference = runtime_with(namespace.cluster, "paddle-serving-registry", {IN_IMAGE: content})
    configuration = CONFIGURATION.format(folder=SCRATCH, address=f":{PORT}")
    pod = Pod(
        NAME,
        [IN_IMAGE, "serve", f"{SCRIPTS}/registry.yml"],
        scripts=NAME,
        readiness={"httpGet": {"path": "/v2/", "port": PORT}, "periodSeconds": 1},
    ).manifest()
    pod["spec"]["containers"][0]["image"] = reference
    spec = {"type": "NodePort", "selector": {LABEL: NAME}, "ports": [{"port": PORT, "targetPort": PORT}]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": spec}
    namespace.apply(config_map(NAME, {"registry.yml": configuration}), pod, service)
    namespace.pod_is_running(NAME, within=minutes(2))
    made = namespace.find("service", NAME) or {}
    return NodeRegistry(namespace, f"127.0.0.1:{made['spec']['ports'][0]['nodePort']}")
