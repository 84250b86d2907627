"""Who is told of every finished request, beside the statistics: traces and the log."""

import re
from collections.abc import Mapping
from typing import Protocol

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.supervisor.request_log import RequestLog
from paddle_serving_runtime.supervisor.settings import ServeSettings

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_ADDRESS = re.compile(r"https?://[^\s/?#]")


class Observer(Protocol):
    """Must not wait: it is called between two requests' events."""

    def add(self, record: RequestRecord) -> None:
        """A request has ended."""

    def flush(self) -> None:
        """The pod ends."""


Observers = tuple[Observer, ...]


def observers_of(environment: Mapping[str, str], settings: ServeSettings, origin: Origin) -> Observers:
    """Those that settings and environment ask for; usually none, and then the front logs no more than is counted."""
    tracing = tracing_of(environment, settings.name, origin)
    log = RequestLog(settings.log_requests) if settings.log_requests else None
    return tuple(observer for observer in (tracing, log) if observer is not None)


def tracing_of(environment: Mapping[str, str], name: str, origin: Origin) -> Observer | None:
    """Traces to the collector that OpenTelemetry's own variables name; None where none does, or they turn it off.

    Raises InvalidOption for values that cannot be used, without what may be secret in them.
    """
    key = next((key for key in _ENDPOINTS if environment.get(key)), None)
    if key is None or environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    endpoint = environment[key]
    if _ADDRESS.match(endpoint) is None:
        raise InvalidOption(
            f"{key} is no address of a collector. Write it as http://otel-collector.observability:4318."
        )
    # 0.2 s and 20 MB that only a traced pod pays
    from paddle_serving_runtime.supervisor.tracing import tracing_to  # noqa: PLC0415

    try:
        return tracing_to(endpoint, environment, name, origin)
    except ValueError as error:
        raise InvalidOption(
            f"a variable of OpenTelemetry (OTEL_...) cannot be used: {str(error).rstrip('.')}."
        ) from None
