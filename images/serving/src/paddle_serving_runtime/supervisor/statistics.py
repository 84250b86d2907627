"""What the front's log lines add up to: pure."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from paddle_serving_runtime.front.log import Protocol, RequestRecord
from paddle_serving_runtime.supervisor.model_statistics import ModelStatistics
from paddle_serving_runtime.verdict.recheck import Rechecks

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Upper bounds in requests."""

_FIRST_ERROR = 400


@dataclass
class Distribution:
    """A histogram: `counts` per bucket, not accumulated, the last one for everything above the bounds."""

    bounds: tuple[float, ...] = LATENCY_BUCKETS
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass
class Statistics:
    """Counts since the start of the container.

    `requests` by code and protocol, `failed` latencies by code, `models` by their numbers, see protocol.measured.
    """

    requests: Counter[tuple[int, Protocol]] = field(default_factory=Counter)
    latency: Distribution = field(default_factory=Distribution)
    failed: defaultdict[int, Distribution] = field(default_factory=lambda: defaultdict(Distribution))
    queued: Distribution = field(default_factory=Distribution)
    inference: Distribution = field(default_factory=Distribution)
    batches: Distribution = field(default_factory=lambda: Distribution(BATCH_BUCKETS))
    models: defaultdict[int, ModelStatistics] = field(default_factory=lambda: defaultdict(ModelStatistics))
    restarts: Counter[int] = field(default_factory=Counter)
    front_restarts: int = 0
    lost: int = 0
    rechecks: Rechecks = field(default_factory=lambda: Rechecks(interval=0, workers=0))

    def add(self, record: RequestRecord) -> None:
        """Counts one finished request."""
        self.requests[record.code, record.protocol] += 1
        if record.code < _FIRST_ERROR:
            self.latency.add(record.seconds)
            self.queued.add(record.queued)
        else:
            self.failed[record.code].add(record.seconds)
        if record.call is not None:
            self.inference.add(record.call.inference)
            self.batches.add(record.call.batch)
            model = self.models[record.call.model]
            model.add(record.call, seconds=record.seconds, queued=record.queued, ended=record.ended)
