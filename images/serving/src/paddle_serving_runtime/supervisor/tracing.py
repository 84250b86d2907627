"""Traces of requests by OpenTelemetry, made of what the front has logged: no request waits for them."""

import logging
import threading
from collections.abc import Mapping
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.supervisor.spans import Span, parts_of

_LOG = logging.getLogger(__name__)
_HEADERS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
_FLUSH_SECONDS = 2.0
_FIRST_FAILURE = 500


class Tracing:
    """Gives spans to an OpenTelemetry provider, which samples, gathers and sends them in a thread of its own."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("paddle_serving_runtime")
        self._propagator = TraceContextTextMapPropagator()

    def add(self, record: RequestRecord) -> None:
        """The spans of a finished request, below the client's where it named one."""
        parts = parts_of(record)
        parent = self._propagator.extract({"traceparent": record.trace})
        root = self._tracer.start_span(
            parts.request.name, parent, SpanKind.SERVER, parts.request.attributes, start_time=parts.request.start
        )
        if not root.is_recording():
            return
        if record.code >= _FIRST_FAILURE:
            root.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(root)
        self._child(parts.queue, inside)
        if parts.worker is not None:
            within = self._child(parts.worker, inside)
            if parts.inference is not None:
                self._child(parts.inference, within)
        root.end(parts.request.end)

    def _child(self, span: Span, parent: Context) -> Context:
        child = self._tracer.start_span(span.name, parent, attributes=span.attributes, start_time=span.start)
        child.end(span.end)
        return set_span_in_context(child)

    def flush(self) -> None:
        """Sends what is left, for two seconds at most."""
        # opentelemetry-sdk 1.45.2 takes a time-out and does not keep to it: a collector that is down would hold the pod
        sending = threading.Thread(target=self._provider.force_flush, daemon=True)
        sending.start()
        sending.join(_FLUSH_SECONDS)


def tracing_to(endpoint: str, environment: Mapping[str, str], name: str, origin: Origin) -> Tracing:
    """Tracing to the collector that OpenTelemetry's own variables name, `endpoint` among them. Raises ValueError."""
    _require_headers(environment)
    attributes = {
        "service.name": environment.get("OTEL_SERVICE_NAME") or name,
        "service.version": origin.runtime_version,
        "paddle_serving.model_digest": origin.model_digest,
    }
    resource = Resource.create(attributes)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)  # it would wait for a collector that is down
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _LOG.info("traces go to %s", urlsplit(endpoint).netloc.rpartition("@")[2])
    return Tracing(provider)


def _require_headers(environment: Mapping[str, str]) -> None:
    """Raises ValueError for what is no list of headers: OpenTelemetry would log all of it, and it may be a token."""
    for name in _HEADERS:
        headers = [header for header in environment.get(name, "").split(",") if header.strip()]
        if not all("=" in header for header in headers):
            raise ValueError(f"{name} is not a list of name=value with commas between")
    logging.getLogger("opentelemetry.util.re").setLevel(logging.ERROR)
