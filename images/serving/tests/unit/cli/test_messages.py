"""The client's side of the protocols against the server's side."""

import json

import numpy as np
import pytest

from paddle_serving_runtime.cli import messages
from paddle_serving_runtime.cli.asking import Endpoint, asking
from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.protocol import BadRequest, Limits, Response
from paddle_serving_runtime.protocol.open_inference import grpc as open_inference_grpc
from paddle_serving_runtime.protocol.open_inference import rest as open_inference_rest
from paddle_serving_runtime.protocol.pipeline.grpc import pack_message, parse_message

SAMPLE = json.dumps(
    {
        "key": ["image", "score"],
        "value": ["aGVsbG8=", "0.5"],
        "tensors": [{"name": "x", "elem_type": 1, "shape": [1, 2], "float_data": [0.1, 2.5]}],
    }
).encode()
RESPONSE = Response(
    0, "", {"text": '["é"]'}, {"price": np.array([[0.1], [2.5]], np.float32), "n": np.array([2**53 + 1])}
)


def same(one: Response, other: Response) -> bool:
    return (
        (one.err_no, one.err_msg, one.values) == (other.err_no, other.err_msg, other.values)
        and one.tensors.keys() == other.tensors.keys()
        and all(
            array.dtype == other.tensors[name].dtype and np.array_equal(array, other.tensors[name])
            for name, array in one.tensors.items()
        )
    )


def test_a_sample_over_rest_reaches_the_server_as_it_is_and_the_answer_comes_back_whole() -> None:
    body, headers = messages.infer_body(SAMPLE)
    request = open_inference_rest.parse_infer("m", "", body, headers["Inference-Header-Content-Length"], Limits())
    assert {name: value for name, value in request.call.inputs.items() if isinstance(value, str)} == {
        "image": "aGVsbG8=",
        "score": "0.5",
    }
    x = request.call.inputs["x"]
    assert isinstance(x, np.ndarray)
    assert np.array_equal(x, np.array([[0.1, 2.5]], np.float32))
    assert x.dtype == np.float32

    answer = open_inference_rest.pack_infer(request, RESPONSE)
    length = {"Inference-Header-Content-Length": str(answer.header_length)}
    assert same(messages.read_infer_body(200, length, answer.body), RESPONSE)


def test_a_sample_over_grpc_reaches_the_server_as_it_is_and_the_answer_comes_back_whole() -> None:
    message = messages.grpc_request("open-inference-grpc", "m", SAMPLE)
    request = open_inference_grpc.parse_infer(message, lambda model, _version: model, Limits())
    assert list(request.call.inputs) == ["image", "score", "x"]
    answer = open_inference_grpc.pack_infer(request, RESPONSE)
    assert same(messages.read_grpc("open-inference-grpc", answer), RESPONSE)


def test_a_sample_over_the_pipelines_grpc_is_the_same_request_as_its_json() -> None:
    message = messages.grpc_request("pipeline-grpc", "svc", SAMPLE)
    request = parse_message(message, ["svc"], Limits())
    assert list(request.inputs) == ["image", "score", "x"]
    assert same(messages.read_grpc("pipeline-grpc", pack_message(RESPONSE)), RESPONSE)


def test_an_error_over_rest_is_a_response_with_its_status_and_sentence() -> None:
    refused = messages.read_infer_body(400, {}, open_inference_rest.error_json("input x is missing"))
    assert (refused.err_no, refused.err_msg) == (400, "input x is missing")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"outputs": [{"name": "x"}]}'])
def test_what_is_not_an_answer_over_rest_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="not one of the Open Inference Protocol"):
        messages.read_infer_body(200, {}, body)


def test_the_largest_float_reaches_the_server_over_the_pipelines_grpc_however_it_is_written() -> None:
    body = b'{"tensors": [{"name": "x", "elem_type": 1, "shape": [2], "float_data": [3.4028235e+38, -3.4028235e+38]}]}'
    request = parse_message(messages.grpc_request("pipeline-grpc", "svc", body), {"svc"}, Limits())
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(request.inputs["x"], np.array([largest, -largest]), strict=True)
    for past in (b"3.4028236e+38", b"1e39"):
        with pytest.raises(BadRequest):
            messages.grpc_request("pipeline-grpc", "svc", body.replace(b"3.4028235e+38", past))


@pytest.mark.parametrize("protocol", ["pipeline-grpc", "open-inference-grpc"])
def test_what_is_not_an_answer_over_grpc_is_refused(protocol: str) -> None:
    with pytest.raises(BadRequest, match="the response is not a"):
        messages.read_grpc(protocol, b"\xff\xff")


@pytest.mark.parametrize("protocol", ["pipeline-grpc", "open-inference-rest", "open-inference-grpc"])
@pytest.mark.parametrize("value", [True, "1_0x", 2**31])
def test_a_sample_that_is_no_request_is_named_and_never_sent(protocol: str, value: object) -> None:
    tensor = {"name": "x", "elem_type": 2, "shape": [1], "int_data": [value]}
    sample = Sample("odd.json", json.dumps({"tensors": [tensor]}).encode())
    nobody = Endpoint("http://127.0.0.1:9", "svc", protocol, 1)
    with asking(nobody) as ask, pytest.raises(ModelInvalid, match=r"golden sample odd\.json is not a request: "):
        ask(sample)
