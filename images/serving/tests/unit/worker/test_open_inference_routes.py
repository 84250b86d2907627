import gzip
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.engine import ModelDescription, OpFailed, TensorDescription
from paddle_serving_runtime.protocol import Limits, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.protocol.grpc.framing import frame, unframe
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES
from paddle_serving_runtime.protocol.paths import MODEL_INFER, ONLY_GET
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.routes import make_handler

X = {"name": "x", "shape": [2], "datatype": "FP32", "data": [0.5, 2]}
GRPC = {b"content-type": b"application/grpc"}


class Engine:
    """Gives its tensors back, or what it is told to; `calls` are those it got."""

    capacity = 1
    models: tuple[ModelDescription, ...] = (
        ModelDescription("net", (TensorDescription("x", np.dtype("float32"), (-1, 2)),), ()),
    )

    def __init__(self, outcome: Response | Exception | None = None) -> None:
        self.outcome = outcome
        self.calls: list[Call] = []

    def submit(self, call: Call, done: Callable[[Result], None]) -> None:
        self.calls.append(call)
        values = {name: value for name, value in call.inputs.items() if isinstance(value, str)}
        tensors = {name: value for name, value in call.inputs.items() if not isinstance(value, str)}
        done(Result(self.outcome or Response(0, "", values, tensors)))


def send(engine: Engine, path: str, body: bytes, headers: dict[bytes, bytes]) -> HttpReply:
    replies: list[HttpReply] = []
    make_handler(engine, {"svc"}, Limits(body_bytes=500))(HttpRequest("POST", path, headers, body), replies.append)
    (reply,) = replies
    return reply


def post(
    engine: Engine, path: str, message: object, headers: dict[bytes, bytes] | None = None
) -> tuple[HttpReply, dict[str, Any]]:
    reply = send(engine, path, json.dumps(message).encode(), headers or {})
    return reply, json.loads(reply.body)


def infer(engine: Engine, **fields: object) -> HttpReply:
    return send(engine, MODEL_INFER, frame(MESSAGES["ModelInferRequest"](**fields).SerializeToString()), GRPC)


def status_of(reply: HttpReply) -> tuple[bytes, bytes]:
    headers = dict(reply.headers)
    return headers[b"grpc-status"], headers[b"grpc-message"]


@pytest.mark.parametrize("path", ["/v2/models/net/infer", "/v2/models/net/versions/1/infer"])
def test_a_model_is_called_by_its_name(path: str) -> None:
    engine = Engine()
    reply, body = post(engine, path, {"inputs": [X], "id": "7"})
    assert reply.status == 200
    assert body == {"model_name": "net", "model_version": "1", "id": "7", "outputs": [X]}
    assert engine.calls[0].target == "net"


def test_the_service_is_called_by_its_name_with_text_and_tensors() -> None:
    engine = Engine()
    text = {"name": "k", "shape": [1], "datatype": "BYTES", "data": ["v"]}
    _, body = post(engine, "/v2/models/svc/infer", {"inputs": [X, text], "outputs": [{"name": "k"}]})
    assert body["outputs"] == [text]
    (call,) = engine.calls
    assert (call.target, call.outputs, call.inputs["k"]) == (SERVICE, ("k",), "v")


def test_a_binary_answer_says_where_its_json_ends() -> None:
    wanted = {"inputs": [X], "parameters": {"binary_data_output": True}}
    reply = send(Engine(), "/v2/models/net/infer", json.dumps(wanted).encode(), {})
    headers = dict(reply.headers)
    assert headers[b"content-type"] == b"application/octet-stream"
    length = int(headers[b"inference-header-content-length"])
    assert reply.body[length:] == np.array([0.5, 2], np.float32).tobytes()


def test_a_binary_and_compressed_request_is_read() -> None:
    head = json.dumps({"inputs": [{**X, "data": None, "parameters": {"binary_data_size": 8}}]})
    head = head.replace('"data": null, ', "")
    body = gzip.compress(head.encode() + np.array([0.5, 2], np.float32).tobytes())
    headers = {b"content-encoding": b"Gzip", b"inference-header-content-length": str(len(head)).encode()}
    assert json.loads(send(Engine(), "/v2/models/net/infer", body, headers).body)["outputs"] == [X]


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v2/models/other/infer", {}, 404),
        ("/v2/models/net/versions/2/infer", {}, 404),
        ("/v2/repository/index", {}, 404),
        ("/v2/models/net/infer", {b"content-encoding": b"br"}, 415),
        ("/v2/models/net/infer", {b"content-encoding": b"gzip"}, 400),
        ("/v2/models/net/infer", {b"inference-header-content-length": b"9"}, 400),
    ],
)
def test_an_error_has_its_status_and_a_sentence(path: str, headers: dict[bytes, bytes], status: int) -> None:
    engine = Engine()
    reply, body = post(engine, path, {"inputs": []}, headers)
    assert reply.status == status
    assert list(body) == ["error"]
    assert len(body["error"]) > 10
    assert engine.calls == []


@pytest.mark.parametrize("path", ["/v2", "/v2/health/live", "/v2/models/net", "/v2/models/net/versions/1/ready"])
def test_a_post_to_what_is_only_read_is_405_and_says_how_it_is_read(path: str) -> None:
    reply, body = post(Engine(), path, {"inputs": []})
    assert (reply.status, body) == (405, {"error": ONLY_GET})
    assert (b"allow", b"GET, HEAD") in reply.headers


@pytest.mark.parametrize(
    ("outcome", "status", "number"),
    [
        (OpFailed("rec", 55, "no text"), 400, b"3"),
        (OpFailed("rec", 6000, "late"), 504, b"4"),
        (KeyError(), 500, b"13"),
    ],
)
def test_a_failure_of_the_service_has_its_status(outcome: Exception, status: int, number: bytes) -> None:
    reply, body = post(Engine(outcome), "/v2/models/svc/infer", {"inputs": []})
    assert (reply.status, list(body)) == (status, ["error"])
    assert status_of(infer(Engine(outcome), model_name="svc"))[0] == number


def test_a_model_is_called_over_grpc() -> None:
    engine = Engine()
    array = np.array([0.5, 2], np.float32)
    inputs = [{"name": "x", "datatype": "FP32", "shape": [2]}]
    reply = infer(engine, model_name="net", id="7", inputs=inputs, raw_input_contents=[array.tobytes()])
    assert reply.trailers == ((b"grpc-status", b"0"),)
    answer = MESSAGES["ModelInferResponse"].FromString(unframe(reply.body, "identity", 1000))
    assert (answer.model_name, answer.id, list(answer.raw_output_contents)) == ("net", "7", [array.tobytes()])
    assert engine.calls[0].target == "net"


def test_errors_over_grpc_have_their_status_and_a_sentence() -> None:
    assert status_of(infer(Engine(), model_name="other")) == (b"5", b"there is no model 'other'; served here: net, svc")
    assert status_of(infer(Engine(), model_name="net", inputs=[{"name": "x"}]))[0] == b"3"
    assert status_of(send(Engine(), MODEL_INFER, frame(b"\xff"), GRPC))[0] == b"3"
    assert status_of(send(Engine(), MODEL_INFER, frame(b"x" * 501), GRPC))[0] == b"8"
    assert status_of(send(Engine(), MODEL_INFER, b"\1\0\0\0\0", {**GRPC, b"grpc-encoding": b"br"}))[0] == b"12"


class BatchingEngine(Engine):
    """Two models; the rows of the second one share a run."""

    models = (
        *Engine.models,
        ModelDescription("batched", (TensorDescription("x", np.dtype("float32"), (-1, 2)),), (), batch_size=8),
    )


@pytest.mark.parametrize(
    ("model", "told"), [("svc", b"0 1 0 ok 1"), ("net", b"0 1 1 ok 1"), ("batched", b"0 1 2 ok 3")]
)
def test_the_front_is_told_which_model_was_asked_and_how_many_rows_it_counts(model: str, told: bytes) -> None:
    rows = {"name": "x", "shape": [3, 2], "datatype": "FP32", "data": [0] * 6}
    reply, _ = post(BatchingEngine(), f"/v2/models/{model}/infer", {"inputs": [rows]})
    assert dict(reply.headers)[b"x-measured"] == told


def test_a_request_that_no_model_has_seen_is_not_counted() -> None:
    reply, _ = post(Engine(), "/v2/models/net/infer", {"inputs": 1})
    assert reply.status == 400
    assert b"x-measured" not in dict(reply.headers)
