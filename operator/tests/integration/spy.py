"""An operator whose writes are counted, and which can be killed at any of them."""

from collections.abc import Callable
from typing import Any

from paddle_serving_operator.constants import Kind, Manifest
from paddle_serving_operator.kube.dynamic import DynamicCluster
from paddle_serving_operator.kube.errors import Conflict

from .world import World

WRITES = ("apply", "apply_status", "create", "delete")


class Killed(BaseException):
    """The operator's process died."""


class Spy:
    """A cluster that counts writes, and dies right after or right before the one with the given number."""

    def __init__(self, cluster: DynamicCluster) -> None:
        self._cluster = cluster
        self.writes: list[str] = []
        self.dies_at: int | None = None
        self.before = False

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        return self._cluster.get(kind, namespace, name)

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        return self._cluster.list(kind, namespace, selector)

    def __getattr__(self, verb: str) -> Callable[..., None]:
        assert verb in WRITES, verb

        def write(kind: Kind, *arguments: Any) -> None:  # noqa: ANN401 - passed on
            self.writes.append(f"{verb} {kind.kind}")
            if self.before and len(self.writes) == self.dies_at:
                raise Killed
            getattr(self._cluster, verb)(kind, *arguments)
            if len(self.writes) == self.dies_at:
                raise Killed

        return write


class Operator:
    """Passes over one PaddleService until they come to rest; `spy` sees every write."""

    def __init__(self, world: World, name: str) -> None:
        self.spies: list[Spy] = []

        def wrap(cluster: DynamicCluster) -> Spy:
            self.spies.append(Spy(cluster))
            return self.spies[0]

        self._world, self._name = world, name
        self._once = world.reconciler(wrap)
        self.spy = self.spies[0]

    def once(self) -> None:
        try:
            self._once(self._name)
        except Conflict:  # the next pass reads what changed; this is what the queue does
            self._once(self._name)

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
