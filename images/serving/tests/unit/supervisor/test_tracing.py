import os
import socket
import subprocess
import sys
import time

import pytest

from images.serving.tests.unit.supervisor.test_spans import RECORD
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.evidence.processor import this_processor
from paddle_serving_runtime.supervisor.observers import tracing_of

ORIGIN = Origin(
    model_digest="sha256:" + "0" * 64,
    golden_digest="",
    runtime_version="0.1.0",
    image_digest="",
    paddle_version="",
    device="cpu",
    processor=this_processor(),
    switches={},
    backend="Default",
)
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize("environment", [{}, {"OTEL_SERVICE_NAME": "a"}, COLLECTOR | {"OTEL_SDK_DISABLED": "true"}])
def test_nothing_is_traced_where_no_collector_is_named(environment: dict[str, str]) -> None:
    assert tracing_of(environment, "svc", ORIGIN) is None


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel-collector:4318", "no address of a collector"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://[::1", "Invalid IPv6 URL"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Bearer hidden", "not a list of name=value"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=b,hidden", "not a list of name=value"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "10", "max_export_batch_size must be less"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT must be"),
    ],
)
def test_what_opentelemetry_cannot_use_is_a_sentence_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str, value: str, said: str
) -> None:
    for each, given in (COLLECTOR | {name: value}).items():
        monkeypatch.setenv(each, given)
    with pytest.raises(InvalidOption, match=said) as refused:
        tracing_of(os.environ, "svc", ORIGIN)
    assert "hidden" not in refused.value.message + caplog.text


def test_a_header_that_opentelemetry_leaves_out_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for each, given in (COLLECTOR | {"OTEL_EXPORTER_OTLP_HEADERS": "x y=hidden"}).items():
        monkeypatch.setenv(each, given)
    assert tracing_of(os.environ, "svc", ORIGIN) is not None
    assert "hidden" not in caplog.text


def test_a_pod_that_is_not_traced_does_not_load_opentelemetry() -> None:
    program = (
        "import sys; import paddle_serving_runtime.supervisor.supervise; "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_collector_that_never_answers_holds_the_end_of_a_pod_for_two_seconds_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listening = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
    with listening:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{listening.getsockname()[1]}")
        tracing = tracing_of(os.environ, "svc", ORIGIN)
        assert tracing is not None
        tracing.add(RECORD)
        began = time.monotonic()
        tracing.flush()
        assert time.monotonic() - began < 8  # it would be 10 s or more by itself
