"""The service as a PaddleService of a cluster: same configuration, same client, compared with Paddle in a pod."""

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from paddle_serving_runtime import reference as references
from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.package import manifest
from tipc import captured, delivery, devices, effects, interpreters, kubectl, matrix, readiness, reference
from tipc.config import Config
from tipc.exchange import Route
from tipc.matrix import Combination
from tipc.naming import dns_label, file_name
from tipc.processes import Process
from tipc.target import TargetError

PAUSE = 0.5
SERVICE_PORTS = (":80", ":9000")
"""HTTP and gRPC of the Service, each to a free port of loopback."""

RESOURCES = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "3Gi"}}
"""The limit leaves room for Paddle Inference alone, which runs in the serving pod beside its workers."""
SWITCH_FLAGS = ("--threads-per-worker", "--ir-optim", "--onednn", "--script")
GPU = "nvidia.com/gpu"
ADMIN_PORT = "8081"
REPORT = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:{}/report').read().decode())"
ANSWERS = "/tmp/reference.json"  # noqa: S108 - the pod's own writable volume


class KubernetesTarget:
    """Packages the configuration's service directory, and applies one PaddleService for every combination.

    The namespace is TIPC_NAMESPACE (default `default`) of kubectl's current context; the model image goes to
    TIPC_REGISTRY, or straight into a kind cluster's nodes where that is not set.
    """

    name = "kubernetes"

    def __init__(self, root: Path, config: Config, output: Path, seconds: float) -> None:
        self._root = root
        self._config = config
        self._output = output
        self._seconds = seconds
        self._namespace = os.environ.get("TIPC_NAMESPACE") or "default"
        self._model: tuple[str, str] | None = None
        self._captured: list[bytes] = []

    def lacks(self, combination: Combination) -> str:
        """Why there is no GPU for a combination that asks for one: no node offers any."""
        if matrix.asked_device(self._config, combination) != "gpu":
            return ""
        nodes = json.loads(kubectl.Kubectl(self._namespace).run("get", "nodes", "-o", "json"))["items"]
        if any(node["status"].get("allocatable", {}).get(GPU, "0") != "0" for node in nodes):
            return ""
        return f"gpu is asked for, but no node of the cluster offers {GPU}."

    def command(self, combination: Combination) -> str:
        """What a user would type."""
        return f"kubectl apply -n {self._namespace} -f {self._manifest_file(combination)}"

    @contextmanager
    def start(self, combination: Combination) -> Iterator["KubernetesService"]:
        """Applies the PaddleService, waits until it is Ready, forwards a port. Raises TargetError."""
        name, file = self._name(combination), self._manifest_file(combination)
        image, digest = self._model = self._model or self._deliver(combination)
        # from here on: an image of a large model takes its own time to build and to load
        deadline = time.monotonic() + self._seconds
        file.write_text(json.dumps(self._manifest(name, image, digest, combination), indent=2), encoding="utf-8")
        cluster = kubectl.Kubectl(self._namespace)
        cluster.run("apply", "-f", str(file))
        try:
            wait_ready(cluster, name, deadline)
            log = self._output / f"port_forward_{name}.log"
            command = cluster.command("port-forward", "--address", "127.0.0.1", f"svc/{name}", *SERVICE_PORTS)
            with Process(command, self._root, os.environ, log) as forward:
                http, grpc = kubectl.forwarded_ports(log, forward.alive, len(SERVICE_PORTS), deadline)
                objection = readiness.wait_until(lambda: readiness.http_objection(http), forward.alive, deadline)
                if objection:
                    raise TargetError(f"PaddleService {name} is Ready, but does not answer: {objection}")
                route = Route(address=("127.0.0.1", http), grpc=("127.0.0.1", grpc))
                service = KubernetesService(cluster, name, forward, route, self._captured, self._output)
                if objection := effects.objection(self._config, combination, service.report):
                    raise TargetError(objection)
                yield service
        finally:
            cluster.run("delete", "paddleservice", name, "--ignore-not-found", "--wait=true", "--timeout=120s")

    def _deliver(self, combination: Combination) -> tuple[str, str]:
        """Reference and digest of the model image, with the clients' own requests as golden samples."""
        work = self._output / "reference" / file_name(self._config.model_name)
        work.mkdir(parents=True, exist_ok=True)
        directory = self._root / self._config.serving_dir
        clients = {
            name: interpreters.command(self._config, matrix.client_command(self._config, combination, name))
            for name in self._config.clients
        }
        self._captured = captured.capture(clients, directory, self._output / "capture.log", self._seconds)
        reference.package(directory, work / "package", self._captured)
        try:
            digest = manifest.write(work / "package")
        except ServingError as error:
            raise TargetError(str(error)) from None
        name = f"paddle-serving-tipc-{dns_label(self._config.model_name)}:{digest.removeprefix('sha256:')[:12]}"
        return delivery.deliver(work, name, self._root), digest

    def _name(self, combination: Combination) -> str:
        index = list(matrix.combinations(self._config)).index(combination)
        return f"tipc-{dns_label(self._config.model_name)}-{index}"

    def _manifest_file(self, combination: Combination) -> Path:
        return self._output / f"paddleservice_{self._name(combination)}.json"

    def _manifest(self, name: str, image: str, digest: str, combination: Combination) -> dict[str, object]:
        engine = {
            "workers": 1,
            "script": matrix.script(self._config, combination),
            "overrides": matrix.overrides(self._config, combination),
        }
        return {
            "apiVersion": "serving.paddlepaddle.org/v1alpha1",
            "kind": "PaddleService",
            "metadata": {"name": name},
            "spec": {
                "runtime": matrix.asked_device(self._config, combination) or "cpu",
                "replicas": 1,
                "resources": RESOURCES,
                "model": {"digest": digest, "source": {"image": {"reference": image}}},
                "engine": engine,
                "consistency": {"require": "EngineOnly"},
            },
        }


class KubernetesService:
    """A Ready PaddleService behind a forwarded port."""

    def __init__(
        self,
        cluster: kubectl.Kubectl,
        name: str,
        forward: Process,
        route: Route,
        samples: Sequence[bytes],
        output: Path,
    ) -> None:
        self._cluster = cluster
        self._name = name
        self._forward = forward
        self._route = route
        self._samples = samples
        self._output = output
        self.report = self._reported()

    def _reported(self) -> devices.Report:
        pod = self._cluster.ready_pod(self._name)
        arguments = pod["spec"]["containers"][0]["args"]
        port = flag(arguments, "--admin-port") if "--admin-port" in arguments else ADMIN_PORT
        ask = ["python3", "-c", REPORT.format(port)]
        return devices.read_report(self._cluster.run("exec", pod["metadata"]["name"], "-c", "serve", "--", *ask))

    def route(self) -> Route:
        """To the forwarded ports, whatever address stands in the client's source."""
        return self._route

    def trouble(self) -> str:
        """Empty while the port is forwarded."""
        return "" if self._forward.alive() else "kubectl port-forward ended"

    def reference(self, requests: Sequence[bytes]) -> Mapping[str, Answer]:
        """Paddle Inference alone, in the serving pod: same image, node, files and switches."""
        pod = self._cluster.ready_pod(self._name)
        arguments = pod["spec"]["containers"][0]["args"]
        command = ["paddle-serving-runtime", "reference", "--model-dir", flag(arguments, "--model-dir")]
        command += ["--output", ANSWERS, *switches(arguments)]
        name = pod["metadata"]["name"]
        self._cluster.run("exec", name, "-c", "serve", "--", *command)
        output = self._output / f"reference_{self._name}.json"
        output.write_text(self._cluster.run("exec", name, "-c", "serve", "--", "cat", ANSWERS), encoding="utf-8")
        return captured.in_order_of(requests, self._samples, references.read(output).answers)


def wait_ready(cluster: kubectl.Kubectl, name: str, deadline: float) -> None:
    """Returns when the PaddleService is Ready. Raises TargetError with its conditions where it never is."""
    while True:
        resource = cluster.get("paddleservice", name)
        status = resource.get("status", {})
        seen = status.get("observedGeneration") == resource["metadata"]["generation"]
        conditions = {item["type"]: item for item in status.get("conditions", [])}
        if seen and conditions.get("Ready", {}).get("status") == "True":
            return
        told = "; ".join(
            f"{kind}={item['status']} {item.get('reason', '')}: {item.get('message', '')}"
            for kind, item in sorted(conditions.items())
        )
        if seen and status.get("phase") in ("Failed", "Invalid"):
            raise TargetError(f"PaddleService {name} is {status['phase']}: {told}")
        if time.monotonic() >= deadline:
            raise TargetError(f"PaddleService {name} was not Ready in time. Last seen: {told or 'no status at all'}")
        time.sleep(PAUSE)


def flag(arguments: Sequence[str], name: str) -> str:
    """The value after a flag of the serving container. Raises TargetError where it is missing."""
    if name not in arguments:
        raise TargetError(f"the serving container has no {name} in its arguments {list(arguments)}")
    return arguments[list(arguments).index(name) + 1]


def switches(arguments: Sequence[str]) -> list[str]:
    """The arguments of `serve` that say what is computed and how, for `reference`, as the container gets them.

    In a pod's specification a `$` is doubled, so that Kubernetes does not replace it.
    """
    arguments = [argument.replace("$$", "$") for argument in arguments]
    chosen = [part for name in SWITCH_FLAGS if name in arguments for part in (name, flag(arguments, name))]
    if "--overrides" in arguments:
        chosen.append("--overrides")
        for part in arguments[arguments.index("--overrides") + 1 :]:
            if part.startswith("--"):
                break
            chosen.append(part)
    return chosen
