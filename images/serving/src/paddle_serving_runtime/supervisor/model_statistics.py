"""What the front's log lines add up to for each model, as Triton's statistics extension counts it: pure."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from paddle_serving_runtime.protocol.measured import ModelCall

_NANOSECONDS = 1_000_000_000


@dataclass
class Duration:
    """How often something happened, and how long it took altogether."""

    count: int = 0
    ns: int = 0

    def add(self, seconds: float) -> None:
        """Counts it once more."""
        self.count += 1
        self.ns += round(seconds * _NANOSECONDS)


@dataclass
class ModelStatistics:
    """Of one model since the start of the container; `last` is the Unix time of the last answer in milliseconds."""

    last: int = 0
    rows: int = 0
    success: Duration = field(default_factory=Duration)
    fail: Duration = field(default_factory=Duration)
    queue: Duration = field(default_factory=Duration)
    inference: Duration = field(default_factory=Duration)
    requests_by_batch: Counter[int] = field(default_factory=Counter)

    def add(self, call: ModelCall, *, seconds: float, queued: float, ended: int) -> None:
        """Counts a request that took `seconds`, `queued` of them in the queue, and ended at that Unix time in ms."""
        self.last = max(self.last, ended)
        if call.inference:
            self.requests_by_batch[call.batch] += 1
        if not call.succeeded:
            self.fail.add(seconds)
            return
        self.rows += call.rows
        self.success.add(seconds)
        self.queue.add(queued)
        self.inference.add(call.inference)

    @property
    def executions(self) -> int:
        """Runs of Paddle Inference; one that several requests share is one."""
        return sum(-(-count // batch) for batch, count in self.requests_by_batch.items())

    def merged(self, other: "ModelStatistics") -> "ModelStatistics":
        """Of both together: one model may have two names."""
        return ModelStatistics(
            last=max(self.last, other.last),
            rows=self.rows + other.rows,
            success=_sum(self.success, other.success),
            fail=_sum(self.fail, other.fail),
            queue=_sum(self.queue, other.queue),
            inference=_sum(self.inference, other.inference),
            requests_by_batch=self.requests_by_batch + other.requests_by_batch,
        )

    def as_json(self) -> dict[str, Any]:
        """The fields of ModelStatistics; what is not measured is left out, or has 0 ns."""
        # perf_analyzer ends where the three counts of compute are not the same
        unmeasured = vars(Duration(self.inference.count))
        return {
            "last_inference": self.last,
            "inference_count": self.rows,
            "execution_count": self.executions,
            "inference_stats": {
                "success": vars(self.success),
                "fail": vars(self.fail),
                "queue": vars(self.queue),
                "compute_input": unmeasured,
                "compute_infer": vars(self.inference),
                "compute_output": unmeasured,
            },
        }


def _sum(one: Duration, other: Duration) -> Duration:
    return Duration(one.count + other.count, one.ns + other.ns)
