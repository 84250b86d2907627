"""An operator whose writes are counted, and which can be killed at any of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Self

from paddle_serving_operator.constants import Kind, Manifest
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.errors import Conflict, NotFound
from paddle_serving_operator.kube.rest import RestCluster
from paddle_serving_operator.observe.reports import Fetch

from .world import World

WRITES = ("apply", "apply_status", "patch", "create", "delete")


class Killed(BaseException):
    """The operator's process died."""


class Spy:
    """A cluster that notes reads and writes, and dies right after or right before the write with the given number."""

    def __init__(self, cluster: RestCluster) -> None:
        self._cluster = cluster
        self.reads: list[str] = []
        self.writes: list[str] = []
        self.dies_at: int | None = None
        self.before = False
        self.logs: dict[str, str] = {}

    def within(self, budget: Budget) -> Self:
        self._cluster = self._cluster.within(budget)
        return self

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        self.reads.append(f"get {kind.kind}")
        return self._cluster.get(kind, namespace, name)

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        self.reads.append(f"list {kind.kind}")
        return self._cluster.list(kind, namespace, selector)

    def dry_run(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Nothing is written."""
        self.reads.append(f"dry run {kind.kind}")
        return self._cluster.dry_run(kind, namespace, manifest)

    def log(self, _namespace: str, pod: str, _container: str, *, previous: bool) -> str:
        """No kubelet is here: the log of a pod by the start of its name."""
        self.reads.append(f"log {pod} {previous}")
        for name, text in self.logs.items():
            if pod.startswith(name):
                return text
        raise NotFound(f"log {pod}: there is no kubelet")

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        assert verb in WRITES, verb

        def write(kind: Kind, *arguments: Any) -> Any:  # noqa: ANN401 - passed on
            self.writes.append(f"{verb} {kind.kind}")
            if self.before and len(self.writes) == self.dies_at:
                raise Killed
            answer = getattr(self._cluster, verb)(kind, *arguments)
            if len(self.writes) == self.dies_at:
                raise Killed
            return answer

        return write


class Operator:
    """Passes over one PaddleService until they come to rest; `spy` sees every write."""

    def __init__(self, world: World, name: str, fetch: Fetch | None = None) -> None:
        self.spies: list[Spy] = []

        def wrap(cluster: RestCluster) -> Spy:
            self.spies.append(Spy(cluster))
            return self.spies[0]

        self._world, self._name = world, name
        self._once = world.reconciler(wrap, fetch)
        self.spy = self.spies[0]

    def once(self, ahead: timedelta = timedelta()) -> None:
        try:
            self._once(self._name, ahead)
        except Conflict:  # the next pass reads what changed; this is what the queue does
            self._once(self._name, ahead)

    def until_at_rest(self) -> None:
        """Passes until one has nothing to write: what controllers still report may be told of before."""

        def rests() -> bool:
            self.spy.writes.clear()
            self.once()
            return not self.spy.writes

        self._world.until(f"a pass over {self._name} writes nothing", rests)

    def until_healthy(self) -> str:
        found: dict[str, Any] = {}

        def healthy() -> bool:
            self.once()
            resource = self._world.resource(self._name)
            found.update(resource["status"])
            newest = found.get("observedGeneration") == resource["metadata"]["generation"]
            return bool(newest and found["phase"] == "Healthy" and len(self._world.deployments()) == 1)

        self._world.until(f"{self._name} is Healthy", healthy)
        revision: str = found["stable"]["revision"]
        return revision
