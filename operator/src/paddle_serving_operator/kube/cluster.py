"""The few things that the operator asks of an API server."""

from typing import Protocol

from paddle_serving_operator.constants import Kind, Manifest


class Cluster(Protocol):
    """An API server. Every method raises a KubeError."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        ...

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects that a label selector matches."""
        ...

    def apply(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """Server-side apply with the operator's field manager; fields of others that it names become the operator's."""
        ...

    def apply_status(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """The same for the status. With a resourceVersion it is a Conflict if the object changed meanwhile."""
        ...

    def create(self, kind: Kind, namespace: str, manifest: Manifest) -> None:
        """Creates an object; one of the same name is a Conflict."""
        ...

    def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Deletes exactly this object, dependants in the background; silent where it is gone already."""
        ...
