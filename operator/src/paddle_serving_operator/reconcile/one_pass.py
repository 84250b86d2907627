"""How a pass reaches the cluster: it plans from the mirror, and asks the API server before it makes or takes anything.

A plan that deletes an object, has fewer pods or moves traffic is right only if everything that it was made from is
true now. So such a plan is made twice: from the mirror, which costs nothing, and again from the API server.

What is made for a PaddleService that is gone is made for nobody, and what exists already may be another's. So where
something is made where nothing answers yet, or plays no part in what answers (a record, a report), the PaddleService is
asked for: it must be as the mirror has it. And the object must not exist: it is asked for by name, or is created, which
fails where there is one. The same holds for a Service that selected nothing so far and gets the only revision, which
takes nothing from anybody: the API server changes it only where it is as the mirror has it. To read everything costs
several times as much.

All else (a field put back, more pods, a status) is harmless also where the mirror was behind.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple, Self, TypeAlias

from paddle_serving_operator.constants import (
    DEPLOYMENT,
    HTTP_ROUTE,
    LABEL_REVISION,
    NO_REVISION,
    PADDLE_SERVICE,
    SERVICE,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.kube.apply import CREATED, Known
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.cluster import ApiServer, Cluster
from paddle_serving_operator.kube.errors import Conflict
from paddle_serving_operator.kube.noting import NotingCluster
from paddle_serving_operator.observe.mirror import EVERYBODYS, Mirror
from paddle_serving_operator.observe.reading import Mirrored, Reader

Live: TypeAlias = Mapping[tuple[Kind, str], Manifest]
Wanted: TypeAlias = Sequence[tuple[Kind, Manifest]]
Kept: TypeAlias = Collection[tuple[Kind, str]]

SERVING = frozenset({DEPLOYMENT, SERVICE, HTTP_ROUTE})
"""Kinds that decide who answers."""


class Effect(NamedTuple):
    """What applying or deleting an object makes or takes, in words, and the object as it is known, None for a new one.

    `light`: it is right as soon as this object and the PaddleService are as they are known.
    """

    kind: Kind
    name: str
    word: str
    known: Manifest | None
    light: bool


class ReadAgainError(Exception):
    """The plan makes or takes something, and what it was made from is not certain; the text says what.

    At most what is harmless was written.
    """


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over a PaddleService at a moment: the API server for its writes, and a reader for its plan.

    `fresh`: whether the reader is the API server itself.
    """

    key: Key
    now: datetime
    cluster: Cluster
    reader: Reader
    fresh: bool

    def afresh(self) -> Self:
        """The same pass, with every read from the API server."""
        return replace(self, reader=self.cluster, fresh=True)

    def allow(self, owner: Manifest, live: Live, desired: Wanted, kept: Kept) -> Known:
        """Raises ReadAgainError where a plan that was made from the mirror may not be carried out as it is.

        `owner` is the PaddleService, `live` what exists, `desired` what is to be applied, `kept` what is not to be
        deleted. Returns what must hold when it is applied.
        """
        effects = [] if self.fresh else effects_of(live, desired, kept)
        if heavy := [f"{effect.kind.kind} {effect.name} {effect.word}" for effect in effects if not effect.light]:
            raise ReadAgainError(", ".join(heavy))
        if effects:
            self._ask_for(self.cluster, PADDLE_SERVICE, self.key.name, owner)
        new = [effect for effect in effects if effect.known is None]
        for effect in new:
            if effect.kind not in CREATED:
                self._ask_for(self.cluster, effect.kind, effect.name, None)
            elif effect.kind in EVERYBODYS:
                self._ask_for(self.reader, effect.kind, effect.name, None)
        absent = frozenset((effect.kind, effect.name) for effect in new)
        return Known(absent, frozenset((effect.kind, effect.name) for effect in effects) - absent)

    def _ask_for(self, reader: Reader, kind: Kind, name: str, known: Manifest | None) -> None:
        """Raises ReadAgainError where an object is not exactly as it is known."""
        found = reader.get(kind, self.key.namespace, name)
        if _version(found) != _version(known):
            raise ReadAgainError(f"{kind.kind} {name} is not as the watch has told")

    @contextmanager
    def carrying_out(self) -> Iterator[None]:
        """What is done in this block; where it meets something else than the mirror has, it is to be read again."""
        try:
            yield
        except Conflict as error:
            if self.fresh:
                raise
            raise ReadAgainError(str(error)) from error


def from_mirror(key: Key, now: datetime, server: ApiServer, mirror: Mirror, budget: Budget) -> Pass:
    """A pass that reads what the mirror holds from it, within the budget, and lets the mirror know of its writes."""
    cluster = NotingCluster(server.within(budget), mirror)
    return Pass(key, now, cluster, Mirrored(mirror, cluster), fresh=False)


def effects_of(live: Live, desired: Wanted, kept: Kept) -> list[Effect]:
    """What is made, deleted, gets fewer pods, or sends its requests elsewhere. Pure."""
    deleted = [
        Effect(kind, name, "is deleted", manifest, light=False)
        for (kind, name), manifest in live.items()
        if (kind, name) not in kept and "deletionTimestamp" not in manifest["metadata"]
    ]
    return deleted + [effect for kind, manifest in desired if (effect := _effect(kind, manifest, live))]


def _effect(kind: Kind, manifest: Manifest, live: Live) -> Effect | None:
    """What applying an object makes or takes; None where it does neither."""
    name = manifest["metadata"]["name"]
    known = live.get((kind, name))
    if known is None:
        first = not any(found in SERVING for found, _ in live)
        return Effect(kind, name, "is made", None, light=first or kind not in SERVING)
    spec, before = manifest.get("spec", {}), known.get("spec", {})
    if kind == DEPLOYMENT and spec["replicas"] < before.get("replicas", 1):
        word = f"has {spec['replicas']} pods instead of {before.get('replicas', 1)}"
        return Effect(kind, name, word, known, light=False)
    if kind == SERVICE and spec["selector"] != before.get("selector"):
        nothing = (before.get("selector") or {}).get(LABEL_REVISION) == NO_REVISION
        alone = sum(found == DEPLOYMENT for found, _ in live) == 1
        return Effect(kind, name, "selects other pods", known, light=nothing and alone)
    if kind == HTTP_ROUTE and spec["rules"] != before.get("rules"):
        return Effect(kind, name, "divides its requests otherwise", known, light=False)
    return None


def _version(manifest: Manifest | None) -> str | None:
    return None if manifest is None else manifest["metadata"].get("resourceVersion", "")
