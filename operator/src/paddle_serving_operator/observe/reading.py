"""Reads from the mirror what it holds, and from the API server what it does not."""

from typing import Protocol

from typing_extensions import override

from paddle_serving_operator.constants import Kind, Manifest
from paddle_serving_operator.observe.mirror import Mirror, NotHeldError


class Reader(Protocol):
    """Reads objects; raises what the implementation calls Unavailable or Forbidden."""

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        ...

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects of a kind that a label selector matches."""
        ...


class Mirrored(Reader):
    """The mirror, and behind it the API server."""

    def __init__(self, mirror: Mirror, server: Reader) -> None:
        self._mirror = mirror
        self._server = server

    @override
    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        try:
            return self._mirror.get(kind, namespace, name)
        except NotHeldError:
            return self._server.get(kind, namespace, name)

    @override
    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects of a kind that a label selector matches."""
        try:
            return self._mirror.list(kind, namespace, selector)
        except NotHeldError:
            return self._server.list(kind, namespace, selector)
