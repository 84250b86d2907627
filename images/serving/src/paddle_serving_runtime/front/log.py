"""HAProxy's line about a request: how it is told to write it, and what is read in it. Pure."""

from dataclasses import dataclass
from typing import Literal, Self

import orjson

from paddle_serving_runtime.front.names import BACKEND, GRPC, STREAMS
from paddle_serving_runtime.front.refusals import LOST, LOST_STATUS
from paddle_serving_runtime.protocol.measured import ModelCall
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE, is_open_inference

_FIELDS = {
    "code": "%ST",
    "microseconds": "%[date(0,us),sub(txn.start)]",
    "queued": "%Tw",
    "worker": "%s",
    "frontend": "%f",
    "backend": "%b",
    "grpc": "%[var(txn.grpc)]",
    "measured": "%[var(txn.measured)]",
    "ended": "%[date(0,ms)]",
    "path": "%[var(txn.path),json(utf8s)]",
    "end": "%ts",
    "request": "%[var(txn.id)]",
}
# quoted, because all of it is empty for bytes that are no HTTP request
LOG_FORMAT = "{" + ",".join(f'"{name}":"{value}"' for name, value in _FIELDS.items()) + "}"
"""For `log-format`; the variables are set by the rules of the frontends."""

DETAILED_LOG_FORMAT = LOG_FORMAT[:-1] + ',"received":"%U","sent":"%B","trace":"%[var(txn.trace),json(utf8s)]"}'
"""The same with sizes, and with what the client says of the trace that its request belongs to."""

Protocol = Literal["pipeline_json", "pipeline_grpc", "oip_rest", "oip_grpc", "grpc"]
_SERVER_TIMEOUT = "sH"
"""HAProxy's termination state: the server did not begin to answer in time."""

_LEFT = frozenset("CcSs")
"""The first letter of that state where the client or the server ended it, by leaving or by its time-out."""

_NOTHING = frozenset({"", "-"})
"""What HAProxy logs for a header that there is not."""

_OPEN_INFERENCE_SERVICE = f"{MODEL_INFER.rpartition('/')[0]}/"
_GRPC_CODES = {0: 200, 3: 400, 4: 504, 5: 404, 8: 429, 12: 501, 13: 500, 14: 503, 16: 401}
"""The HTTP status that says the same as a number of google.rpc.Code, so that one alert watches every protocol."""


@dataclass(frozen=True)
class RequestRecord:
    """One finished request.

    `code` is its HTTP status, for gRPC the one that says the same; `seconds` from its complete arrival to its end,
    which is the Unix time `ended` in milliseconds, `queued` of them in the queue. `call` is what the worker says, None
    where it has not come as far as a model. `overdue`: it was with its worker as long as a request may take;
    `cut_short`: client or worker left before the answer was complete. In a detailed log: `received` and `sent` are
    bytes, headers among them, and `trace` is the client's header `traceparent`, empty where it sent none.
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
    received: int = 0
    sent: int = 0
    trace: str = ""

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
                received=_positive(fields.get("received", "")),
                sent=_positive(fields.get("sent", "")),
                trace="" if (trace := fields.get("trace", "")) in _NOTHING else trace,
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None


def _code(code: int, grpc: str) -> int:
    if grpc.isdecimal():
        return _GRPC_CODES.get(int(grpc), 500)
    # what the client was told
    return LOST.status.value if code == LOST_STATUS else code


def _protocol(frontend: str, path: str) -> Protocol:
    if frontend != GRPC:
        return "oip_rest" if is_open_inference(path) else "pipeline_json"
    if path == PIPELINE_INFERENCE:
        return "pipeline_grpc"
    return "oip_grpc" if path.startswith(_OPEN_INFERENCE_SERVICE) else "grpc"


def _positive(text: str) -> int:
    """The number; 0 for a negative one, and for what HAProxy writes where there is none."""
    return int(text) if text.isdecimal() else 0
