"""The parts of a finished request as spans of time: pure."""

from collections.abc import Mapping
from typing import NamedTuple

from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.front.names import is_worker

_NANOSECONDS = 1_000_000_000


class Span(NamedTuple):
    """A part of a request: start and end in nanoseconds since 1970, and what is known of it."""

    name: str
    start: int
    end: int
    attributes: Mapping[str, str | int | float]


class Parts(NamedTuple):
    """A request, and what it consists of: each within the one before it, or behind it."""

    request: Span
    queue: Span
    worker: Span | None
    inference: Span | None


def parts_of(record: RequestRecord) -> Parts:
    """The spans of a request.

    The front says when it ended and how long it was, the worker how long it computed but not when: the inference is
    shown in the middle of the worker's time, because reading comes before it and writing after it.
    """
    end = record.ended * (_NANOSECONDS // 1000)
    start = end - round(record.seconds * _NANOSECONDS)
    taken = min(end, start + round(record.queued * _NANOSECONDS))
    request = Span("request", start, end, _of_request(record))
    queue = Span("queue", start, taken, {})
    if not is_worker(record.worker):
        return Parts(request, queue, None, None)
    worker = Span("worker", taken, end, {"paddle_serving.worker": record.worker})
    if record.call is None:
        return Parts(request, queue, worker, None)
    computing = min(end - taken, round(record.call.inference * _NANOSECONDS))
    begin = taken + (end - taken - computing) // 2
    attributes = {"paddle_serving.batch.requests": record.call.batch, "paddle_serving.batch.rows": record.call.rows}
    return Parts(request, queue, worker, Span("inference", begin, begin + computing, attributes))


def _of_request(record: RequestRecord) -> Mapping[str, str | int | float]:
    """By the names of OpenTelemetry's semantic conventions for HTTP where there is one."""
    return {
        "http.response.status_code": record.code,
        "url.path": record.path,
        "paddle_serving.protocol": record.protocol,
        "paddle_serving.request_id": record.request_id,
    }
