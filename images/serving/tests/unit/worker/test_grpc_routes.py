import json
from typing import Any

import numpy as np
import pytest

from images.serving.tests.unit.worker.test_routes import Engine
from paddle_serving_runtime.engine import OpFailed
from paddle_serving_runtime.protocol import Limits, Response
from paddle_serving_runtime.protocol.call import SERVICE
from paddle_serving_runtime.protocol.grpc.framing import frame, unframe
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.routes import make_handler

Request, Answer, Tensor = MESSAGES["Request"], MESSAGES["Response"], MESSAGES["Tensor"]
GRPC = {b"content-type": b"application/grpc+proto"}


def answer(engine: Engine, body: bytes, headers: dict[bytes, bytes], method: str = "POST") -> HttpReply:
    replies: list[HttpReply] = []
    handler = make_handler(engine, {"svc"}, Limits(body_bytes=200))
    handler(HttpRequest(method, PIPELINE_INFERENCE, headers, body), replies.append)
    (reply,) = replies
    return reply


def send(engine: Engine, body: bytes, headers: dict[bytes, bytes] = GRPC, method: str = "POST") -> HttpReply:
    reply = answer(engine, body, headers, method)
    assert reply.status == 200
    assert (b"content-type", b"application/grpc") in reply.headers
    return reply


def infer(engine: Engine, **fields: object) -> Any:  # noqa: ANN401 - a protobuf message
    reply = send(engine, frame(Request(**fields).SerializeToString()))
    assert reply.trailers == ((b"grpc-status", b"0"),)
    return Answer.FromString(unframe(reply.body, "identity", 10_000))


def status_of(reply: HttpReply) -> bytes:
    assert reply.body == b""
    assert reply.trailers is None
    return dict(reply.headers)[b"grpc-status"]


def test_text_and_tensors_go_to_the_service_and_come_back() -> None:
    engine = Engine()
    tensor = Tensor(name="x", elem_type=1, shape=[2], float_data=[0.5, 2])
    answer = infer(engine, key=["a"], value=["1"], tensors=[tensor], logid=7)
    assert (answer.err_no, list(answer.key), list(answer.value)) == (0, ["a"], ["1"])
    assert list(answer.tensors) == [tensor]
    (call,) = engine.calls
    assert (call.target, call.log_id) == (SERVICE, 7)
    np.testing.assert_array_equal(call.inputs["x"], np.array([0.5, 2], np.float32), strict=True)


@pytest.mark.parametrize(
    ("outcome", "err_no"),
    [
        (OpFailed("rec", 55, "no text found"), 55),
        (ValueError("secret"), 10000),
        (Response(0, "", {"y": "\ud800"}), 7000),
        (Response(0, "", {}, {"y": np.zeros(1, np.complex64)}), 7000),
    ],
)
def test_an_error_of_the_service_is_an_answer_with_its_code(outcome: Response | Exception, err_no: int) -> None:
    answer = infer(Engine(outcome))
    assert answer.err_no == err_no
    assert "secret" not in answer.err_msg


def test_a_request_that_cannot_be_right_is_an_answer_with_its_code() -> None:
    assert infer(Engine(), name="other").err_no == 3002
    assert infer(Engine(), key=["a"]).err_no == 8000


def test_for_a_client_that_does_not_speak_grpc_there_is_no_such_service() -> None:
    reply = answer(Engine(), b"{}", {b"content-type": b"application/json"})
    assert reply.status == 404
    assert json.loads(reply.body)["err_no"] == 3002


def test_what_is_no_grpc_request_has_a_grpc_status() -> None:
    assert status_of(send(Engine(), frame(b""), method="GET")) == b"12"
    assert status_of(send(Engine(), b"\1\0\0\0\0", {**GRPC, b"grpc-encoding": b"snappy"})) == b"12"
    assert status_of(send(Engine(), frame(b"x" * 201))) == b"8"
