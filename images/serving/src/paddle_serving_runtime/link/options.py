from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Self

import orjson

from paddle_serving_runtime.paddle_model.batching import Batching
from paddle_serving_runtime.paddle_model.computing import Computing

EngineName = Literal["direct", "pipeline"]


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker process is told, as one JSON argument.

    `socket` is the unix socket it answers on, `busy_file` where it marks since when it is busy, `report_fd` the
    write end of a pipe for its one line (report.py), `lifeline_fd` a socket that takes its connections (lifeline.py),
    `replay_fd` one that takes requests which it has answered, `replay_requests` of them (sample.py); -1 for none.
    `batching` says how many rows of a model may share a run, `ledger` is the file of what all workers know of
    such runs (ledger.py). `warmup` are shapes that it computes before it serves, as text. `index` is the worker's
    number among the workers of the pod; `log_payload_bytes` is how much of a request and its answer is logged of the
    share `log_requests` of them; `legacy_status` answers every error of the pipeline JSON protocol with HTTP
    200, as Paddle Serving does.
    """

    model_dir: str
    name: str
    socket: str
    busy_file: str
    report_fd: int
    lifeline_fd: int
    replay_fd: int
    replay_requests: int
    max_body_bytes: int
    computing: Computing
    batching: Batching
    ledger: str
    log_level: str
    engine: EngineName
    index: int
    legacy_status: bool
    warmup: tuple[str, ...] = ()
    log_requests: float = 0.0
    log_payload_bytes: int = 0

    def to_json(self) -> str:
        """The argument for the process."""
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The options in an argument; raises ValueError or TypeError where it is not one."""
        fields = orjson.loads(text)
        computing, batching = Computing.from_json(fields["computing"]), Batching.from_json(fields["batching"])
        warmup = tuple(fields["warmup"])
        return cls(**{**fields, "computing": computing, "batching": batching, "warmup": warmup})

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Those that the process needs, in the order of `with_descriptors`."""
        return tuple(number for number in (self.report_fd, self.lifeline_fd, self.replay_fd) if number >= 0)

    def with_descriptors(self, numbers: Sequence[int]) -> Self:
        """The options with other numbers for report, lifeline and replay, as a process has them that got them later."""
        report_fd, lifeline_fd, *others = numbers
        return replace(self, report_fd=report_fd, lifeline_fd=lifeline_fd, replay_fd=others[0] if others else -1)
