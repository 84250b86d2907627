"""Whether the pod is ready, and if not, why: pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """Where a worker is in its life."""

    LOADING = "loading"
    VERIFYING = "verifying"
    SERVING = "serving"
    SUSPECT = "suspect"
    DEAD = "dead"


@dataclass(frozen=True)
class Readiness:
    """`reason` is empty where it is ready."""

    ready: bool
    reason: str = ""


def readiness(phases: Iterable[Phase], *, verified_once: bool, draining: bool) -> Readiness:
    """Ready from the moment that every worker is verified, and from then on while at least one serves.

    A single worker that dies must not take its pod out of the endpoints: the others answer meanwhile.
    """
    workers = tuple(phases)
    if draining:
        return Readiness(ready=False, reason="draining")
    if not verified_once:
        counts = ", ".join(f"{workers.count(phase)} {phase}" for phase in Phase if phase in workers)
        return Readiness(ready=False, reason=f"starting: workers {counts}")
    if Phase.SERVING not in workers:
        return Readiness(ready=False, reason="no worker is alive")
    return Readiness(ready=True)
