import json
import math
from base64 import b64encode
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from images.serving.tests.object_loaders import CONTENTS, stub_loaders
from paddle_serving_runtime.protocol import BadRequest, Limits, parse_request

LIMITS = Limits(body_bytes=1 << 20, keys=4, tensors=2)


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def tensor(**fields: object) -> bytes:
    return body(tensors=[{"name": "x", **fields}])


def parse(request: bytes) -> dict[str, Any]:
    return dict(parse_request(request, LIMITS).inputs)


def refused(request: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as failure:
        parse_request(request, LIMITS)
    return failure.value


def test_keys_and_values_become_text_inputs() -> None:
    request = parse_request(body(key=["a", "b"], value=["1", "x"], logid="77"), LIMITS)
    assert request.inputs == {"a": "1", "b": "x"}
    assert request.log_id == 77


@pytest.mark.parametrize(
    ("elem_type", "field", "values", "dtype"),
    [
        (0, "int64_data", [1, -(2**63)], "int64"),
        (0, "int64_data", ["1", "-9223372036854775808"], "int64"),
        (1, "float_data", [0.1, 1], "float32"),
        (2, "int_data", [1, -(2**31)], "int32"),
        (3, "float64_data", [0.1, 2.5], "float64"),
        (4, "int_data", [1, -32768], "int16"),
        (5, "float_data", [0.5, 2.0], "float16"),
        (6, "uint32_data", [1, 65535], "uint16"),
        (7, "uint32_data", [1, 255], "uint8"),
        (8, "int_data", [1, -128], "int8"),
        (9, "bool_data", [True, False], "bool"),
    ],
)
def test_a_tensor_has_the_type_of_its_elem_type(elem_type: int, field: str, values: list[Any], dtype: str) -> None:
    x = parse(tensor(elem_type=elem_type, shape=[1, 2], **{field: values}))["x"]
    numbers = [int(value) if isinstance(value, str) else value for value in values]
    np.testing.assert_array_equal(x, np.array([numbers], dtype=dtype), strict=True)


def test_one_dimension_may_be_left_to_the_number_of_values() -> None:
    assert parse(tensor(elem_type=1, shape=[-1, 2], float_data=[1, 2, 3, 4]))["x"].shape == (2, 2)


def test_special_floats_are_read_by_name() -> None:
    x = parse(tensor(elem_type=1, shape=[3], float_data=["NaN", "-Infinity", 1.5]))["x"]
    assert math.isnan(x[0])
    assert x[1] == -math.inf
    assert x[2] == 1.5


def test_string_tensors_are_joined_and_lod_stands_beside_its_tensor() -> None:
    assert parse(tensor(elem_type=12, str_data=["ab", "c"])) == {"x": "abc"}
    inputs = parse(tensor(elem_type=0, shape=[2], int64_data=[1, 2], lod=[0, 1, 1, 2]))
    np.testing.assert_array_equal(inputs["x.lod"], [[0, 1], [1, 2]])


def test_null_for_a_field_of_a_tensor_means_that_it_is_absent() -> None:
    assert parse(tensor(elem_type=12, str_data=None)) == {"x": ""}
    nothing = parse(tensor(elem_type=1, shape=[0, 4], float_data=None, lod=None))
    assert list(nothing) == ["x"]
    assert nothing["x"].shape == (0, 4)
    assert parse(tensor(elem_type=1, shape=None, float_data=[1.5]))["x"].shape == ()


def test_a_log_id_may_be_text_as_every_integer_of_64_bits() -> None:
    for number in (-(2**63), -1, 2**63 - 1):
        assert parse_request(body(logid=str(number)), LIMITS).log_id == number


@pytest.mark.parametrize("content", CONTENTS)
def test_opaque_bytes_are_refused_and_not_read(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    calls = stub_loaders(monkeypatch)
    failure = refused(tensor(elem_type=13, byte_data=b64encode(content).decode()))
    assert failure.status == 400
    assert "elem_type 13" in failure.message
    assert calls == []


@pytest.mark.parametrize(
    ("request_body", "words"),
    [
        (b"", "not JSON"),
        (b"[]", "must be a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 2000, "not JSON"),
        (body(key="x"), "key must be a list"),
        (body(key=["x"]), "1 key but 0 values"),
        (body(key=[1], value=["1"]), "lists of strings"),
        (body(key=["x"] * 5, value=["1"] * 5), "at most 4"),
        (body(tensors=[{}] * 3), "at most 2"),
        (body(tensors=[1]), "must be an object"),
        (body(logid="x"), "logid"),
        (body(logid=2**64), "logid"),
        (tensor(elem_type=99), "elem_type 99"),
        (tensor(elem_type=None), "elem_type"),
        (tensor(elem_type=1, shape=[2], float_data=[1.0]), "cannot fill the shape"),
        (tensor(elem_type=1, shape=[10**30], float_data=[1.0]), "shape"),
        (tensor(elem_type=1, shape=["9" * 5000], float_data=[1.0]), "not a shape"),
        (tensor(elem_type=1, shape=[-2], float_data=[1.0]), "not a shape"),
        (tensor(elem_type=1, shape=[1] * 17, float_data=[1.0]), "at most 16"),
        (tensor(elem_type=1, shape=[1], float_data=[None]), "not of type float32"),
        (tensor(elem_type=1, shape=[1], float_data=["1.5x"]), "not of type float32"),
        (tensor(elem_type=1, shape=[1], float_data=[[1.0]]), "not of type float32"),
        (tensor(elem_type=1, shape=[1], float_data=[1e39]), "does not fit float32"),
        (tensor(elem_type=5, shape=[1], float_data=[1e6]), "does not fit float16"),
        (tensor(elem_type=0, shape=[1], int64_data=[1.5]), "not of type int64"),
        (tensor(elem_type=8, shape=[1], int_data=[300]), "does not fit int8"),
        (tensor(elem_type=9, shape=[1], bool_data=[2]), "does not fit bool"),
        (tensor(elem_type=0, shape=[1], int64_data=[1], lod="ab"), "lod"),
        (tensor(elem_type=0, shape=[1], int64_data=[1], lod=[1]), "lod"),
        (tensor(elem_type=0, shape=[1], int64_data=[1], lod={}), "lod"),
        (tensor(elem_type=0, shape=[1], int64_data=[1], lod=[0, True]), "lod"),
        (tensor(elem_type=0, shape=[1], int64_data=[True]), "true and false are no numbers"),
        (tensor(elem_type=0, shape=[1], int64_data=[str(2**63)]), "does not fit int64"),
        (tensor(elem_type=1, shape=[2], float_data=["NaN", 1e39]), "does not fit float32"),
        (body(tensors=[{"name": "", "elem_type": 1}]), "no name"),
    ],
)
def test_a_wrong_request_is_refused_with_a_sentence(request_body: bytes, words: str) -> None:
    failure = refused(request_body)
    assert failure.status == 400
    assert words in failure.message


def test_a_body_past_the_limit_is_413() -> None:
    assert refused(b"x" * (LIMITS.body_bytes + 1)).status == 413


def test_the_profile_key_of_paddle_serving_is_dropped() -> None:
    assert parse(body(key=["pipeline.profile", "x"], value=["1", "2"])) == {"x": "2"}


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["elem_type", "shape", "float_data", "int64_data", "int_data", "bool_data", "str_data", "lod"])


@given(st.dictionaries(FIELDS, JSON_VALUES), JSON_VALUES)
def test_no_json_whatever_does_anything_but_parse_or_be_refused(fields: dict[str, Any], other: object) -> None:
    message = {"tensors": [{"name": "x", **fields}], "key": other}
    try:
        request_body = orjson.dumps(message)
    except orjson.JSONEncodeError:
        return
    try:
        inputs = parse_request(request_body, LIMITS).inputs
    except BadRequest:
        return
    assert "x" in inputs
