"""Requests of Triton's own client are read, and what is answered is read by it, without a network between."""

import contextlib
import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.grpc import service_pb2
from tritonclient.grpc._utils import _get_inference_request as grpc_request
from tritonclient.utils import np_to_triton_dtype

from paddle_serving_runtime.protocol import BadRequest, Limits, Response, UnpackableValue
from paddle_serving_runtime.protocol import open_inference_grpc as grpc
from paddle_serving_runtime.protocol import open_inference_rest as rest
from paddle_serving_runtime.protocol.call import SERVICE
from paddle_serving_runtime.protocol.datatypes import described_datatype
from paddle_serving_runtime.protocol.open_inference import InferRequest, resolver

LIMITS = Limits(body_bytes=100_000, tensors=3)
RESOLVE = resolver(["svc"], ["net"])
DTYPES = [
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16"),
    *("float32", "float64"),
]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
ARRAYS = hnp.arrays(st.sampled_from(DTYPES), SHAPES)
JSON_ARRAYS = hnp.arrays(st.sampled_from([name for name in DTYPES if name != "float16"]), SHAPES)
TEXTS = st.lists(st.text(st.characters(codec="utf-8"), max_size=5), min_size=1, max_size=3)
SPECIAL = np.array([[np.nan, np.inf], [-np.inf, -0.0]], np.float32)


def bits(array: np.ndarray) -> tuple[str, tuple[int, ...], bytes]:
    return str(array.dtype), array.shape, array.tobytes()


def described(module: Any, array: np.ndarray) -> Any:  # noqa: ANN401 - of a package without types
    return module.InferInput("x", list(array.shape), np_to_triton_dtype(array.dtype))


def rest_body(array: np.ndarray, *, binary: bool) -> tuple[bytes, int | None]:
    tensor = described(triton_http, array).set_data_from_numpy(array, binary_data=binary)
    body, length = triton_http.InferenceServerClient.generate_request_body([tensor], request_id="r")
    return bytes(body), length


def read_rest(body: bytes, length: int | None = None, target: str = "net") -> InferRequest:
    return rest.parse_infer("net", target, body, None if length is None else str(length), LIMITS)


def infer_json(**fields: object) -> InferRequest:
    return read_rest(json.dumps(fields).encode(), target=str(fields.pop("target", "net")))


def one_input(**fields: object) -> InferRequest:
    return infer_json(inputs=[{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2], **fields}])


def message(array: np.ndarray, **options: Any) -> bytes:  # noqa: ANN401 - of a package without types
    tensor = described(triton_grpc, array).set_data_from_numpy(array)
    fields = {"model_name": "net", "model_version": "", "request_id": "r", "outputs": None, "parameters": None}
    sequence = {"sequence_id": 0, "sequence_start": False, "sequence_end": False, "priority": 0, "timeout": None}
    request = grpc_request(inputs=[tensor], **{**fields, **sequence, **options})
    return bytes(request.SerializeToString())


def typed(datatype: str, shape: list[int], **contents: object) -> bytes:
    request = service_pb2.ModelInferRequest(model_name="net")
    tensor = request.inputs.add(name="x", datatype=datatype, shape=shape)
    tensor.contents.CopyFrom(service_pb2.InferTensorContents(**contents))
    return bytes(request.SerializeToString())


def asking_for_typed_contents(array: np.ndarray) -> InferRequest:
    request = service_pb2.ModelInferRequest.FromString(message(array))
    request.parameters["binary_data_output"].bool_param = False
    return grpc.parse_infer(request.SerializeToString(), RESOLVE, LIMITS)


def refused_rest(body: bytes, length: str | None = None) -> BadRequest:
    with pytest.raises(BadRequest) as failure:
        rest.parse_infer("net", "net", body, length, LIMITS)
    return failure.value


def refused_grpc(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as failure:
        grpc.parse_infer(body, RESOLVE, LIMITS)
    return failure.value


# both ways, every type


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


# requests


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


# refusals

FP32 = {"name": "x", "shape": [2], "datatype": "FP32"}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"inputs": {}}, "inputs must be a list"),
        ({"inputs": [1]}, "inputs must be a list of objects"),
        ({"inputs": [FP32] * 4}, "at most 3"),
        ({"inputs": [{**FP32, "data": [1, 2]}] * 2}, "more than once"),
        ({"inputs": [{**FP32, "name": ""}]}, "no name"),
        ({"inputs": [{**FP32, "name": 1}]}, "name must be a string"),
        ({"inputs": [FP32]}, "data must be a list"),
        ({"inputs": [{**FP32, "data": [1]}]}, "1 values do not fill the shape"),
        ({"inputs": [{**FP32, "data": [[1], [2]]}]}, "1 values do not|not nested|not of type"),
        ({"inputs": [{**FP32, "shape": [2, 2], "data": [[1, 2], [3]]}]}, "not nested"),
        ({"inputs": [{**FP32, "data": [1, None]}]}, "not of type float32"),
        ({"inputs": [{**FP32, "data": [1, 1e39]}]}, "does not fit float32"),
        ({"inputs": [{**FP32, "shape": 2}]}, "shape must be a list"),
        ({"inputs": [{**FP32, "shape": [-1]}]}, "not a shape"),
        ({"inputs": [{**FP32, "shape": [True]}]}, "not a shape"),
        ({"inputs": [{**FP32, "shape": [2**40, 2**40, 0]}]}, "not a shape"),
        ({"inputs": [{**FP32, "shape": [1] * 17}]}, "not a shape"),
        ({"inputs": [{**FP32, "datatype": "FP8"}]}, "known are BOOL"),
        ({"inputs": [{**FP32, "datatype": "BF16"}]}, "BF16 is not supported"),
        ({"inputs": [{**FP32, "datatype": "FP16", "data": [1, 2]}]}, "send it as binary"),
        ({"inputs": [{**FP32, "datatype": "INT8", "data": [1, 300]}]}, "does not fit int8"),
        ({"inputs": [{**FP32, "datatype": "BOOL", "data": [1, 2]}]}, "does not fit bool"),
        ({"inputs": [{**FP32, "datatype": "BYTES", "data": [1, 2]}]}, "must be strings"),
        ({"inputs": [{**FP32, "datatype": "BYTES", "data": ["a"]}]}, "2 elements, but 1"),
        ({"inputs": [{**FP32, "datatype": "BYTES", "data": ["a", "b\0"]}]}, "NUL"),
        ({"inputs": [{**FP32, "parameters": 1}]}, "parameters of input x"),
        ({"inputs": [{**FP32, "parameters": {"shared_memory_region": "r"}}]}, "shared memory"),
        ({"inputs": [{**FP32, "parameters": {"binary_data_size": 8}}]}, "0 bytes are left"),
        ({"inputs": [{**FP32, "parameters": {"binary_data_size": 0}}]}, "has 8 bytes, but 0"),
        ({"inputs": [{**FP32, "data": [], "parameters": {"binary_data_size": 0}}]}, "one of them"),
        ({"inputs": [], "outputs": [{"name": "y", "parameters": {"classification": 3}}]}, "classification"),
        ({"inputs": [], "outputs": [{"name": "y"}] * 2}, "more than once"),
        ({"inputs": [], "parameters": {"sequence_id": 1}}, "sequences"),
        ({"inputs": [], "parameters": []}, "parameters of the request"),
        ({"inputs": [], "id": 1}, "id must be a string"),
    ],
)
def test_a_wrong_json_request_is_refused_with_a_sentence(fields: dict[str, Any], words: str) -> None:
    failure = refused_rest(json.dumps(fields).encode())
    assert failure.status == 400
    assert any(word in failure.message for word in words.split("|")), failure.message


@pytest.mark.parametrize(
    ("body", "length", "words"),
    [
        (b"", None, "not JSON"),
        (b"[]", None, "JSON object"),
        (b"\xff", None, "not JSON"),
        (b'{"inputs":' + b"[" * 50_000 + b"NaN", None, "not JSON"),
        (b'{"id":"\\ud800","inputs":[]}', None, "not JSON"),
        (b'{"inputs":[]}', "x", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "0", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "-1", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "14", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "9" * 5000, "Inference-Header-Content-Length"),
        (b'{"inputs":[]}xx', "13", "2 bytes follow"),
    ],
)
def test_a_wrong_body_is_refused_with_a_sentence(body: bytes, length: str | None, words: str) -> None:
    failure = refused_rest(body, length)
    assert failure.status == 400
    assert words in failure.message


def test_a_body_past_the_limit_is_413() -> None:
    assert refused_rest(b" " * 100_001).status == 413


def raw(datatype: str, shape: list[int], *contents: bytes) -> bytes:
    request = service_pb2.ModelInferRequest(model_name="net", raw_input_contents=contents)
    request.inputs.add(name="x", datatype=datatype, shape=shape)
    return bytes(request.SerializeToString())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff", "not a ModelInferRequest"),
        (b"\x0a\x01\xff", "not a ModelInferRequest"),
        (b"", "no model"),
        (raw("FP32", [2], b"1234"), "has 8 bytes, but 4"),
        (raw("FP32", [2], b"1234", b"1234"), "1 inputs, but 2 raw_input_contents"),
        (raw("FP32", [-1], b""), "not a shape"),
        (raw("BF16", [2], b"1234"), "BF16"),
        (raw("BOOL", [2], b"\0\2"), "neither 0 nor 1"),
        (raw("BYTES", [1], b"\5\0\0\0abc"), "1 elements of BYTES"),
        (raw("BYTES", [1], b"\1\0\0\0abc"), "1 elements of BYTES"),
        (raw("BYTES", [2], b"\1\0\0\0a"), "2 elements of BYTES"),
        (raw("BYTES", [2], b"\1\0\0\0a\1\0"), "2 elements of BYTES"),
        (raw("BYTES", [1], b"\1\0\0\0\xff"), "UTF-8"),
        (raw("BYTES", [65537], b"\0\0\0\0" * 65537), "at most 65536"),
        (typed("BYTES", [300], bytes_contents=[b"x" * 60_000, *[b""] * 299]), "too much"),
        (typed("FP16", [1], fp32_contents=[1]), "raw_input_contents"),
        (typed("FP32", [1], int_contents=[1]), "is sent in fp32_contents, not in int_contents"),
        (typed("FP32", [2], fp32_contents=[1]), "1 values do not fill"),
        (typed("INT8", [1], int_contents=[128]), "does not fit int8"),
        (typed("UINT16", [1], uint_contents=[65536]), "does not fit uint16"),
        (message(SPECIAL, sequence_id=5), "sequences"),
        (message(SPECIAL, outputs=[triton_grpc.InferRequestedOutput("y", class_count=2)]), "classification"),
        (message(SPECIAL, outputs=[triton_grpc.InferRequestedOutput("y")] * 2), "more than once"),
    ],
)
def test_a_wrong_message_is_refused_with_a_sentence(body: bytes, words: str) -> None:
    assert words in refused_grpc(body).message


def test_contents_beside_raw_contents_are_refused() -> None:
    request = service_pb2.ModelInferRequest.FromString(typed("FP32", [1], fp32_contents=[1]))
    request.raw_input_contents.append(b"1234")
    assert "one or the other" in refused_grpc(request.SerializeToString()).message


@given(st.binary(max_size=60))
def test_no_message_whatever_does_anything_but_parse_or_be_refused(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        grpc.parse_infer(body, RESOLVE, LIMITS)
    with contextlib.suppress(BadRequest):
        rest.parse_infer("net", "net", body, str(len(body) // 2), LIMITS)


@given(ARRAYS, st.data())
def test_a_cut_off_request_is_refused_and_never_an_exception(array: np.ndarray, data: st.DataObject) -> None:
    body, length = rest_body(array, binary=True)
    cut = data.draw(st.integers(0, len(body) - 1))
    assert refused_rest(body[:cut], str(length)).status == 400
    whole = message(array)
    with contextlib.suppress(BadRequest):
        inputs = grpc.parse_infer(whole[: data.draw(st.integers(0, len(whole) - 1))], RESOLVE, LIMITS).call.inputs
        assert array.size == 0 or "x" not in inputs


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TENSOR = st.dictionaries(st.sampled_from(["name", "shape", "datatype", "data", "parameters"]), VALUES)


@given(VALUES, st.lists(TENSOR | VALUES, max_size=2) | VALUES, VALUES, st.sampled_from(["FP32", "INT8", "BYTES", ""]))
def test_no_json_whatever_does_anything_but_parse_or_be_refused(
    other: Any,  # noqa: ANN401 - any JSON
    inputs: Any,  # noqa: ANN401 - any JSON
    data: Any,  # noqa: ANN401 - any JSON
    datatype: str,
) -> None:
    near = [{"name": "x", "shape": [2, 2], "datatype": datatype, "data": data}]
    for fields in ({"inputs": inputs, "id": other}, {"inputs": near, "outputs": other}, {"parameters": other}):
        with contextlib.suppress(BadRequest):
            read_rest(json.dumps(fields).encode("utf-8", "surrogatepass"))
