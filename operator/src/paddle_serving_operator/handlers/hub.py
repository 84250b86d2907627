"""What the watches tell, in one place: into the mirror, and the PaddleServices that it concerns into the queue."""

from collections.abc import Collection, Iterable, Mapping

from paddle_serving_operator.constants import (
    AUTOSCALER,
    DISRUPTION_BUDGET,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    SERVICE_ACCOUNT,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.handlers.turns import TurnNews
from paddle_serving_operator.observe.mirror import PAGE_KINDS, Mirror
from paddle_serving_operator.reconcile.queue import Cause, Queue

DELETED, VANISHED = "DELETED", "vanished"
STATUS_UNREAD = frozenset({AUTOSCALER, DISRUPTION_BUDGET})
"""Their status changes every few seconds, or with every pod, and no pass reads it."""
NOTED = frozenset({"resourceVersion", "managedFields"})
"""What the API server notes with every change, that of a status too."""


class Hub:
    """Takes the news of all watches. Safe for several threads."""

    def __init__(self, mirror: Mirror, queue: Queue) -> None:
        self._mirror = mirror
        self._queue = queue
        self._turns = TurnNews(mirror)

    def heard(self, kind: Kind, change: str, manifest: Manifest) -> None:
        """An event of a watch: ADDED, MODIFIED or DELETED."""
        before = self._mirror.find(kind, manifest)
        if change == DELETED:
            self._mirror.missed(kind, manifest)
        else:
            self._mirror.saw(kind, manifest)
        self._tell(kind, manifest, change, before if change != DELETED else None)

    def compact(self, kind: Kind, items: Iterable[Manifest]) -> list[Manifest]:
        """The same objects in less memory, for whoever keeps them until a list is whole."""
        return [self._mirror.compact(kind, item) for item in items]

    def listed(self, kind: Kind, scope: str | None, items: Collection[Manifest], version: str) -> None:
        """A watch has begun with this list: these objects are there, and what else was known of the kind is gone."""
        for manifest in self._mirror.listed(kind, scope, items, version):
            self._tell(kind, manifest, VANISHED, None)
        for manifest in items:
            self._tell(kind, manifest, "listed", None)

    def refused(self, kind: Kind, scope: str | None, *, forbidden: bool) -> None:
        """A list or a watch was not answered, or with an error; each service tells it where it is `forbidden`.

        What only the page shows is no trouble of a service; the page tells it.
        """
        if self._mirror.refused(kind, scope) and forbidden and kind not in PAGE_KINDS:
            for service in self._mirror.known(PADDLE_SERVICE, scope):
                metadata = service["metadata"]
                self._queue.add(Key(metadata["namespace"], metadata["name"]), Cause(kind.kind, "cannot be watched"))

    def resumed(self, kind: Kind, scope: str | None) -> None:
        """A watch goes on where it was."""
        self._mirror.resumed(kind, scope)

    def ended(self, kinds: Collection[Kind], scope: str | None) -> None:
        """The watches of these kinds have ended in a scope."""
        self._mirror.ended(kinds, scope)

    def _tell(self, kind: Kind, manifest: Manifest, change: str, before: Manifest | None) -> None:
        """Puts the PaddleServices whose matter it is into the queue. `before`: the object as it was known."""
        cause = Cause(kind.kind, f"{manifest['metadata']['name']} {change}")
        for key in self._concerned(kind, manifest, before):
            self._queue.add(key, cause)
        self._wake(kind, manifest, gone=change in {DELETED, VANISHED})

    def _wake(self, kind: Kind, manifest: Manifest, *, gone: bool) -> None:
        """Those that wait for the turn of this PaddleService."""
        if kind == PADDLE_SERVICE:
            for key in self._turns.heard(manifest, gone=gone):
                self._queue.add(key, Cause("turn", f"of {manifest['metadata']['name']}"))

    def _concerned(self, kind: Kind, manifest: Manifest, before: Manifest | None) -> list[Key]:
        """The PaddleServices to look at. `before` is the object as it was known, where this is a change of it."""
        namespace = manifest["metadata"].get("namespace", "")
        if kind in STATUS_UNREAD and before is not None and _read(before) == _read(manifest):
            return []
        if kind == PADDLE_SERVICE:
            return [Key(namespace, manifest["metadata"]["name"])]
        names = owners_of(manifest)
        if not names and _is_news(kind, before):  # it may cover or run the pods of any service here
            names = {service["metadata"]["name"] for service in self._mirror.known(PADDLE_SERVICE, namespace)}
        return [Key(namespace, name) for name in sorted(names)]


def owners_of(manifest: Manifest) -> set[str]:
    """The PaddleServices whose object it is. Its owner tells also where somebody took its label away."""
    metadata = manifest["metadata"]
    owners = (owner.get("name") for owner in metadata.get("ownerReferences") or () if _is_ours(owner))
    return {name for name in ((metadata.get("labels") or {}).get(LABEL_SERVICE), *owners) if name}


def _is_news(kind: Kind, before: Manifest | None) -> bool:
    """Whether a change of somebody else's object can matter."""
    return kind == DISRUPTION_BUDGET or (kind == SERVICE_ACCOUNT and before is None)


def _read(manifest: Manifest) -> Manifest:
    """What a pass reads of an object whose status says nothing to it."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in NOTED}
    return {name: value for name, value in manifest.items() if name != "status"} | {"metadata": metadata}


def _is_ours(owner: Mapping[str, object]) -> bool:
    return owner.get("kind") == PADDLE_SERVICE.kind and owner.get("apiVersion") == PADDLE_SERVICE.api_version
