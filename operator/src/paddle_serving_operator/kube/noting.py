"""An API server whose answers to writes are passed on, so that the mirror is never older than what was written."""

from collections.abc import Sequence
from typing import Protocol

from typing_extensions import override

from paddle_serving_operator.constants import EVENT, Kind, Manifest
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import Conflict, NotFound


class Notes(Protocol):
    """Takes what the API server has stored, and what it has removed."""

    def saw(self, kind: Kind, manifest: Manifest) -> None:
        """An object is there, and looks like this."""
        ...

    def deleted(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Exactly this object does not exist any more."""
        ...


class NotingCluster(Cluster):
    """A cluster that tells of its writes. Reads are the API server's own."""

    def __init__(self, cluster: Cluster, notes: Notes) -> None:
        self._cluster = cluster
        self._notes = notes

    @override
    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        return self._cluster.get(kind, namespace, name)

    @override
    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects that a label selector matches."""
        return self._cluster.list(kind, namespace, selector)

    @override
    def apply(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Server-side apply."""
        return self._noted(kind, self._cluster.apply(kind, namespace, manifest))

    @override
    def apply_status(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Server-side apply of the status. What it says of an object that is not as it was read is noted, too."""
        name, uid = manifest["metadata"]["name"], manifest["metadata"]["uid"]
        try:
            return self._noted(kind, self._cluster.apply_status(kind, namespace, manifest))
        except NotFound:
            self._notes.deleted(kind, namespace, name, uid)
            raise
        except Conflict:
            if newer := self._cluster.get(kind, namespace, name):
                self._notes.saw(kind, newer)
            raise

    @override
    def patch(self, kind: Kind, namespace: str, name: str, operations: Sequence[Manifest]) -> Manifest:
        """A JSON patch."""
        return self._noted(kind, self._cluster.patch(kind, namespace, name, operations))

    @override
    def create(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """Creates an object. Of an event nobody here reads again, and nobody would tell that it has gone."""
        made = self._cluster.create(kind, namespace, manifest)
        return made if kind == EVENT else self._noted(kind, made)

    @override
    def dry_run(self, kind: Kind, namespace: str, manifest: Manifest) -> Manifest:
        """What would be stored of a new object: nothing that the mirror should know."""
        return self._cluster.dry_run(kind, namespace, manifest)

    @override
    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Manifest | None:
        """Deletes exactly this object."""
        ending = self._cluster.delete(kind, namespace, name, uid)
        if ending is None:
            self._notes.deleted(kind, namespace, name, uid)
        else:
            self._notes.saw(kind, ending)
        return ending

    @override
    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """The last lines of a container's log."""
        return self._cluster.log(namespace, pod, container, previous=previous)

    def _noted(self, kind: Kind, stored: Manifest) -> Manifest:
        self._notes.saw(kind, stored)
        return stored
