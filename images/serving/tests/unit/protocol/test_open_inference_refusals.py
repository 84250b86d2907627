"""Requests of the Open Inference Protocol that are refused, each with a sentence."""

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient import grpc as triton_grpc
from tritonclient.grpc import service_pb2

from images.serving.tests.unit.protocol.open_inference_requests import (
    ARRAYS,
    LIMITS,
    RESOLVE,
    SPECIAL,
    message,
    read_rest,
    rest_body,
    typed,
)
from paddle_serving_runtime.protocol import BadRequest
from paddle_serving_runtime.protocol.open_inference import grpc, rest


def refused_rest(body: bytes, length: str | None = None) -> BadRequest:
    with pytest.raises(BadRequest) as failure:
        rest.parse_infer("net", "net", body, length, LIMITS)
    return failure.value


def refused_grpc(body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as failure:
        grpc.parse_infer(body, RESOLVE, LIMITS)
    return failure.value


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
        ({"inputs": [{**FP32, "data": [1]}]}, "1 value cannot fill the shape"),
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
        ({"inputs": [{**FP32, "parameters": {"binary_data_size": 8}}]}, "0 bytes left"),
        ({"inputs": [{**FP32, "parameters": {"binary_data_size": 0}}]}, "has 8 bytes, but 0"),
        ({"inputs": [{**FP32, "data": [], "parameters": {"binary_data_size": 0}}]}, "one of them"),
        ({"inputs": [], "outputs": [{"name": "y", "parameters": {"classification": 3}}]}, "classification"),
        ({"inputs": [], "outputs": [{"name": "y"}] * 4}, "at most 3"),
        ({"inputs": [], "outputs": [{"name": "y"}, {"name": "y", "parameters": {"classification": 3}}]}, "classific"),
        ({"inputs": [], "outputs": [{"name": None}]}, "no name"),
        ({"inputs": None}, "inputs must be a list"),
        ({"inputs": [None]}, "inputs must be a list of objects"),
        ({"inputs": [{**FP32, "data": None}]}, "data must be a list"),
        ({"inputs": [{**FP32, "datatype": "INT64", "data": [True, 2]}]}, "true and false are no numbers"),
        ({"inputs": [], "parameters": {"sequence_id": 1}}, "sequences"),
        ({"inputs": [], "parameters": []}, "parameters of the request"),
        ({"inputs": [], "id": 1}, "id must be a string"),
        ({"inputs": [], "parameters": {"binary_data_output": "true"}}, "binary_data_output must be true or false"),
        ({"inputs": [], "parameters": {"binary_data_output": None}}, "binary_data_output must be true or false"),
        ({"inputs": [], "outputs": [{"name": "y", "parameters": {"binary_data": 1}}]}, "binary_data must be true"),
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
        (b'{"inputs":' + b"[" * 40 + b"NaN", None, "not JSON"),
        (b'{"id":"\\ud800","inputs":[]}', None, "not JSON"),
        (b'{"inputs":[]}', "x", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "0", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "-1", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "14", "Inference-Header-Content-Length"),
        (b'{"inputs":[]}', "9" * 5000, "Inference-Header-Content-Length"),
        (b'{"inputs":[]}xx', "13", "goes on for 2 bytes"),
    ],
)
def test_a_wrong_body_is_refused_with_a_sentence(body: bytes, length: str | None, words: str) -> None:
    failure = refused_rest(body, length)
    assert failure.status == 400
    assert words in failure.message


def test_a_body_that_is_too_deep_for_its_parser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_deep(*_arguments: object, **_options: object) -> None:
        raise RecursionError

    monkeypatch.setattr(json, "loads", too_deep)
    assert refused_rest(b'{"inputs":[NaN]}').status == 400


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
        (raw("FP32", [2], b"1234", b"1234"), "1 input, but 2 raw_input_contents"),
        (raw("FP32", [-1], b""), "not a shape"),
        (raw("BF16", [2], b"1234"), "BF16"),
        (raw("BOOL", [2], b"\0\2"), "neither 0 nor 1"),
        (raw("BYTES", [1], b"\5\0\0\0abc"), "1 element of BYTES"),
        (raw("BYTES", [1], b"\1\0\0\0abc"), "1 element of BYTES"),
        (raw("BYTES", [2], b"\1\0\0\0a"), "2 elements of BYTES"),
        (raw("BYTES", [2], b"\1\0\0\0a\1\0"), "2 elements of BYTES"),
        (raw("BYTES", [1], b"\1\0\0\0\xff"), "UTF-8"),
        (raw("BYTES", [65537], b"\0\0\0\0" * 65537), "at most 65536"),
        (typed("BYTES", [300], bytes_contents=[b"x" * 60_000, *[b""] * 299]), "too much"),
        (typed("FP16", [1], fp32_contents=[1]), "raw_input_contents"),
        (typed("FP32", [1], int_contents=[1]), "is sent in fp32_contents, not in int_contents"),
        (typed("FP32", [2], fp32_contents=[1]), "1 value cannot fill"),
        (typed("INT8", [1], int_contents=[128]), "does not fit int8"),
        (typed("UINT16", [1], uint_contents=[65536]), "does not fit uint16"),
        (message(SPECIAL, sequence_id=5), "sequences"),
        (message(SPECIAL, outputs=[triton_grpc.InferRequestedOutput("y", class_count=2)]), "classification"),
        (message(SPECIAL, outputs=[triton_grpc.InferRequestedOutput("y")] * 4), "4 outputs, at most 3"),
    ],
)
def test_a_wrong_message_is_refused_with_a_sentence(body: bytes, words: str) -> None:
    assert words in refused_grpc(body).message


def test_a_word_that_says_in_which_form_to_answer_is_refused() -> None:
    request = service_pb2.ModelInferRequest.FromString(message(SPECIAL))
    request.parameters["binary_data_output"].string_param = "true"
    assert "binary_data_output must be a bool_param" in refused_grpc(request.SerializeToString()).message


def test_contents_beside_raw_contents_are_refused() -> None:
    request = service_pb2.ModelInferRequest.FromString(typed("FP32", [1], fp32_contents=[1]))
    request.raw_input_contents.append(b"1234")
    assert "one or the other" in refused_grpc(request.SerializeToString()).message


def test_contents_with_nothing_in_them_beside_raw_contents_are_none() -> None:
    """As MLServer sends them (use_raw)."""
    request = service_pb2.ModelInferRequest.FromString(raw("FP32", [1], b"\0\0\x80?"))
    request.inputs[0].contents.SetInParent()
    parsed = grpc.parse_infer(request.SerializeToString(), RESOLVE, LIMITS)
    assert np.array_equal(parsed.call.inputs["x"], np.array([1], np.float32))


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
