import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from images.serving.tests.object_loaders import TEXT
from paddle_serving_runtime.protocol import BadRequest, Limits, Response, UnpackableValue, pack_response, parse_request
from paddle_serving_runtime.protocol.pipeline.grpc import error_message, pack_message, parse_message
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

Request, Answer, Tensor = MESSAGES["Request"], MESSAGES["Response"], MESSAGES["Tensor"]
LIMITS = Limits(keys=4, tensors=2)
DTYPES = ["float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint16", "uint8", "bool"]
ARRAYS = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))


def parse(**fields: object) -> dict[str, Any]:
    return dict(parse_message(Request(**fields).SerializeToString(), {"svc"}, LIMITS).inputs)


def refused(**fields: object) -> BadRequest:
    with pytest.raises(BadRequest) as failure:
        parse(**fields)
    return failure.value


def same_bits(got: np.ndarray, want: np.ndarray) -> bool:
    return got.dtype == want.dtype and got.shape == want.shape and got.tobytes() == want.tobytes()


def test_keys_values_and_the_log_id_are_those_of_the_json_form() -> None:
    message = Request(key=["a", "b", "pipeline.profile"], value=["1", "x", "1", "surplus"], logid=7, clientip="::1")
    request = parse_message(message.SerializeToString(), {"svc"}, LIMITS)
    assert request.inputs == {"a": "1", "b": "x"}
    assert request.log_id == 7


def test_the_name_may_be_empty_or_that_of_the_service_and_no_other() -> None:
    assert parse(name="svc") == parse(name="") == {}
    assert refused(name="other").err_no == 3002


@given(ARRAYS)
def test_a_tensor_keeps_every_bit_on_its_way_and_can_be_written_to(array: np.ndarray) -> None:
    message = Answer.FromString(pack_message(Response(0, "", {}, {"y": array})))
    inputs = parse(tensors=message.tensors)
    assert same_bits(inputs["y"], array)
    assert inputs["y"].flags.writeable


@given(ARRAYS)
def test_both_forms_of_the_protocol_give_the_same_inputs(array: np.ndarray) -> None:
    response = Response(0, "", {}, {"y": array})
    from_grpc = parse(tensors=Answer.FromString(pack_message(response)).tensors)["y"]
    from_json = parse_request(pack_response({}, {"y": array}), LIMITS).inputs["y"]
    np.testing.assert_array_equal(from_grpc, from_json, strict=True)


def test_special_floats_and_negative_zero_survive() -> None:
    x = parse(tensors=[Tensor(name="x", elem_type=1, shape=[4], float_data=[np.nan, np.inf, -np.inf, -0.0])])["x"]
    assert x.tobytes() == np.array([np.nan, np.inf, -np.inf, -0.0], np.float32).tobytes()


def test_string_tensors_are_joined_and_lod_stands_beside_its_tensor() -> None:
    assert parse(tensors=[Tensor(name="x", elem_type=12, str_data=["ab", "c"])]) == {"x": "abc"}
    inputs = parse(tensors=[Tensor(name="x", shape=[2], int64_data=[1, 2], lod=[0, 1, 1, 2])])
    np.testing.assert_array_equal(inputs["x.lod"], [[0, 1], [1, 2]])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"key": ["x"]}, "1 key but 0 values"),
        ({"key": ["x"] * 5, "value": ["1"] * 5}, "at most 4"),
        ({"tensors": [Tensor(name="x")] * 3}, "at most 2"),
        ({"tensors": [Tensor()]}, "no name"),
        ({"tensors": [Tensor(name="x", elem_type=13, byte_data=TEXT)]}, "elem_type 13"),
        ({"tensors": [Tensor(name="x", elem_type=10, complex64_data=[1, 2])]}, "elem_type 10"),
        ({"tensors": [Tensor(name="x", elem_type=99)]}, "elem_type 99"),
        ({"tensors": [Tensor(name="x", elem_type=1, shape=[2], float_data=[1])]}, "cannot fill the shape"),
        ({"tensors": [Tensor(name="x", elem_type=1, shape=[2], int_data=[1, 2])]}, "cannot fill the shape"),
        ({"tensors": [Tensor(name="x", elem_type=1, shape=[-2], float_data=[1])]}, "not a shape"),
        ({"tensors": [Tensor(name="x", elem_type=1, shape=[1] * 17, float_data=[1])]}, "at most 16"),
        ({"tensors": [Tensor(name="x", elem_type=8, shape=[1], int_data=[300])]}, "does not fit int8"),
        ({"tensors": [Tensor(name="x", elem_type=7, shape=[1], uint32_data=[256])]}, "does not fit uint8"),
        ({"tensors": [Tensor(name="x", elem_type=5, shape=[1], float_data=[1e6])]}, "does not fit float16"),
        ({"tensors": [Tensor(name="x", shape=[1], int64_data=[1], lod=[1])]}, "lod"),
    ],
)
def test_a_wrong_request_is_refused_with_the_sentence_of_the_json_form(fields: dict[str, Any], words: str) -> None:
    failure = refused(**fields)
    assert failure.status == 400
    assert words in failure.message


@given(st.binary(max_size=60))
def test_no_message_whatever_does_anything_but_parse_or_be_refused(message: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert all(isinstance(name, str) for name in parse_message(message, {"svc"}, LIMITS).inputs)


@given(ARRAYS, st.data())
def test_a_truncated_message_is_refused_or_smaller_but_never_an_exception(
    array: np.ndarray, data: st.DataObject
) -> None:
    tensors = Answer.FromString(pack_message(Response(0, "", {}, {"y": array}))).tensors
    message = Request(key=["k"], value=["v"], tensors=tensors).SerializeToString()
    cut = data.draw(st.integers(0, len(message) - 1))
    try:
        inputs = parse_message(message[:cut], {"svc"}, LIMITS).inputs
    except BadRequest:
        return
    assert "y" not in inputs


def test_values_and_errors_are_in_the_response_message() -> None:
    answer = Answer.FromString(pack_message(Response(0, "", {"a": "1", "b": "\u00e9"})))
    assert (answer.err_no, list(answer.key), list(answer.value)) == (0, ["a", "b"], ["1", "\u00e9"])
    answer = Answer.FromString(error_message(7000, "m" * 5000))
    assert (answer.err_no, len(answer.err_msg)) == (7000, 1024)
    assert Answer.FromString(error_message(2**40, "\ud800")).err_no == 10000


def test_texts_of_a_model_are_a_string_tensor() -> None:
    (tensor,) = Answer.FromString(pack_message(Response(0, "", {}, {"y": np.array([["a", "\u00e9"]])}))).tensors
    assert tensor == Tensor(name="y", elem_type=12, shape=[1, 2], str_data=["a", "\u00e9"])


@pytest.mark.parametrize(
    "response", [Response(0, "", {"a": "\ud800"}), Response(0, "", {}, {"y": np.zeros(1, np.complex64)})]
)
def test_an_output_that_the_message_cannot_carry_is_named(response: Response) -> None:
    with pytest.raises(UnpackableValue):
        pack_message(response)
