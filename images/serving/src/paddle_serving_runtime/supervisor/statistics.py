"""What the front's log lines add up to: pure."""

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal, Self

import orjson

from paddle_serving_runtime.front.names import BACKEND, GRPC, STREAMS
from paddle_serving_runtime.front.refusals import LOST, LOST_STATUS
from paddle_serving_runtime.protocol.paths import MODEL_INFER, OPEN_INFERENCE_ROOT, PIPELINE_INFERENCE
from paddle_serving_runtime.supervisor.model_statistics import ModelCall, ModelStatistics
from paddle_serving_runtime.supervisor.recheck import Rechecks

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds in seconds."""

BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
"""Upper bounds in requests."""

Protocol = Literal["pipeline_json", "pipeline_grpc", "oip_rest", "oip_grpc", "grpc"]
_SERVER_TIMEOUT = "sH"
"""HAProxy's termination state: the server did not begin to answer in time."""

_LEFT = frozenset("CcSs")
"""The first letter of that state where the client or the server ended it, by leaving or by its time-out."""

_FIRST_ERROR = 400
_NOTHING = frozenset({"", "-"})
"""What HAProxy logs for a header that there is not."""

_OPEN_INFERENCE_SERVICE = f"{MODEL_INFER.rpartition('/')[0]}/"
_GRPC_CODES = {0: 200, 3: 400, 4: 504, 5: 404, 8: 429, 12: 501, 13: 500, 14: 503}
"""The HTTP status that says the same as a number of google.rpc.Code, so that one alert watches every protocol."""


@dataclass(frozen=True)
class RequestRecord:
    """One finished request.

    `code` is its HTTP status, for gRPC the one that says the same; `seconds` from its complete arrival to its end,
    which is the Unix time `ended` in milliseconds, `queued` of them in the queue. `call` is what the worker says, None
    where it has not come as far as a model. `overdue`: it was with its worker as long as a request may take;
    `cut_short`: client or worker left before the answer was complete.
    """

    code: int
    seconds: float
    queued: float
    worker: str
    path: str
    request_id: str
    protocol: Protocol
    ended: int
    call: ModelCall | None
    overdue: bool
    cut_short: bool

    @classmethod
    def parse(cls, line: bytes) -> Self | None:
        """The record in a log line of the front; None for anything else.

        A stream is none: its messages are requests, and have lines of their own.
        """
        try:
            fields = orjson.loads(line)
            if fields["backend"] == STREAMS:
                return None
            return cls(
                code=_code(int(fields["code"]), fields["grpc"]),
                seconds=_positive(fields["microseconds"]) / 1e6,
                queued=_positive(fields["queued"]) / 1e3,
                worker=fields["worker"],
                path=fields["path"],
                request_id=fields["request"],
                protocol=_protocol(fields["frontend"], fields["path"]),
                ended=_positive(fields["ended"]),
                call=ModelCall.parse(fields["measured"]) if fields["measured"] not in _NOTHING else None,
                overdue=fields["end"] == _SERVER_TIMEOUT and fields["backend"] == BACKEND,
                cut_short=fields["end"][:1] in _LEFT,
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None


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


def _code(code: int, grpc: str) -> int:
    if grpc.isdecimal():
        return _GRPC_CODES.get(int(grpc), 500)
    # what the client was told
    return LOST.status.value if code == LOST_STATUS else code


def _protocol(frontend: str, path: str) -> Protocol:
    if frontend != GRPC:
        return "oip_rest" if f"{path}/".startswith(f"{OPEN_INFERENCE_ROOT}/") else "pipeline_json"
    if path == PIPELINE_INFERENCE:
        return "pipeline_grpc"
    return "oip_grpc" if path.startswith(_OPEN_INFERENCE_SERVICE) else "grpc"


def _positive(text: str) -> int:
    """The number; 0 for a negative one, and for what HAProxy writes where there is none."""
    return int(text) if text.isdecimal() else 0
