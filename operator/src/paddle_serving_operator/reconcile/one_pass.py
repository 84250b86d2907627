"""How a pass reaches the cluster: it plans from the mirror, and asks the API server before it makes or takes anything.

A plan that deletes an object, has fewer pods or moves traffic is right only if everything that it was made from is
true now, and what is made for a PaddleService that is gone is made for nobody. So such a plan is made twice: from the
mirror, which costs nothing, and again from the API server. All else (a field put back, more pods, a status) is harmless
also where the mirror was behind.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self, TypeAlias

from paddle_serving_operator.constants import DEPLOYMENT, HTTP_ROUTE, SERVICE, Key, Kind, Manifest
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.cluster import ApiServer, Cluster
from paddle_serving_operator.kube.noting import NotingCluster
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.observe.reading import Mirrored, Reader

Live: TypeAlias = Mapping[tuple[Kind, str], Manifest]
Wanted: TypeAlias = Sequence[tuple[Kind, Manifest]]
Kept: TypeAlias = Collection[tuple[Kind, str]]


class ReadAgainError(Exception):
    """The plan makes or takes something, and is from the mirror; the text says what. Nothing was written yet."""


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

    def allow(self, live: Live, desired: Wanted, kept: Kept) -> None:
        """Raises ReadAgainError where a plan that was made from the mirror would make or take something.

        `live` is what exists, `desired` what is to be applied, `kept` what is not to be deleted.
        """
        if not self.fresh and (moves := moves_of(live, desired, kept)):
            raise ReadAgainError(", ".join(moves))


def from_mirror(key: Key, now: datetime, server: ApiServer, mirror: Mirror, budget: Budget) -> Pass:
    """A pass that reads what the mirror holds from it, within the budget, and lets the mirror know of its writes."""
    cluster = NotingCluster(server.within(budget), mirror)
    return Pass(key, now, cluster, Mirrored(mirror, cluster), fresh=False)


def moves_of(live: Live, desired: Wanted, kept: Kept) -> list[str]:
    """What is made, deleted, gets fewer pods, or sends its requests elsewhere, in words. Pure."""
    deleted = [
        f"{kind.kind} {name} is deleted"
        for (kind, name), manifest in live.items()
        if (kind, name) not in kept and "deletionTimestamp" not in manifest["metadata"]
    ]
    moved = ((kind, manifest, _move(kind, manifest, live)) for kind, manifest in desired)
    return deleted + [f"{kind.kind} {manifest['metadata']['name']} {word}" for kind, manifest, word in moved if word]


def _move(kind: Kind, manifest: Manifest, live: Live) -> str:
    """What applying an object makes or takes; empty where it does neither."""
    known = live.get((kind, manifest["metadata"]["name"]))
    if known is None:
        return "is made"
    spec, before = manifest.get("spec", {}), known.get("spec", {})
    if kind == DEPLOYMENT and spec["replicas"] < before.get("replicas", 1):
        return f"has {spec['replicas']} pods instead of {before.get('replicas', 1)}"
    if kind == SERVICE and spec["selector"] != before.get("selector"):
        return "selects other pods"
    if kind == HTTP_ROUTE and spec["rules"] != before.get("rules"):
        return "divides its requests otherwise"
    return ""
