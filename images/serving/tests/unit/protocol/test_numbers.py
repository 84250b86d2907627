"""Numbers keep their value in every protocol and form, or are refused."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tritonclient.utils import np_to_triton_dtype

from images.serving.tests.unit.protocol.open_inference_requests import typed
from paddle_serving_runtime.engine.inputs import check_inputs
from paddle_serving_runtime.paddle_model.prototxt import ModelConf, Variable
from paddle_serving_runtime.protocol import BadRequest, Limits, json_body, parse_request
from paddle_serving_runtime.protocol.numbers import from_json
from paddle_serving_runtime.protocol.open_inference.grpc import parse_infer as parse_grpc
from paddle_serving_runtime.protocol.open_inference.rest import parse_infer
from paddle_serving_runtime.protocol.pipeline.grpc import parse_message
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

LIMITS = Limits()
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
MANY = 100

PIPELINE = {
    "int64": (0, "int64_data"),
    "float32": (1, "float_data"),
    "int32": (2, "int_data"),
    "float64": (3, "float64_data"),
    "int16": (4, "int_data"),
    "float16": (5, "float_data"),
    "uint16": (6, "uint32_data"),
    "uint8": (7, "uint32_data"),
    "int8": (8, "int_data"),
    "bool": (9, "bool_data"),
}
TYPED = {
    "bool": "bool_contents",
    **dict.fromkeys(("int8", "int16", "int32"), "int_contents"),
    **dict.fromkeys(("uint8", "uint16", "uint32"), "uint_contents"),
    **{name: f"{name}_contents" for name in ("int64", "uint64")},
    **{f"float{bits}": f"fp{bits}_contents" for bits in (32, 64)},
}
Values = list[Any]
Read = Callable[[str, Values], Any]


class CannotBeSentError(Exception):
    """The form has no way to say it."""


def pipeline_json(dtype: str, values: Values) -> object:
    elem_type, field = _of_pipeline(dtype)
    tensor = {"name": "x", "elem_type": elem_type, "shape": [-1], field: values}
    return parse_request(json.dumps({"tensors": [tensor]}).encode(), LIMITS).inputs["x"]


def pipeline_grpc(dtype: str, values: Values) -> object:
    elem_type, field = _of_pipeline(dtype)
    try:
        message = MESSAGES["Request"](tensors=[{"name": "x", "elem_type": elem_type, "shape": [-1], field: values}])
    except (ValueError, TypeError):
        raise CannotBeSentError from None
    return parse_message(message.SerializeToString(), {"svc"}, LIMITS).inputs["x"]


def rest_flat(dtype: str, values: Values) -> object:
    return _rest(dtype, [len(values)], values)


def rest_nested(dtype: str, values: Values) -> object:
    array: Any = _rest(dtype, [len(values), 1], [[value] for value in values])
    return array.ravel()


def rest_long(dtype: str, values: Values) -> object:
    """Long enough for the other of the two readers."""
    many: Any = _rest(dtype, [MANY * len(values)], values * MANY, " " * json_body._LONG_BODY)
    assert many.tobytes() == np.tile(many[: len(values)], MANY).tobytes()
    return many[: len(values)]


def grpc_typed(dtype: str, values: Values) -> object:
    if dtype not in TYPED:
        raise CannotBeSentError
    try:
        body = typed(np_to_triton_dtype(np.dtype(dtype)), [len(values)], **{TYPED[dtype]: values})
    except (ValueError, TypeError):
        raise CannotBeSentError from None
    return parse_grpc(body, lambda model, _version: model, LIMITS).call.inputs["x"]


def text(dtype: str, values: Values) -> object:
    """Text by key, for a plain model."""
    conf = ModelConf((Variable("x", "x", np.dtype(dtype), (1,), is_lod=False),), ())
    return check_inputs(conf, {}, {"x": ",".join(map(str, values))})["x"].ravel()


def _of_pipeline(dtype: str) -> tuple[int, str]:
    if dtype not in PIPELINE:
        raise CannotBeSentError
    return PIPELINE[dtype]


def _rest(dtype: str, shape: list[int], values: Values, rest: str = "") -> object:
    if dtype == "float16":
        raise CannotBeSentError
    tensor = {"name": "x", "datatype": np_to_triton_dtype(np.dtype(dtype)), "shape": shape, "data": values}
    return parse_infer("m", "m", json.dumps({"inputs": [tensor], "rest": rest}).encode(), None, LIMITS).call.inputs["x"]


FORMS: list[Read] = [pipeline_json, pipeline_grpc, rest_flat, rest_nested, rest_long, grpc_typed, text]
JSON = [pipeline_json, rest_flat, rest_nested, rest_long]
every_form = pytest.mark.parametrize("read", FORMS, ids=lambda read: read.__name__)
every_json = pytest.mark.parametrize("read", JSON, ids=lambda read: read.__name__)
every_json_and_text = pytest.mark.parametrize("read", [*JSON, text], ids=lambda read: read.__name__)
FULL_WIDTH = "\uff11\uff12"
PYTHONS_OWN = [
    True,
    False,
    "1_000",
    FULL_WIDTH,
    "\u0663",
    "0x10",
    "inf",
    "nan",
    "infinity",
    "+NaN",
    "1 2",
    "",
    None,
    [],
]


def refuses(read: Read, dtype: str, values: Values) -> None:
    with pytest.raises((BadRequest, CannotBeSentError)):
        read(dtype, values)


def limits(dtype: str) -> tuple[int, int]:
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def integers(dtype: str) -> st.SearchStrategy[int]:
    least, most = limits(dtype)
    near = [number for number in (least, most, 0, 2**53 + 1, -(2**53) - 1, 2**63) if least <= number <= most]
    return st.integers(least, most) | st.sampled_from(near)


@every_form
@pytest.mark.parametrize("dtype", INTEGERS)
@given(data=st.data())
@settings(max_examples=30)
def test_every_integer_of_a_type_is_read_as_it_is(read: Read, dtype: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(integers(dtype), min_size=1, max_size=4))
    try:
        array: Any = read(dtype, values)
    except CannotBeSentError:
        assert dtype in ("uint32", "uint64")
        assert read in (pipeline_json, pipeline_grpc)
        return
    assert (array.dtype, array.tolist()) == (np.dtype(dtype), values)


@every_form
@pytest.mark.parametrize("dtype", INTEGERS)
def test_one_past_either_end_of_a_type_is_refused(read: Read, dtype: str) -> None:
    least, most = limits(dtype)
    for value in (least - 1, most + 1, 2**64, -(2**63) - 1, 10**30):
        refuses(read, dtype, [value])
        refuses(read, dtype, [0, value])


@every_form
@pytest.mark.parametrize(("dtype", "most", "past"), [("float16", 65504, 70000), ("float32", 3.4028234e38, 1e39)])
def test_a_float_past_its_type_is_refused_and_not_infinite(read: Read, dtype: str, most: float, past: float) -> None:
    for sign in (1, -1):
        try:
            array: Any = read(dtype, [sign * most])
        except CannotBeSentError:
            return
        assert array.tolist() == [np.dtype(dtype).type(sign * most)]
        # protobuf makes an infinity of 1e39 before it is sent
        if not (dtype == "float32" and read in (pipeline_grpc, grpc_typed)):
            with pytest.raises(BadRequest, match=f"does not fit {dtype}"):
                read(dtype, [sign * past, 1])


@every_json_and_text
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS])
def test_what_only_python_takes_for_a_number_is_refused(read: Read, dtype: str) -> None:
    for value in PYTHONS_OWN:
        for before in ([], [1], [2] * 200, [0] * 200):
            refuses(read, dtype, [*before, value])


@every_json_and_text
@pytest.mark.parametrize("dtype", INTEGERS)
def test_an_integer_with_a_point_or_an_exponent_is_refused(read: Read, dtype: str) -> None:
    for value in (1.0, 1e3, 1.5, 1e300, -0.0):
        refuses(read, dtype, [value])
        refuses(read, dtype, [1, value])


@every_form
def test_a_bool_is_true_or_false_and_may_be_1_or_0(read: Read) -> None:
    both: Any = read("bool", [1, 0])
    assert (both.dtype, both.tolist()) == (np.dtype(bool), [True, False])


@every_json_and_text
def test_no_other_number_is_a_bool(read: Read) -> None:
    for value in (2, -1, 1.0, 0.5, None, "1", "true"):
        # text has no quotes
        if not (read is text and value == "1"):
            refuses(read, "bool", [1, value])


@pytest.mark.parametrize("read", [pipeline_json, rest_flat, rest_nested], ids=lambda read: read.__name__)
@pytest.mark.parametrize("dtype", FLOATS)
def test_infinities_by_name_hide_no_number_that_is_too_large(read: Read, dtype: str) -> None:
    names = ["NaN", "Infinity", "-Infinity"]
    try:
        array: Any = read(dtype, [*names, 1.5])
    except CannotBeSentError:
        return
    np.testing.assert_array_equal(array, np.array([math.nan, math.inf, -math.inf, 1.5], dtype), strict=True)
    past = {"float16": 70000, "float32": 1e39, "float64": 10**400}[dtype]
    for values in ([*names, past], [past, *names]):
        with pytest.raises(BadRequest):
            read(dtype, values)


def test_a_body_with_nan_as_python_writes_it_hides_no_number_that_is_too_large_either() -> None:
    for past in (b"1e400", b"1e39", b"true", b"1" + b"0" * 400):
        body = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[2],"data":[NaN,%b]}]}' % past
        with pytest.raises(BadRequest, match="a value in data"):
            parse_infer("m", "m", body, None, LIMITS)


@every_json
def test_null_for_a_float_is_refused_and_says_what_to_send(read: Read) -> None:
    with pytest.raises(BadRequest, match=r'null, which some clients send for NaN .* "NaN", "Infinity" and "-Infinity"'):
        read("float32", [0.5, None])


MIXED = st.lists(st.booleans() | st.integers(-3, 300), min_size=1)


@given(MIXED, st.sampled_from(INTEGERS + FLOATS), st.integers(1, 99))
@example([True], "float16", 1)
@example([0, 1, True], "int64", 99)
def test_true_is_found_among_any_numbers(values: list[int], dtype: str, times: int) -> None:
    least, most = limits(dtype) if dtype in INTEGERS else (-300, 300)
    good = all(type(value) is int and least <= value <= most for value in values)
    try:
        assert from_json(values * times, np.dtype(dtype)).tolist() == values * times
    except ValueError:
        assert not good
    else:
        assert good


@pytest.mark.parametrize("field", ["shape", "lod", "logid"])
@pytest.mark.parametrize("value", ["1_0", "\uff11", "0x1", "+1", " 1", "1.0", "", True, 1.0])
def test_the_integers_beside_the_numbers_are_as_strict(field: str, value: object) -> None:
    tensor: dict[str, object] = {"name": "x", "elem_type": 1, "shape": [1], "float_data": [1]}
    message: dict[str, object] = {"tensors": [tensor]}
    if field == "logid":
        message[field] = value
    else:
        tensor[field] = [value] if field == "shape" else [0, value]
    with pytest.raises(BadRequest):
        parse_request(json.dumps(message).encode(), LIMITS)
