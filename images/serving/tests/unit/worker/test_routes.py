import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.engine import ModelDescription, OpFailed
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Limits, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.protocol.grpc.framing import frame
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.routes import make_handler

BODY = b'{"key":["a"],"value":["1"],"logid":7}'


class Engine:
    """Gives text and arrays back, or what it is told to; `calls` are those it got."""

    capacity = 1
    models: tuple[ModelDescription, ...] = ()

    def __init__(self, outcome: Response | Exception | None = None) -> None:
        self.outcome = outcome
        self.calls: list[Call] = []

    def submit(self, call: Call, done: Callable[[Result], None]) -> None:
        self.calls.append(call)
        values = {name: value for name, value in call.inputs.items() if isinstance(value, str)}
        tensors = {name: value for name, value in call.inputs.items() if not isinstance(value, str)}
        done(Result(self.outcome or Response(0, "", values, tensors), inference_seconds=0.0015, batch=3))


def send(
    engine: Engine, path: str, body: bytes = BODY, *, method: str = "POST", **options: bool
) -> tuple[HttpReply, dict[str, Any]]:
    replies: list[HttpReply] = []
    handler = make_handler(engine, {"svc", "own"}, Limits(body_bytes=1000), **options)
    handler(HttpRequest(method, path, {b"x-request-id": b"r-1"}, body), replies.append)
    (reply,) = replies
    return reply, json.loads(reply.body)


def test_both_names_of_the_service_are_answered_with_any_method() -> None:
    for path in ("/svc/prediction", "/own/anything"):
        engine = Engine()
        reply, body = send(engine, path)
        assert reply.status == 200
        assert (body["key"], body["value"]) == (["a"], ["1"])
        assert engine.calls == [Call(SERVICE, {"a": "1"}, 7)]


@pytest.mark.parametrize("path", ["/", "/svc", "/svc/", "/other/prediction", "/svc/a/b", "//svc", "/loaded"])
def test_another_path_is_404_with_the_code_of_paddle_serving(path: str) -> None:
    engine = Engine()
    reply, body = send(engine, path)
    assert (reply.status, body["err_no"]) == (404, 3002)
    assert engine.calls == []


def test_a_request_that_has_not_come_through_the_front_is_computed_alone() -> None:
    engine, replies = Engine(), list[HttpReply]()
    handler = make_handler(engine, {"svc"}, Limits(body_bytes=1000))
    for headers in ({}, {b"x-request-id": b"r-1"}):
        handler(HttpRequest("POST", "/svc/prediction", headers, BODY), replies.append)
    assert [call.alone for call in engine.calls] == [True, False]


def test_other_methods_are_405_and_say_which_is_allowed() -> None:
    reply, _ = send(Engine(), "/svc/prediction", method="PUT")
    assert reply.status == 405
    assert (b"allow", b"POST") in reply.headers


def test_arrays_come_back_as_tensors() -> None:
    request = {"tensors": [{"name": "x", "elem_type": 1, "shape": [2], "float_data": [0.1, 2]}]}
    _, body = send(Engine(), "/svc/p", json.dumps(request).encode())
    assert body["tensors"] == [{"name": "x", "elem_type": 1, "shape": [2], "float_data": [0.1, 2.0]}]


def test_the_front_is_told_how_long_inference_took_and_how_many_shared_it() -> None:
    reply, _ = send(Engine(), "/svc/p")
    assert (b"x-measured", b"1500 3 0 ok 1") in reply.headers


FAILURES = [
    (OpFailed("rec", 55, "no text found"), 400, 55),
    (OpFailed("rec", 56, "\ud800"), 400, 56),
    (OpFailed("rec", 0, "zero is not a success"), 500, 0),
    (BadRequest("input x is missing", ErrorCode.INPUT_PARAMS_ERROR), 400, 5000),
    (ValueError("secret"), 500, 10000),
    (Response(0, "", {}, {"y": np.zeros(1, np.complex64)}), 500, 7000),
    (Response(0, "", {"y": "\ud800"}), 500, 7000),
]


@pytest.mark.parametrize(("outcome", "status", "err_no"), FAILURES)
def test_a_failure_has_its_status_and_says_nothing_secret(
    outcome: Response | Exception, status: int, err_no: int
) -> None:
    reply, body = send(Engine(outcome), "/svc/p")
    assert (reply.status, body["err_no"]) == (status, err_no)
    assert "secret" not in body["err_msg"]
    assert (b"x-measured", b"1500 3 0 failed 1") in reply.headers


@pytest.mark.parametrize(("outcome", "_status", "err_no"), FAILURES)
def test_with_the_legacy_status_every_failure_is_200_and_told_by_its_code(
    outcome: Response | Exception, _status: int, err_no: int
) -> None:
    reply, body = send(Engine(outcome), "/svc/p", legacy_status=True)
    assert (reply.status, body["err_no"]) == (200, err_no)


def test_a_body_past_the_limit_is_413_whatever_the_legacy_status() -> None:
    assert send(Engine(), "/svc/p", b"x" * 1001)[0].status == 413
    assert send(Engine(), "/svc/p", b"x" * 1001, legacy_status=True)[0].status == 413


def encoded(content: bytes, encoding: bytes, **options: bool) -> tuple[int, dict[str, Any], list[Call]]:
    engine = Engine()
    replies: list[HttpReply] = []
    handler = make_handler(engine, {"svc"}, Limits(body_bytes=1000), **options)
    handler(
        HttpRequest("POST", "/svc/p", {b"content-encoding": encoding, b"x-request-id": b"r-1"}, content), replies.append
    )
    return replies[0].status, json.loads(replies[0].body), engine.calls


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        (b"gzip", gzip.compress(BODY, mtime=0)),
        (b"GZIP ", gzip.compress(BODY, mtime=0)),
        (b"deflate", zlib.compress(BODY)),
        (b"identity", BODY),
        (b"", BODY),
    ],
    ids=["gzip", "in capitals", "deflate", "identity", "empty"],
)
def test_a_compressed_request_is_read(encoding: bytes, content: bytes) -> None:
    status, body, calls = encoded(content, encoding)
    assert (status, body["err_no"]) == (200, 0)
    assert calls == [Call(SERVICE, {"a": "1"}, 7)]


@pytest.mark.parametrize(
    ("encoding", "content", "status"),
    [
        (b"br", BODY, 415),
        (b"zstd", BODY, 415),
        (b"gzip, gzip", gzip.compress(gzip.compress(BODY, mtime=0)), 415),
        (b"\xff", BODY, 415),
        (b"gzip", BODY, 400),
        (b"gzip", gzip.compress(BODY, mtime=0)[:-1], 400),
        (b"gzip", gzip.compress(BODY, mtime=0) + b"x", 400),
        (b"gzip", gzip.compress(b" " * 1001, mtime=0), 413),
        (b"deflate", zlib.compress(b" " * 1001), 413),
    ],
    ids=range(9),
)
def test_what_cannot_be_decompressed_is_refused_whatever_the_legacy_status(
    encoding: bytes, content: bytes, status: int
) -> None:
    found, body, calls = encoded(content, encoding)
    assert (found, body["err_no"], calls) == (status, 8000, [])
    assert list(body) == ["err_no", "err_msg", "key", "value", "tensors"]
    assert encoded(content, encoding, legacy_status=True)[0] == (200 if status == 400 else status)


def test_a_failure_of_an_op_is_logged_with_the_request_and_the_clients_own_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    send(Engine(BadRequest("no")), "/svc/p")
    assert caplog.records == []
    send(Engine(ValueError("secret")), "/svc/p")
    (record,) = caplog.records
    assert record.__dict__["fields"] == {"request": "r-1"}
    assert record.exc_info is not None


PATHS = st.sampled_from(
    ["/svc/p", "/v2/models/svc/infer", "/v2/models/x/infer", "/v2/", PIPELINE_INFERENCE, MODEL_INFER]
) | st.text(max_size=20)
HEADER_NAMES = st.sampled_from(
    [b"content-type", b"content-encoding", b"grpc-encoding", b"inference-header-content-length", b"x-request-id"]
)
HEADER_VALUES = st.sampled_from([b"application/grpc", b"gzip", b"identity", b"5"]) | st.binary(max_size=10)
BODIES = st.binary(max_size=60) | st.binary(max_size=60).map(frame) | st.sampled_from([BODY, b'{"inputs":[]}'])


@given(PATHS, st.dictionaries(HEADER_NAMES, HEADER_VALUES), BODIES, st.sampled_from(["POST", "GET", "X"]))
def test_every_request_whatever_has_exactly_one_reply(
    path: str, headers: dict[bytes, bytes], body: bytes, method: str
) -> None:
    replies: list[HttpReply] = []
    make_handler(Engine(), {"svc"}, Limits(body_bytes=50))(HttpRequest(method, path, headers, body), replies.append)
    (reply,) = replies
    assert 200 <= reply.status < 500
    assert all(b"\n" not in value and b"\r" not in value for _, value in reply.headers)
