"""A sample of the requests in the log: sizes and times. What was in them is the workers' (worker/payload_log.py)."""

import logging
from typing import Any

from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.link.request_sample import is_chosen

_LOG = logging.getLogger(__name__)


class RequestLog:
    """Logs a share of all requests, from 0 to 1, chosen by their id: the same ones in every log that has the id."""

    def __init__(self, share: float) -> None:
        self._share = share

    def add(self, record: RequestRecord) -> None:
        """Logs the request where it is one of the sample."""
        if is_chosen(record.request_id, self._share):
            _LOG.info("request", extra={"fields": fields_of(record)})

    def flush(self) -> None:
        """Nothing is kept back."""


def fields_of(record: RequestRecord) -> dict[str, Any]:
    """What the log says of a request; times in milliseconds, sizes in bytes with their headers."""
    call = record.call
    return {
        "requestId": record.request_id,
        "protocol": record.protocol,
        "path": record.path,
        "code": record.code,
        "worker": record.worker,
        "milliseconds": round(record.seconds * 1e3, 3),
        "queuedMilliseconds": round(record.queued * 1e3, 3),
        "inferenceMilliseconds": None if call is None else round(call.inference * 1e3, 3),
        "batchRequests": None if call is None else call.batch,
        "rows": None if call is None else call.rows,
        "bytesReceived": record.received,
        "bytesSent": record.sent,
        "traceparent": record.trace,
    }
