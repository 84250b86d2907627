"""Requests of Triton's own client are read, and what is answered is read by it, without a network between."""

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.grpc import service_pb2
from tritonclient.utils import np_to_triton_dtype

from images.serving.tests.unit.protocol.open_inference_requests import (
    ARRAYS,
    DTYPES,
    JSON_ARRAYS,
    LIMITS,
    RESOLVE,
    SPECIAL,
    asking_for_typed_contents,
    infer_json,
    message,
    one_input,
    read_rest,
    rest_body,
    typed,
)
from paddle_serving_runtime.protocol import BadRequest, Response, UnpackableValue
from paddle_serving_runtime.protocol.call import SERVICE
from paddle_serving_runtime.protocol.open_inference import grpc, rest
from paddle_serving_runtime.protocol.open_inference.common import InferRequest, resolver
from paddle_serving_runtime.protocol.open_inference.datatypes import described_datatype

TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=5), min_size=1, max_size=3)


def bits(array: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    return str(array.dtype), array.shape, array.tobytes()


@given(ARRAYS)
def test_a_binary_tensor_keeps_every_bit_and_can_be_written_to(array: np.ndarray) -> None:
    request = read_rest(*rest_body(array, binary=True))
    x = request.call.inputs["x"]
    assert isinstance(x, np.ndarray)
    assert bits(x) == bits(array)
    assert x.flags.writeable
    packed = rest.pack_infer(request, Response(0, "", {}, {"x": x}))
    result = triton_http.InferResult.from_response_body(packed.body, header_length=packed.header_length)
    assert bits(result.as_numpy("x")) == bits(array)
    assert result.get_response()["id"] == "r"


@given(JSON_ARRAYS)
def test_a_json_tensor_keeps_every_number(array: np.ndarray) -> None:
    request = read_rest(*rest_body(array, binary=False))
    np.testing.assert_array_equal(request.call.inputs["x"], array, strict=True)
    as_json = InferRequest("net", "", request.call, {}, binary_default=False)
    packed = rest.pack_infer(as_json, Response(0, "", {}, {"x": array}))
    assert packed.header_length is None
    np.testing.assert_array_equal(triton_http.InferResult.from_response_body(packed.body).as_numpy("x"), array)


def test_special_floats_and_negative_zero_survive_json() -> None:
    request = infer_json(inputs=[{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": SPECIAL.tolist()}])
    x = request.call.inputs["x"]
    assert isinstance(x, np.ndarray)
    assert bits(x) == bits(SPECIAL)
    packed = rest.pack_infer(request, Response(0, "", {}, {"x": SPECIAL}))
    assert orjson.loads(packed.body)["outputs"][0]["data"] == ["NaN", "Infinity", "-Infinity", -0.0]
    assert bits(triton_http.InferResult.from_response_body(packed.body).as_numpy("x")) == bits(SPECIAL)


@given(ARRAYS)
def test_raw_contents_keep_every_bit_and_can_be_written_to(array: np.ndarray) -> None:
    request = grpc.parse_infer(message(array), RESOLVE, LIMITS)
    x = request.call.inputs["x"]
    assert isinstance(x, np.ndarray)
    assert bits(x) == bits(array)
    assert x.flags.writeable
    answer = service_pb2.ModelInferResponse.FromString(grpc.pack_infer(request, Response(0, "", {}, {"x": x})))
    assert (answer.model_name, answer.model_version, answer.id) == ("net", "1", "r")
    assert bits(triton_grpc.InferResult(answer).as_numpy("x")) == bits(array)


@given(JSON_ARRAYS)
def test_typed_contents_keep_every_bit(array: np.ndarray) -> None:
    asking = asking_for_typed_contents(array)
    answer = service_pb2.ModelInferResponse.FromString(grpc.pack_infer(asking, Response(0, "", {}, {"x": array})))
    (output,) = answer.outputs
    assert not answer.raw_output_contents
    request = service_pb2.ModelInferRequest(model_name="net")
    request.inputs.add(name="x", datatype=output.datatype, shape=output.shape, contents=output.contents)
    x = grpc.parse_infer(request.SerializeToString(), RESOLVE, LIMITS).call.inputs["x"]
    assert isinstance(x, np.ndarray)
    assert bits(x) == bits(array)


@given(TEXTS)
def test_text_for_a_model_comes_and_goes_in_every_form(texts: list[str]) -> None:
    texts = [text.rstrip("\0") for text in texts]
    array = np.array(texts, dtype=np.object_)
    requests = [
        read_rest(*rest_body(array, binary=True)),
        read_rest(*rest_body(array, binary=False)),
        grpc.parse_infer(message(array), RESOLVE, LIMITS),
        grpc.parse_infer(typed("BYTES", [len(texts)], bytes_contents=[t.encode() for t in texts]), RESOLVE, LIMITS),
    ]
    for request in requests:
        x = request.call.inputs["x"]
        assert isinstance(x, np.ndarray)
        assert x.tolist() == texts
        response = Response(0, "", {}, {"x": x})
        packed = rest.pack_infer(request, response)
        result = triton_http.InferResult.from_response_body(packed.body, header_length=packed.header_length)
        assert [getattr(text, "decode", lambda text=text: text)() for text in result.as_numpy("x")] == texts
        answer = service_pb2.ModelInferResponse.FromString(grpc.pack_infer(request, response))
        assert [text.decode() for text in triton_grpc.InferResult(answer).as_numpy("x")] == texts


def test_the_service_takes_one_text_for_a_key_and_gives_its_values_as_texts() -> None:
    body = {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": ["0.1,\u00e9\0"]}]}
    request = read_rest(orjson.dumps(body), target=SERVICE)
    assert request.call.inputs == {"x": "0.1,\u00e9\0"}
    packed = rest.pack_infer(request, Response(0, "", {"price": "[[1]]\0"}))
    assert orjson.loads(packed.body)["outputs"] == [
        {"name": "price", "datatype": "BYTES", "shape": [1], "data": ["[[1]]\0"]}
    ]
    with pytest.raises(BadRequest, match="one text"):
        read_rest(orjson.dumps({"inputs": [{**body["inputs"][0], "shape": [2], "data": ["a", "b"]}]}), target=SERVICE)


def test_data_may_be_nested_as_its_shape() -> None:
    x = one_input(shape=[2, 2, 1], data=[[[1], [2]], [[3], [4]]]).call.inputs["x"]
    np.testing.assert_array_equal(x, np.array([[[1], [2]], [[3], [4]]], np.float32), strict=True)


def test_outputs_are_chosen_each_with_its_own_form() -> None:
    parameters = {"binary_data_output": True}
    outputs = [{"name": "b"}, {"name": "a", "parameters": {"binary_data": False}}]
    request = infer_json(inputs=[], outputs=outputs, parameters=parameters)
    assert request.call.outputs == ("b", "a")
    tensors: dict[str, np.ndarray] = {"a": np.array([1.5], np.float32), "b": np.array([2], np.int8), "c": np.zeros(1)}
    packed = rest.pack_infer(request, Response(0, "", {}, tensors))
    assert packed.header_length is not None
    assert orjson.loads(packed.body[: packed.header_length])["outputs"] == [
        {"name": "b", "datatype": "INT8", "shape": [1], "parameters": {"binary_data_size": 1}},
        {"name": "a", "datatype": "FP32", "shape": [1], "data": [1.5]},
    ]
    assert packed.body[packed.header_length :] == b"\2"


def test_an_output_that_is_asked_for_twice_is_answered_once_in_the_form_asked_for_first() -> None:
    outputs = [{"name": "b", "parameters": {"binary_data": True}}, {"name": "a"}, {"name": "b"}]
    request = infer_json(inputs=[], outputs=outputs)
    response = Response(0, "", {}, {"a": np.array([1.5], np.float32), "b": np.array([2], np.int8)})
    packed = rest.pack_infer(request, response)
    assert orjson.loads(packed.body[: packed.header_length])["outputs"] == [
        {"name": "b", "datatype": "INT8", "shape": [1], "parameters": {"binary_data_size": 1}},
        {"name": "a", "datatype": "FP32", "shape": [1], "data": [1.5]},
    ]
    twice = message(SPECIAL, outputs=[triton_grpc.InferRequestedOutput(name) for name in ("b", "a", "b")])
    answer = grpc.pack_infer(grpc.parse_infer(twice, RESOLVE, LIMITS), response)
    assert [output.name for output in service_pb2.ModelInferResponse.FromString(answer).outputs] == ["b", "a"]


def test_null_for_an_optional_field_means_that_it_is_absent() -> None:
    # as the data models of KServe and MLServer write a request
    x = {"name": "x", "shape": [2], "datatype": "FP32", "parameters": None, "data": [1, 2]}
    request = infer_json(id=None, model_name=None, parameters=None, inputs=[x], outputs=None)
    assert (request.id, request.call.outputs, request.binary_default) == ("", (), False)
    np.testing.assert_array_equal(request.call.inputs["x"], np.array([1, 2], np.float32), strict=True)
    answer = rest.pack_infer(request, Response(0, "", {}, {"y": np.zeros(1)}))
    assert "id" not in orjson.loads(answer.body)
    request = infer_json(inputs=[x], outputs=[{"name": "y", "parameters": None}])
    assert (request.call.outputs, request.binary) == (("y",), {})
    body, length = rest_body(SPECIAL, binary=True)
    head = {**orjson.loads(body[:length]), "outputs": None}
    head["inputs"][0]["data"] = None
    text = orjson.dumps(head)
    request = read_rest(text + body[length:], len(text))
    assert request.call.inputs["x"].tobytes() == SPECIAL.tobytes()  # type: ignore[union-attr] # an array


def test_what_json_cannot_carry_is_refused_before_it_is_rounded() -> None:
    response = Response(0, "", {}, {"y": np.zeros(1, np.float16)})
    with pytest.raises(BadRequest, match="binary_data"):
        rest.pack_infer(one_input(), response)
    asking = asking_for_typed_contents(SPECIAL)
    with pytest.raises(BadRequest, match="typed contents"):
        grpc.pack_infer(asking, response)


@pytest.mark.parametrize(
    "response",
    [
        Response(0, "", {"y": "\ud800"}),
        Response(0, "", {}, {"y": np.array(["\ud800"])}),
        Response(0, "", {}, {"y": np.zeros(1, np.complex64)}),
    ],
)
def test_an_output_that_the_protocol_cannot_carry_is_named(response: Response) -> None:
    for binary in (True, False):
        asking = InferRequest("net", "", one_input().call, {}, binary)
        with pytest.raises(UnpackableValue):
            rest.pack_infer(asking, response)
        with pytest.raises(UnpackableValue):
            grpc.pack_infer(asking, response)


def test_an_output_that_there_is_not_is_refused() -> None:
    request = infer_json(inputs=[], outputs=[{"name": "z"}])
    with pytest.raises(BadRequest, match="the outputs are y"):
        rest.pack_infer(request, Response(0, "", {"y": "1"}))


def test_names_and_versions_are_resolved_and_the_services_name_wins() -> None:
    resolve = resolver(["svc", "both"], ["net", "both"])
    assert [resolve("svc", ""), resolve("both", "1"), resolve("net", "1")] == [SERVICE, SERVICE, "net"]
    for name, version in (("other", ""), ("net", "2"), ("", "")):
        with pytest.raises(BadRequest) as failure:
            resolve(name, version)
        assert failure.value.status == 404


def test_types_are_described_by_the_protocols_names_and_others_by_their_own() -> None:
    assert {name: described_datatype(np.dtype(name)) for name in DTYPES} == {
        name: np_to_triton_dtype(np.dtype(name)) for name in DTYPES
    }
    assert [described_datatype("str"), described_datatype(np.dtype(np.str_))] == ["BYTES", "BYTES"]
    assert described_datatype(np.dtype(np.complex64)) == "COMPLEX64"
