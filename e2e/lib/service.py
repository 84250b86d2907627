"""A PaddleService under test: what is done to it is in `when`, what must come of it in `then`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.lib.cluster import ROOT, run
from e2e.lib.load import CONNECTIONS, Target, load_on
from e2e.lib.portforward import port_forward
from e2e.lib.then import Then
from e2e.lib.wait import minutes
from e2e.lib.when import When

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.cluster import Namespace, Object
    from e2e.lib.gateway import Gateway
    from e2e.lib.load import Load

KIND = "paddleservice"
PLUGIN = str(Path(sys.executable).with_name("kubectl-paddle"))
NAME_LABEL = "serving.paddlepaddle.org/service"
REVISION_LABEL = "serving.paddlepaddle.org/revision"


class Service:
    """One PaddleService: `manifest` is what was applied last, `example` the folder of its samples."""

    def __init__(self, namespace: Namespace, manifest: Object, example: str) -> None:
        self.namespace = namespace
        self.manifest = manifest
        self.example = example

    @property
    def name(self) -> str:
        """Name of the PaddleService and of its Service."""
        name: str = self.manifest["metadata"]["name"]
        return name

    @property
    def when(self) -> When:
        """What is done to it."""
        return When(self)

    @property
    def then(self) -> Then:
        """What must come of it."""
        return Then(self)

    @property
    def path(self) -> str:
        """Path of its requests."""
        return f"/{self.manifest['spec']['model'].get('name', self.name)}/prediction"

    def apply(self) -> None:
        """Applies the manifest as it is now."""
        self.namespace.apply(self.manifest)

    def resource(self) -> Object:
        """The custom resource as the cluster has it."""
        found = self.namespace.find(KIND, self.name)
        if found is None:
            raise AssertionError(f"PaddleService {self.namespace.name}/{self.name} is gone")
        return found

    def is_healthy(self, *, within: float = minutes(3), though_failed: bool = False) -> Service:
        """Waits until the newest spec has all traffic; gives up when it has failed, unless it may mend itself."""
        self.then.phase_becomes("Healthy", within=within, not_over="" if though_failed else "Failed")
        self.then.condition_becomes("Ready", "True", within=within)
        return self

    @property
    def revision(self) -> str:
        """The revision that has the traffic."""
        revision: str = self.resource()["status"]["stable"]["revision"]
        return revision

    @property
    def candidate(self) -> str:
        """The revision that wants the traffic, or was stopped on its way; empty where there is none."""
        revision: str = self.resource().get("status", {}).get("canary", {}).get("revision", "")
        return revision

    def pods(self, revision: str = "") -> list[Object]:
        """Its pods that are not about to end; those of one revision where it is named."""
        selector = f"{NAME_LABEL}={self.name}" + (f",{REVISION_LABEL}={revision}" if revision else "")
        return [pod for pod in self.namespace.list("pod", selector) if "deletionTimestamp" not in pod["metadata"]]

    def paddle(self, command: str, *arguments: str) -> str:
        """What `kubectl paddle <command>` prints of it. Raises CommandFailed."""
        context = ("--context", self.namespace.cluster.context, "--namespace", self.namespace.name)
        return run([PLUGIN, command, self.name, *context, *arguments])

    def sample(self, name: str) -> bytes:
        """The body of a golden sample of the example."""
        return (ROOT / "examples" / self.example / "golden" / name).read_bytes()

    @contextmanager
    def forwarded(self) -> Iterator[str]:
        """The service's URL through kubectl port-forward."""
        with port_forward(self.namespace, f"svc/{self.name}", 80) as address:
            yield address + self.path

    @contextmanager
    def under_load(
        self, sample: str, requests_per_second: float, *, connections: int = CONNECTIONS, gateway: Gateway | None = None
    ) -> Iterator[Load]:
        """Load from inside the cluster while the block runs, on the Service itself or through a gateway."""
        target = Target(gateway.host if gateway else self.name, self.path, self.sample(sample))
        with load_on(self.namespace, self.name, target, requests_per_second, connections) as load:
            yield load
