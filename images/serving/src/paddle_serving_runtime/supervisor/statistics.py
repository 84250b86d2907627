"""What the front's log lines add up to: pure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import orjson

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds."""


@dataclass(frozen=True)
class RequestRecord:
    """One finished request: HTTP code, seconds from its complete arrival to its end, seconds of them in the queue."""

    code: int
    seconds: float
    queued: float
    worker: str
    path: str
    request_id: str

    @classmethod
    def parse(cls, line: bytes) -> Self | None:
        """The record in a log line of the front; None for anything else."""
        try:
            fields = orjson.loads(line)
            return cls(
                code=int(fields["code"]),
                seconds=max(0, int(fields["microseconds"] or 0)) / 1e6,
                queued=max(0, int(fields["queued"] or 0)) / 1e3,
                worker=fields["worker"],
                path=fields["path"],
                request_id=fields["request"],
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None


@dataclass
class Distribution:
    """A histogram: `counts` per bucket, not accumulated, the last one for everything above the bounds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BUCKETS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one value."""
        bucket = next((index for index, bound in enumerate(LATENCY_BUCKETS) if seconds <= bound), len(LATENCY_BUCKETS))
        self.counts[bucket] += 1
        self.total += seconds


@dataclass
class Statistics:
    """Counts since the start of the container."""

    requests: Counter[int] = field(default_factory=Counter)
    latency: Distribution = field(default_factory=Distribution)
    queued: Distribution = field(default_factory=Distribution)
    restarts: Counter[int] = field(default_factory=Counter)

    def add(self, record: RequestRecord) -> None:
        """Counts one finished request; only answered ones have a latency worth knowing."""
        self.requests[record.code] += 1
        if record.code < 400:  # noqa: PLR2004 - the first HTTP status that is an error
            self.latency.add(record.seconds)
            self.queued.add(record.queued)
