"""What the watches have told of the cluster, in memory: it answers most reads in place of the API server.

kopf tells of changes, but not that a list is complete, nor which objects went while a watch was down. Both can be seen
in its lists, so whoever watches passes those on, too (`listed`). What this operator writes itself is taken from the API
server's answer, so that the next pass does not see less than the last one did.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from paddle_serving_operator.constants import (
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    EVENT,
    EVERYWHERE,
    HTTP_ROUTE,
    LABEL_SERVICE,
    OWNED_KINDS,
    PADDLE_SERVICE,
    POD,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
)
from paddle_serving_operator.observe.sharing import Sharing
from paddle_serving_operator.observe.shelf import Place, Shelf, number_of, place_of
from paddle_serving_operator.observe.trimming import trimmed

log = logging.getLogger(__name__)

WATCHED_KINDS = (PADDLE_SERVICE, *OWNED_KINDS, POD, ENDPOINT_SLICE)
"""What somebody deletes or bends is put back at once; pods and endpoints say who answers and who is asked."""

OPTIONAL_KINDS = (HTTP_ROUTE,)
"""Kinds that not every cluster has. They are watched where they are known, and read where they are asked for."""

PAGE_KINDS = (EVENT,)
"""Kinds that only people read, on the operator's page: no pass asks for them, and they are watched where it is on."""

EVERYBODYS = frozenset({PADDLE_SERVICE, DISRUPTION_BUDGET, SERVICE_ACCOUNT})
"""Kinds of which every object is watched: other people's budgets cover our pods, and their accounts run them."""


class NotHeldError(Exception):
    """The mirror does not know the answer; the API server does."""


@dataclass(slots=True)
class _Watch:
    """How far one watch is: the resourceVersion of its last list, 0 before one; whether it is refused at the moment."""

    floor: int = 0
    refused: bool = False


class Mirror:
    """The watched objects. Nobody may change what it gives out. Safe for several threads.

    A scope is what one watch covers: a namespace, or None for all of them.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` in monotonic seconds."""
        self._lock = threading.Condition()
        kinds, unlabelled = (*WATCHED_KINDS, *OPTIONAL_KINDS, *PAGE_KINDS), {*EVERYBODYS, *PAGE_KINDS}
        self._shelves = {kind: Shelf(None if kind in unlabelled else LABEL_SERVICE, clock) for kind in kinds}
        self._watches: dict[tuple[Kind, str | None], _Watch] = defaultdict(_Watch)
        self._sharing = Sharing()

    def listed(self, kind: Kind, scope: str | None, items: Collection[Manifest], version: str) -> list[Manifest]:
        """A watch has begun with this list. Returns the objects that went without anybody telling."""
        with self._lock:
            shelf, number = self._shelves[kind], number_of(version)
            shelf.comparable = number is not None
            vanished = shelf.replace((self._kept(kind, item) for item in items), number or 0, scope)
            if not shelf.comparable:
                log.warning("%s have resourceVersions that are no numbers; they are always read", kind.plural)
            self._watches[kind, scope] = _Watch(floor=number or 0)
            self._lock.notify_all()
            return vanished

    def compact(self, kind: Kind, manifest: Manifest) -> Manifest:
        """An equal object as it is kept here, which shares with others what is equal in them."""
        with self._lock:
            return self._kept(kind, manifest)

    def refused(self, kind: Kind, scope: str | None) -> bool:
        """A list or a watch was not answered, or with an error: the API server is to be asked from now on.

        Returns whether that is new.
        """
        with self._lock:
            watch = self._watches[kind, scope]
            new, watch.refused = not watch.refused, True
            self._lock.notify_all()
            return new

    def resumed(self, kind: Kind, scope: str | None) -> None:
        """A watch goes on where it was."""
        with self._lock:
            self._watches[kind, scope].refused = False

    def ended(self, kinds: Collection[Kind], scope: str | None) -> None:
        """The watches of these kinds have ended in a scope; each will begin with a list again."""
        with self._lock:
            for kind, one in self._watches:
                if one == scope and kind in kinds:
                    self._watches[kind, one] = _Watch(refused=True)

    def saw(self, kind: Kind, manifest: Manifest) -> None:
        """An object is there, and looks like this."""
        with self._lock:
            shelf = self._shelves.get(kind)
            if shelf is not None and not shelf.knows(manifest):  # the watch repeats what the answer to a write was
                shelf.put(self._kept(kind, manifest), self._floor(kind, manifest))

    def missed(self, kind: Kind, manifest: Manifest) -> None:
        """An object is gone, or does not match the watch any more. The manifest is as the watch's event has it."""
        with self._lock:
            self._shelves[kind].take(manifest)

    def deleted(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """The API server has said that exactly this object does not exist."""
        with self._lock:
            if kind in self._shelves:
                self._shelves[kind].kill(Place(namespace, name), uid)

    def holds(self, kind: Kind, namespace: str) -> bool:
        """Whether it knows every watched object of a kind in a namespace."""
        with self._lock:
            return self._holds(kind, namespace)

    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, None where there is none. Raises NotHeldError."""
        with self._lock:
            held = self._holds(kind, namespace)
            found = self._shelves[kind].get(Place(namespace, name)) if held else None
            if found is None and not (held and kind in EVERYBODYS):
                raise NotHeldError(f"{kind.kind} {namespace}/{name}")
            return found

    def find(self, kind: Kind, manifest: Manifest) -> Manifest | None:
        """What is known at the moment of the object in the place of this one."""
        with self._lock:
            return self._shelves[kind].get(place_of(manifest))

    def known(self, kind: Kind, namespace: str | None, service: str | None = None) -> list[Manifest]:
        """The objects of a watched kind that are known at the moment, of one namespace or (None) of all.

        `service`: only those that carry the label of this PaddleService; it needs a namespace.
        """
        labels = {} if service is None else {LABEL_SERVICE: service}
        with self._lock:
            shelf = self._shelves[kind]
            return shelf.all() if namespace is None else shelf.matching(namespace, labels)

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects that a label selector of the form a=b,c=d matches. Raises NotHeldError.

        With EVERYWHERE as namespace: every object of a kind of which all are watched.
        """
        labels = _parsed(selector)
        with self._lock:
            covered = labels is not None and (kind in EVERYBODYS or LABEL_SERVICE in labels)
            everywhere = namespace == EVERYWHERE
            if not covered or labels is None or (everywhere and labels) or not self._holds(kind, namespace):
                raise NotHeldError(f"{kind.plural} of {namespace}")
            shelf = self._shelves[kind]
            return shelf.all() if everywhere else shelf.matching(namespace, labels)

    def sizes(self) -> Mapping[str, int]:
        """How many objects are known, by kind."""
        with self._lock:
            return {kind.kind: len(shelf) for kind, shelf in self._shelves.items()}

    def refusals(self) -> Mapping[str, int]:
        """How many watches are refused at the moment, by kind."""
        with self._lock:
            return {
                kind.kind: sum(watch.refused for (watched, _), watch in self._watches.items() if watched == kind)
                for kind in self._shelves
            }

    def wait(self, watches: Iterable[tuple[Kind, str | None]], seconds: float) -> bool:
        """Waits until each of these watches has begun or was refused. Returns whether that was in time."""
        expected = set(watches)
        with self._lock:
            return self._lock.wait_for(lambda: all(watch in self._watches for watch in expected), timeout=seconds)

    def _kept(self, kind: Kind, manifest: Manifest) -> Manifest:
        """The object as it is kept in memory."""
        return self._sharing.shared(trimmed(kind, manifest), self._shelves[kind].get(place_of(manifest)))

    def _watching(self, kind: Kind, namespace: str) -> Iterable[_Watch]:
        return (self._watches[kind, scope] for scope in (namespace, None) if (kind, scope) in self._watches)

    def _holds(self, kind: Kind, namespace: str) -> bool:
        begun = any(watch.floor and not watch.refused for watch in self._watching(kind, namespace))
        return begun and self._shelves[kind].comparable

    def _floor(self, kind: Kind, manifest: Manifest) -> int:
        namespace = manifest["metadata"].get("namespace", "")
        return max((watch.floor for watch in self._watching(kind, namespace)), default=0)


def _parsed(selector: str) -> dict[str, str] | None:
    """A selector's labels; None where it says anything but that labels have values."""
    parts = [part.partition("=") for part in selector.split(",") if part]
    simple = all(name and mark and not set(name + value) & set("!=() ") for name, mark, value in parts)
    return {name: value for name, _, value in parts} if simple else None
