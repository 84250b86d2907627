"""What the front refuses, in the form of every protocol."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import requests

from images.serving.tests.services import X
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

LONG = 384 * 1024
"""From here on a body goes past the queue.

HAProxy resets a call that it refuses before it has read all of the body, and grpc may see the reset before the refusal.
"""

SIMPLE = {"key": ["x"], "value": [X]}
BODY_LIMIT = 1_000_000


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, make_package: Callable[..., Path]) -> "Iterator[Serving]":
    """One worker, one place in the queue, a small body limit, Paddle Serving's HTTP statuses."""
    from images.serving.tests.process.serve.conftest import start_serving  # noqa: PLC0415 - a module of fixtures

    flags = (
        "--workers",
        "1",
        "--queue",
        "1",
        "--batching",
        "Off",
        "--max-body-bytes",
        str(BODY_LIMIT),
        "--legacy-status",
        "true",
    )
    serving = start_serving(tmp_path_factory.mktemp("narrow"), make_package(), *flags)
    yield serving.wait_ready()
    serving.kill()


@contextmanager
def full_queue(serving: "Serving", go: Path) -> Iterator[None]:
    """One request with the worker, one in the queue, until the block ends."""
    body: dict[str, Any] = {"key": ["x", "until"], "value": [X, str(go)]}
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(serving.post, body) for _ in range(2)]
        try:
            serving.wait_for(lambda: serving.metrics()["paddle_serving_queue_length"] == 1, "a full queue")
            yield
        finally:
            go.touch()
        assert [request.result().status_code for request in waiting] == [200, 200]


def ask(serving: "Serving", method: str, body: bytes) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Status, message and metadata of a call."""
    with grpc.insecure_channel(serving.grpc) as channel:
        call = channel.unary_unary(method).future(body, timeout=60)
        # a refusal is headers alone, which gRPC counts as trailing
        metadata = {key: str(value) for key, value in (*call.initial_metadata(), *call.trailing_metadata())}
        return call.code(), call.details() or "", metadata


def pipeline_request(**extra: str) -> bytes:
    fields = {"x": X, **extra}
    return bytes(MESSAGES["Request"](key=list(fields), value=list(fields.values())).SerializeToString())


def test_a_full_queue_is_refused_in_the_form_of_every_protocol(narrow: "Serving", tmp_path: Path) -> None:
    with full_queue(narrow, tmp_path / "go"):
        pipeline = narrow.post(SIMPLE)
        rest = requests.post(f"{narrow.http}/v2/models/price/infer", data=b"{}", timeout=60)
        calls = [ask(narrow, method, pipeline_request()) for method in (PIPELINE_INFERENCE, MODEL_INFER)]
        # models and health are not asked of a worker
        assert requests.get(f"{narrow.http}/v2/health/live", timeout=60).status_code == 200
        assert ask(narrow, "/inference.GRPCInferenceService/ServerLive", b"")[0] is grpc.StatusCode.OK
    assert (pipeline.status_code, pipeline.json()["err_msg"]) == (429, "the queue is full; retry")
    assert (rest.status_code, rest.json()) == (429, {"error": "the queue is full; retry"})
    assert rest.headers["retry-after"] == "1"
    for code, message, metadata in calls:
        assert (code, message) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full; retry")
        assert metadata["x-request-id"]


def test_a_body_past_the_limit_is_refused_in_the_form_of_every_protocol(narrow: "Serving") -> None:
    large = b"x" * (BODY_LIMIT + 1)
    words = f"the body is longer than {BODY_LIMIT} bytes"
    pipeline = narrow.post(large)
    rest = requests.post(f"{narrow.http}/v2/models/price/infer", data=large, timeout=60)
    chunked = requests.post(f"{narrow.http}/svc/prediction", data=iter([large[:500_000], large[500_000:]]), timeout=60)
    assert (pipeline.status_code, pipeline.json()["err_msg"]) == (413, words)
    assert (rest.status_code, rest.json()) == (413, {"error": words})
    assert (chunked.status_code, chunked.json()["err_msg"]) == (413, words)
    code, message, _ = ask(narrow, PIPELINE_INFERENCE, large)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "longer than" in message
    assert narrow.post(SIMPLE).status_code == 200


def test_an_unknown_method_of_grpc_is_unimplemented(narrow: "Serving") -> None:
    assert ask(narrow, "/a.B/c", b"")[0] is grpc.StatusCode.UNIMPLEMENTED


def test_an_answer_over_grpc_says_nothing_of_the_runtimes_insides(narrow: "Serving") -> None:
    code, _, metadata = ask(narrow, PIPELINE_INFERENCE, pipeline_request())
    assert code is grpc.StatusCode.OK
    assert metadata.keys() <= {"x-request-id", "grpc-accept-encoding"}


def test_legacy_status_is_200_for_errors_of_the_service_alone(narrow: "Serving") -> None:
    wrong = narrow.post(b"{")
    unknown = narrow.post(SIMPLE, "/unknown/prediction")
    failed = narrow.post({"key": ["x", "fail"], "value": [X, "1"]})
    assert [(response.status_code, response.json()["err_no"]) for response in (wrong, unknown, failed)] == [
        (200, 8000),
        (200, 3002),
        (200, 10000),
    ]
    assert requests.get(f"{narrow.http}/svc/prediction", timeout=60).status_code == 405


def test_long_requests_on_one_http2_connection_do_not_wait_for_each_others_bodies(narrow: "Serving") -> None:
    body = pipeline_request(padding="x" * 900_000)

    def send(channel: grpc.Channel) -> int:
        answer = channel.unary_unary(PIPELINE_INFERENCE)(body, timeout=60)
        return int(MESSAGES["Response"].FromString(answer).err_no)

    counted = 'paddle_serving_requests_total{code="200",protocol="pipeline_grpc"}'
    before = narrow.metrics().get(counted, 0)
    # two at a time are taken, as many as wait and are answered elsewhere
    with grpc.insecure_channel(narrow.grpc) as channel, ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, [channel] * 20)) == [0] * 20
    # counted is ended: one that its client has seen answered may still take the place of another
    narrow.wait_for(lambda: narrow.metrics().get(counted, 0) >= before + 20, "the end of all")


def test_many_long_requests_are_refused_as_a_full_queue_is(narrow: "Serving", tmp_path: Path) -> None:
    go = tmp_path / "go"
    with grpc.insecure_channel(narrow.grpc) as channel:
        call = channel.unary_unary(PIPELINE_INFERENCE)
        held = [call.future(pipeline_request(until=str(go), padding="x" * LONG), timeout=60) for _ in range(3)]
        try:
            narrow.wait_for(lambda: any(each.done() for each in held), "a refusal")
            assert [each.code() for each in held if each.done()] == [grpc.StatusCode.RESOURCE_EXHAUSTED]
        finally:
            go.touch()
        assert sorted(each.code().name for each in held) == ["OK", "OK", "RESOURCE_EXHAUSTED"]
