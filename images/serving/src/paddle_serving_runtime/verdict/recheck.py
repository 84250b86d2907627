"""What it means that a worker answers a golden sample again: when it is asked, what it is held to, what is told: pure.

Memory, a compute switch or a file can change under a worker that was proved.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from paddle_serving_runtime.consistency import Comparison, describe
from paddle_serving_runtime.evidence.report import MAX_NAME, both_clipped, clipped

RightAnswers = Mapping[str, frozenset[bytes]]
"""The digests of a worker's answers that were right, by golden sample."""

_LATENESS = 0.05
"""The share of the interval that a sample may wait for its worker, which has requests of its own."""


def digest(body: bytes) -> bytes:
    """What is kept of an answer: answers can be long, and there is one of every sample for every worker."""
    return hashlib.sha256(body).digest()


@dataclass(frozen=True)
class Finding:
    """An answer that is not what it was: `expected` and `got` at `element` of a tensor, with all their digits.

    An answer that is none has no tensor, and `got` is what came in its place.
    """

    sample: str
    tensor: str
    element: tuple[int, ...]
    expected: str
    got: str
    sentence: str

    @classmethod
    def of(cls, comparison: Comparison) -> Self | None:
        """What a comparison has found; None where both sides are equal."""
        found = comparison.difference
        if found is None:
            return None
        sentence = describe(comparison)
        return cls(comparison.sample, comparison.tensor, found.element, found.want, found.got, sentence)


@dataclass(frozen=True)
class Pace:
    """When the samples of a round are asked: evenly over the interval, worker after worker; times in seconds.

    A round is shorter than the interval, so that a sample is answered again within the interval where its worker is
    busy when it is due.
    """

    interval: float
    samples: int
    workers: int

    @property
    def gap(self) -> float:
        """Between two samples of one worker."""
        return self.interval * (1 - _LATENESS) / self.samples

    def first(self, worker: int) -> float:
        """From the proof of a worker to its first sample: so much for each that two workers are not asked at once."""
        return self.gap * (worker + 1) / self.workers

    def next(self, due: float, asked: float, answered: float) -> float:
        """When the next sample is due after one that was due, asked and answered at these times.

        What is late is not made good, and a worker has as long for others as it has needed for this one.
        """
        return max(due + self.gap, answered + (answered - asked))


@dataclass
class Rechecks:
    """What rechecks have come to since the start of the pod, every `interval` seconds; 0: there are none.

    `rounds` and `ended`, the time of the last one's end, are by worker; `found` is the last finding, `at` a time.
    """

    interval: float
    workers: int
    rounds: dict[int, int] = field(default_factory=dict)
    ended: dict[int, datetime] = field(default_factory=dict)
    differences: dict[int, int] = field(default_factory=dict)
    found: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.rounds = dict.fromkeys(range(self.workers), 0)
        self.differences = dict.fromkeys(range(self.workers), 0)

    def round_ended(self, worker: int, now: datetime) -> None:
        """A worker has answered every sample as before."""
        self.rounds[worker] += 1
        self.ended[worker] = now

    def differed(self, worker: int, finding: Finding, now: datetime) -> None:
        """A worker has not."""
        self.differences[worker] += 1
        expected, got = both_clipped(finding.expected, finding.got)
        self.found = {
            "at": _text(now),
            "worker": worker,
            "sample": clipped(finding.sample, MAX_NAME),
            "tensor": clipped(finding.tensor, MAX_NAME),
            "index": list(finding.element),
            "expected": expected,
            "got": got,
        }

    @property
    def last(self) -> datetime | None:
        """Since when every worker has ended a round; None before that."""
        return min(self.ended.values()) if len(self.ended) == self.workers else None

    def as_json(self) -> dict[str, Any] | None:
        """As the report has it; None where nothing is asked again."""
        if not self.interval:
            return None
        return {
            "intervalSeconds": self.interval,
            "last": _text(self.last) if self.last else None,
            "rounds": sum(self.rounds.values()),
            "differences": sum(self.differences.values()),
            "lastDifference": self.found,
        }


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
