"""Reads the metrics of pods during a step of a canary: what was asked of each revision, what failed, how long it took.

Reading happens outside the passes; a pass takes what is known.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from paddle_serving_operator.constants import Key, Manifest
from paddle_serving_operator.observe.pod_metrics import PodMetrics, Round
from paddle_serving_operator.observe.reports import Fetch, Submit, admin_address, at_once, fetch, tell_nobody
from paddle_serving_operator.rollout.facts import Reading

REQUESTS, DURATION = "paddle_serving_requests_total", "paddle_serving_request_duration_seconds_bucket"
FAILED = 500  # and above: the service's own fault
REFUSED = 400  # up to there: a wrong request, or one that only this revision finds wrong
QUANTILE = 0.99


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of one pod: requests, those that failed or were refused, and answered ones by upper bound in seconds."""

    requests: float = 0
    errors: float = 0
    refused: float = 0
    buckets: Mapping[float, float] = field(default_factory=dict)

    def since(self, before: "Counts") -> "Counts":
        """What was counted since; everything where the pod was started anew in between."""
        if before.requests > self.requests:
            return self
        buckets = {bound: count - before.buckets.get(bound, 0) for bound, count in self.buckets.items()}
        return Counts(
            self.requests - before.requests, self.errors - before.errors, self.refused - before.refused, buckets
        )


@dataclass(slots=True)
class _Window:
    """What was read since a step began; `began` and `latest` by pod."""

    round: Round = field(default_factory=Round)
    began: dict[str, Counts] = field(default_factory=dict)
    latest: dict[str, tuple[str, Counts]] = field(default_factory=dict)

    def take(self, revisions: Mapping[str, str], found: Mapping[str, Counts]) -> bool:
        """Notes what was read of pods, whose revisions are given; always news."""
        first = not self.latest
        for uid, counts in found.items():
            # what a pod has counted that was started within the step belongs to the step
            self.began.setdefault(uid, counts if first else Counts())
            self.latest[uid] = revisions[uid], counts
        return True


class Sampler:
    """Readings by revision, for the step that a rollout is in. Safe for several threads."""

    def __init__(
        self, fetch: Fetch = fetch, submit: Submit = at_once, wake: Callable[[Key], None] = tell_nobody
    ) -> None:
        self._metrics = PodMetrics(counts_of, fetch, submit, wake)
        self._windows: dict[Key, tuple[str, _Window]] = {}

    def readings(
        self, key: Key, step: str, pods: Mapping[str, Iterable[Manifest]], interval: timedelta, now: datetime
    ) -> Mapping[str, Reading]:
        """What is known of each revision since the step began, which `step` tells from every other.

        `pods` are those of the revisions that share the traffic. They are read again once `interval` has passed.
        """
        with self._metrics.lock:
            known, window = self._windows.get(key, ("", _Window()))
            if known != step:
                window = _Window()
                self._windows[key] = step, window
            due = window.round.begins(now, interval)
        if due:
            found = [(pod["metadata"]["uid"], name, admin_address(pod)) for name, of in pods.items() for pod in of]
            revisions = {uid: name for uid, name, _ in found}
            addresses = {uid: address for uid, _, address in found if address}
            self._metrics.read(key, window.round, addresses, lambda counts: window.take(revisions, counts))
        with self._metrics.lock:
            return _summed(window)

    def forget(self, key: Key) -> None:
        """Drops what is known about a PaddleService."""
        with self._metrics.lock:
            self._windows.pop(key, None)


def counts_of(metrics: bytes) -> Counts:
    """The counters out of a pod's /metrics. Raises ValueError where it is no such text."""
    requests, errors, refused, buckets = 0.0, 0.0, 0.0, dict[float, float]()
    for family in text_string_to_metric_families(metrics.decode()):
        for sample in family.samples:
            if sample.name == REQUESTS:
                code = int(sample.labels["code"])
                requests += sample.value
                errors += sample.value if code >= FAILED else 0
                refused += sample.value if REFUSED <= code < FAILED else 0
            elif sample.name == DURATION:
                bound = float(sample.labels["le"])
                buckets[bound] = buckets.get(bound, 0) + sample.value
    return Counts(requests, errors, refused, buckets)


def _summed(window: _Window) -> Mapping[str, Reading]:
    together: dict[str, Counts] = {}
    for uid, (revision, counts) in window.latest.items():
        since, sofar = counts.since(window.began[uid]), together.get(revision, Counts())
        bounds = {*since.buckets, *sofar.buckets}
        together[revision] = Counts(
            since.requests + sofar.requests,
            since.errors + sofar.errors,
            since.refused + sofar.refused,
            {bound: since.buckets.get(bound, 0) + sofar.buckets.get(bound, 0) for bound in bounds},
        )
    return {
        name: Reading(int(counts.requests), int(counts.errors), quantile(counts.buckets, QUANTILE), int(counts.refused))
        for name, counts in together.items()
    }


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """The quantile of a cumulative histogram, linear within a bucket as Prometheus does; None where it is empty."""
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if total <= 0:
        return None
    rank, low, before = share * total, 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if bound == float("inf"):
                return low
            inside = buckets[bound] - before
            return low + (bound - low) * ((rank - before) / inside if inside else 1.0)
        low, before = bound, buckets[bound]
    return low
