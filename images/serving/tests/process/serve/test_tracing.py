"""Spans of requests as an OpenTelemetry collector gets them, through both protocols."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import grpc
import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override

from images.serving.tests.process.hostile.grpc_calls import GOOD_CALL
from images.serving.tests.process.serve.conftest import PATIENCE_SECONDS, Serving, Start, request_body
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """What has arrived: spans by their trace and name, and the attributes of who sent them."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resource: dict[str, str] = {}

    def take(self, body: bytes) -> None:
        for sent in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {each.key: each.value.string_value for each in sent.resource.attributes}
            self.spans += [span for scope in sent.scope_spans for span in scope.spans]

    def trace(self, trace: str) -> dict[str, Span]:
        return {span.name: span for span in self.spans if span.trace_id.hex() == trace}

    def has(self, trace: str, count: int) -> bool:
        return len(self.trace(trace)) == count

    def beginnings(self) -> int:
        """Requests whose trace begins with them."""
        return sum(span.name == "request" and not span.parent_span_id for span in self.spans)


@pytest.fixture(scope="module")
def collector() -> Iterator[tuple[Collector, str]]:
    """A collector, and its address."""
    arrived = Collector()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield arrived, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def traced(
    serve: Start, make_package: Callable[..., Path], collector: tuple[Collector, str]
) -> tuple[Serving, Collector]:
    arrived, address = collector
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "100", "LOG_REQUESTS": "1"}
    return serve(make_package(), "--workers", "1", environment=environment).wait_ready(), arrived


def test_a_request_of_either_protocol_is_four_spans_below_the_clients(traced: tuple[Serving, Collector]) -> None:
    serving, collector = traced
    header = f"00-{TRACE}-{PARENT}-01"
    body = request_body()
    url = f"{serving.http}/svc/prediction"
    assert requests.post(url, json=body, headers={"traceparent": header}, timeout=PATIENCE_SECONDS).status_code == 200
    other = f"00-{TRACE[::-1]}-{PARENT}-01"
    with grpc.insecure_channel(serving.grpc) as channel:
        channel.unary_unary(PIPELINE_INFERENCE)(GOOD_CALL, timeout=60, metadata=[("traceparent", other)])

    for trace in (TRACE, TRACE[::-1]):
        serving.wait_for(partial(collector.has, trace, 4), f"four spans of {trace}")
        spans = collector.trace(trace)
        assert spans["request"].parent_span_id.hex() == PARENT
        assert spans["queue"].parent_span_id == spans["worker"].parent_span_id == spans["request"].span_id
        assert spans["inference"].parent_span_id == spans["worker"].span_id
        assert spans["inference"].end_time_unix_nano > spans["inference"].start_time_unix_nano
    assert collector.resource["service.name"] == "svc"
    assert collector.resource["paddle_serving.model_digest"].startswith("sha256:")

    serving.wait_for(lambda: len(serving.logs("request")) == 2, "both requests in the log")
    said = serving.logs("request")[0]
    assert (said["traceparent"], said["code"], said["rows"]) == (f"00-{TRACE}-{PARENT}-01", 200, 1)
    assert said["bytesReceived"] > len(json.dumps(body))
    assert said["bytesSent"] > 0
    assert "milliseconds" in said
    assert "value" not in json.dumps(said)

    unsampled = f"00-{'1' * 32}-{PARENT}-00"
    requests.post(url, json=body, headers={"traceparent": unsampled}, timeout=PATIENCE_SECONDS)
    for header in ("", "of no known form", "00-" + "0" * 32 + f"-{PARENT}-01"):
        requests.post(url, json=body, headers={"traceparent": header}, timeout=PATIENCE_SECONDS)
    serving.wait_for(lambda: collector.beginnings() == 3, "three traces of their own")
    assert collector.trace("1" * 32) == {}


def test_what_was_in_a_request_is_logged_where_it_is_asked_for(serve: Start, make_package: Callable[..., Path]) -> None:
    environment = {"LOG_REQUESTS": "1", "LOG_PAYLOAD_BYTES": "10000"}
    serving = serve(make_package(), "--workers", "1", environment=environment).wait_ready()
    body = json.dumps(request_body())
    answer = requests.post(f"{serving.http}/svc/prediction", data=body, timeout=PATIENCE_SECONDS)
    with grpc.insecure_channel(serving.grpc) as channel:
        channel.unary_unary(PIPELINE_INFERENCE)(GOOD_CALL, timeout=60)
    serving.wait_for(lambda: len(serving.logs("payload")) == 2, "both payloads in the log")
    by_json, by_grpc = serving.logs("payload")
    assert (by_json["request"], by_json["answer"]) == (body, answer.text)
    assert by_grpc["requestBytes"] > 0
    serving.wait_for(lambda: len(serving.logs("request")) == 2, "both requests in the log")
    assert {said["requestId"] for said in serving.logs("request")} == {by_json["requestId"], by_grpc["requestId"]}
