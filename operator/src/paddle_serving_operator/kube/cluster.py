"""The few things that the operator asks of an API server."""

from collections.abc import Sequence
from typing import Protocol

from paddle_serving_operator.constants import Kind, Manifest
from paddle_serving_operator.kube.budget import Budget


class PodLogs(Protocol):
    """What pods have printed. Every method raises a KubeError."""

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """The last lines of a container's log, or with `previous` of the one that ran before it in the same pod."""
        ...


class Cluster(PodLogs, Protocol):
    """An API server. Every method raises a KubeError."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        ...

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects that a label selector matches, of one namespace or (EVERYWHERE) of all."""
        ...

    def apply(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Server-side apply with the operator's field manager; fields of others that it names become the operator's.

        Returns the object as the API server stored it.
        """
        ...

    def apply_status(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """The same for the status. With a resourceVersion it is a Conflict if the object changed meanwhile."""
        ...

    def patch(self, kind: Kind, namespace: str, name: str, operations: Sequence[Manifest]) -> Manifest:
        """A JSON patch (RFC 6902). With a resourceVersion in it, it is a Conflict if the object changed meanwhile.

        Returns the object as the API server stored it.
        """
        ...

    def create(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Creates an object; one of the same name is a Conflict. Returns the object as the API server stored it."""
        ...

    def dry_run(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """What the API server would store if the object were created; nothing is stored."""
        ...

    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Manifest | None:
        """Deletes exactly this object, dependants in the background; silent where it is gone already.

        Returns the object where it goes on existing until its finalizers let it go, None where it is gone.
        """
        ...


class ApiServer(Protocol):
    """What a pass gets its cluster from."""

    def within(self, budget: Budget) -> Cluster:
        """The API server for the calls of one pass; they raise OutOfTime once its time is used up."""
        ...
