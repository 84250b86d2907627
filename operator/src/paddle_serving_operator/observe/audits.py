"""Asks Ready pods every few minutes whether an audit has found that runs which requests share had other bits.

Nothing in the cluster tells of it: such a pod stays Ready, and computes each request alone from then on. Reading
happens outside the passes; a pass takes what is known.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from paddle_serving_operator.constants import Key, Manifest
from paddle_serving_operator.observe.pod_metrics import PodMetrics, Round
from paddle_serving_operator.observe.reports import Fetch, Submit, admin_address, at_once, fetch, tell_nobody

ROWS, DIFFERENCES = b"paddle_serving_batch_max_rows{", b"paddle_serving_batch_audit_differences_total{"
INTERVAL = timedelta(minutes=8)
"""Less than a resync takes, whose pass is the only one of a settled service."""

MOST_DOUBLINGS = 4
"""Of the interval, one for every time that no pod could be asked: a NetworkPolicy may keep the operator from them."""


class Audited(Enum):
    """What a pod's metrics tell of its audits; UNSHARED is for good: no requests share a run there."""

    UNSHARED = auto()
    AGREES = auto()
    DIFFERS = auto()


@dataclass(slots=True)
class _Watch:
    """What the pods of a PaddleService, by uid, said, who were asked in vain so many times in a row.

    `heard`: one of them has ever answered.
    """

    round: Round
    failures: int = 0
    heard: bool = False
    told: dict[str, Audited] = field(default_factory=dict)

    def begins(self, now: datetime) -> bool:
        """Whether they are to be asked; that has begun then."""
        return self.round.begins(now, INTERVAL * 2 ** min(self.failures, MOST_DOUBLINGS))

    def take(self, told: Mapping[str, Audited]) -> bool:
        """Notes what they said now. Returns whether another pod differs, or one differs no more."""
        changed = {uid for uid, said in told.items() if said is not self.told.get(uid)}
        news = any(Audited.DIFFERS in (told[uid], self.told.get(uid)) for uid in changed)
        self.told |= told
        self.heard = self.heard or bool(told)
        self.failures = 0 if told else self.failures + 1
        return news


class Audits:
    """What the pods of PaddleServices have told of their audits. Safe for several threads.

    The pods of a service are asked for the first time an interval after the first pass that sees one of them Ready.
    """

    def __init__(
        self, fetch: Fetch = fetch, submit: Submit = at_once, wake: Callable[[Key], None] = tell_nobody
    ) -> None:
        self._metrics = PodMetrics(audited, fetch, submit, wake)
        self._watches: dict[Key, _Watch] = {}

    def differing(self, key: Key, pods: Iterable[Manifest], now: datetime) -> tuple[str, ...] | None:
        """The names of those of `pods` in which an audit has found a difference; None where none could be asked yet."""
        ready = {pod["metadata"]["uid"]: (pod["metadata"]["name"], at) for pod in pods if (at := admin_address(pod))}
        with self._metrics.lock:
            watch = self._watches.setdefault(key, _Watch(Round(now)))
            watch.told = {uid: told for uid, told in watch.told.items() if uid in ready}
            asked = {uid: at for uid, (_, at) in ready.items() if watch.told.get(uid) is not Audited.UNSHARED}
            due = bool(asked) and watch.begins(now)
        if due:
            self._metrics.read(key, watch.round, asked, watch.take)
        with self._metrics.lock:
            found = sorted(name for uid, (name, _) in ready.items() if watch.told.get(uid) is Audited.DIFFERS)
            return tuple(found) if watch.heard else None

    def forget(self, key: Key) -> None:
        """Drops what is known about a PaddleService."""
        with self._metrics.lock:
            self._watches.pop(key, None)


def audited(metrics: bytes) -> Audited:
    """What a pod's /metrics tell. Raises ValueError where a value is no number."""
    lines = metrics.splitlines()
    if any(_value(line) for line in lines if line.startswith(DIFFERENCES)):
        return Audited.DIFFERS
    shares = any(_value(line) > 1 for line in lines if line.startswith(ROWS))
    return Audited.AGREES if shares else Audited.UNSHARED


def _value(line: bytes) -> float:
    return float(line.rpartition(b" ")[2])
