"""What another pod has answered, in every protocol, read back; and whatever else may come in its place."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paddle_serving_runtime.protocol import BadRequest, Limits, Response, error_body, pack_response
from paddle_serving_runtime.protocol.answers import read_answer
from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.grpc.framing import frame
from paddle_serving_runtime.protocol.open_inference import grpc, rest
from paddle_serving_runtime.protocol.open_inference.common import InferRequest
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.grpc import error_message, pack_message

PIPELINE, REST = "/svc/prediction", "/v2/models/m/infer"
GRPC = {"content-type": "application/grpc"}
RESPONSE = Response(
    0,
    "",
    {"text": '["\u00e9"]'},
    {
        "price": np.array([[0.1], [np.nan]], np.float32),
        "n": np.array([2**53 + 1, -1]),
        "flags": np.array([True, False]),
    },
)
Packed = tuple[str, Mapping[str, str], bytes]


def request(*, binary: bool) -> InferRequest:
    return InferRequest("m", "", Call("", {}), {}, binary_default=binary)


def over_rest(*, binary: bool) -> Packed:
    packed = rest.pack_infer(request(binary=binary), RESPONSE)
    length = {} if packed.header_length is None else {"inference-header-content-length": str(packed.header_length)}
    return REST, length, packed.body


ANSWERS: Mapping[str, Packed] = {
    "pipeline JSON": (PIPELINE, {}, pack_response(RESPONSE.values, RESPONSE.tensors)),
    "pipeline gRPC": (PIPELINE_INFERENCE, GRPC, frame(pack_message(RESPONSE))),
    "REST, JSON": over_rest(binary=False),
    "REST, bytes": over_rest(binary=True),
    "gRPC, raw": (MODEL_INFER, GRPC, frame(grpc.pack_infer(request(binary=True), RESPONSE))),
    "gRPC, typed": (MODEL_INFER, GRPC, frame(grpc.pack_infer(request(binary=False), RESPONSE))),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_comes_back_as_it_was(kind: str) -> None:
    path, headers, body = ANSWERS[kind]
    read = read_answer(path, 200, headers, body)
    assert (read.err_no, dict(read.values)) == (0, dict(RESPONSE.values))
    assert read.tensors.keys() == RESPONSE.tensors.keys()
    for name, tensor in RESPONSE.tensors.items():
        np.testing.assert_array_equal(read.tensors[name], tensor)
        assert read.tensors[name].dtype == tensor.dtype, name


@pytest.mark.parametrize(
    ("path", "status", "headers", "body", "words"),
    [
        (PIPELINE, 500, {}, error_body(10000, "failed"), "failed"),
        (PIPELINE, 200, {}, error_body(51, "legacy status"), "legacy status"),
        (PIPELINE, 503, {}, pack_response({"a": "1"}, {}), ""),
        (REST, 400, {}, rest.error_json("input x is missing"), "input x is missing"),
        (MODEL_INFER, 200, {**GRPC, "grpc-status": "3", "grpc-message": "no%20x"}, b"", "no x"),
        (PIPELINE_INFERENCE, 200, GRPC, frame(error_message(51, "no image")), "no image"),
    ],
)
def test_a_failure_has_an_error_number_in_every_protocol(
    path: str, status: int, headers: dict[str, str], body: bytes, words: str
) -> None:
    read = read_answer(path, status, headers, body)
    assert read.err_no != 0
    assert read.err_msg == words


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_was_cut_off_is_refused(kind: str) -> None:
    path, headers, body = ANSWERS[kind]
    for end in range(0, len(body), 7):
        with pytest.raises(BadRequest):
            read_answer(path, 200, headers, body[:end])


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TENSOR = st.fixed_dictionaries(
    {}, optional={"name": JSON, "elem_type": JSON, "shape": JSON, "float_data": JSON, "datatype": JSON, "data": JSON}
)
MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "err_no": st.integers(-1, 1) | JSON,
        "key": JSON,
        "value": JSON,
        "tensors": st.lists(TENSOR, max_size=2) | JSON,
        "outputs": st.lists(TENSOR, max_size=2) | JSON,
        "error": JSON,
    },
)


@given(st.sampled_from([PIPELINE, REST]), MESSAGE)
@example(PIPELINE, {"err_no": 0, "key": [{}], "value": ["1"]})
@example(PIPELINE, {"err_no": 0, "key": ["a"], "value": [1]})
@example(PIPELINE, {"err_no": 0, "key": 1, "value": 2})
@example(PIPELINE, {"err_no": 0, "tensors": [None]})
@example(PIPELINE, {"err_no": 0, "tensors": {"a": 1}})
@example(PIPELINE, {"err_no": True})
def test_any_json_is_an_answer_or_is_refused(path: str, message: object) -> None:
    try:
        read = read_answer(path, 200, {}, json.dumps(message).encode())
    except BadRequest:
        return
    assert all(isinstance(text, str) for pair in read.values.items() for text in pair)


@given(st.sampled_from([PIPELINE_INFERENCE, MODEL_INFER]), st.binary(max_size=60))
def test_any_message_is_an_answer_or_is_refused(path: str, message: bytes) -> None:
    try:
        read_answer(path, 200, GRPC, frame(message))
    except BadRequest:
        return


@pytest.mark.parametrize("binary", [True, False])
def test_several_texts_are_one_tensor(*, binary: bool) -> None:
    words = Response(0, "", {}, {"words": np.array(["a", "bc"])})
    packed = rest.pack_infer(request(binary=binary), words)
    length = {} if packed.header_length is None else {"inference-header-content-length": str(packed.header_length)}
    read = read_answer(REST, 200, length, packed.body)
    assert read.tensors["words"].tolist() == ["a", "bc"]
    message = frame(grpc.pack_infer(request(binary=binary), words))
    assert read_answer(MODEL_INFER, 200, GRPC, message).tensors["words"].tolist() == ["a", "bc"]


def test_an_answer_may_have_more_outputs_than_a_request_inputs() -> None:
    count = Limits().tensors + 1
    many = Response(0, "", {}, {f"t{number}": np.zeros(1, np.float32) for number in range(count)})
    body = rest.pack_infer(request(binary=False), many).body
    assert len(read_answer(REST, 200, {}, body).tensors) == count
