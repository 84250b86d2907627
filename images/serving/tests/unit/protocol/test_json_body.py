"""Bodies with many numbers are read as orjson reads them, whichever way they are read."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from paddle_serving_runtime.protocol import BadRequest, Limits, json_body, parse_request
from paddle_serving_runtime.protocol.open_inference.rest import parse_infer

FIELDS = frozenset({"float_data", "data"})
LIMITS = Limits()
MANY = 100


@pytest.fixture(autouse=True, scope="module")
def short_bodies_too() -> Any:  # noqa: ANN401 - a generator
    """Every body of these tests is long enough."""
    patch = pytest.MonkeyPatch()
    patch.setattr(json_body, "_LONG_BODY", 0)
    yield
    patch.undo()


def as_read(value: Any, plain: Any) -> Any:  # noqa: ANN401 - JSON
    """The content with lists for arrays; of floats where `plain`, the same content, has an integer among them."""
    if isinstance(value, np.ndarray):
        kind = {type(number) for number in plain}
        assert kind <= {int, float}
        assert (value.dtype.kind == "i") == (kind == {int})
        # an integer among floats is the float that is nearest to it, as it will be in a tensor of floats
        return [
            number if type(number) is type(like) or number != float(like) else like
            for number, like in zip(value.tolist(), plain, strict=True)
        ]
    if isinstance(value, dict):
        return {key: as_read(item, plain[key]) for key, item in value.items()}
    if isinstance(value, list):
        return [as_read(*pair) for pair in zip(value, plain, strict=True)]
    return value


def is_read_as_by_orjson(body: bytes) -> None:
    """The same, with the sign of zero and the difference of 1 and 1.0, or the same error."""
    try:
        plain, refusal = orjson.loads(body), None
    except orjson.JSONDecodeError as error:
        plain, refusal = None, error
    if refusal is None:
        assert repr(as_read(json_body.loads(body, FIELDS), plain)) == repr(plain)
        return
    with pytest.raises(orjson.JSONDecodeError) as ours:
        json_body.loads(body, FIELDS)
    assert (ours.value.msg, ours.value.pos) == (refusal.msg, refusal.pos)


def arrays_in(value: Any) -> int:  # noqa: ANN401 - JSON
    if isinstance(value, dict | list):
        return sum(map(arrays_in, value.values() if isinstance(value, dict) else value))
    return isinstance(value, np.ndarray)


numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.integers(-(2**63), 2**63 - 1),
    st.sampled_from([0, -0.0, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 1e-320, 1.7976931348623157e308]),
)
few = st.lists(numbers, max_size=3)
many = st.builds(lambda values: (values * MANY)[: MANY + len(values) % 3], st.lists(numbers, min_size=1, max_size=20))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=5), few, many),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["name", "float_data", "data", "shape", "ä["]), inner, max_size=4),
    ),
    max_leaves=8,
)


@given(values)
@example({"data": [[1.5, 2.5] * MANY, []]})
@example({"data": [*[1.5] * MANY, [2.5]]})
@example({"data": [*[1] * MANY, 2.5]})
@example({"data": [*[1.5] * MANY, 2**53 + 1]})
@example({"data": [*[1] * MANY, 2**63]})
@example({"data": [*[1.5] * MANY, True]})
@example({"data": [*[1.5] * MANY, "1"]})
@example({"data": [1.5] * MANY, "text": "]["})
def test_any_document_is_read_as_by_orjson(document: object) -> None:
    is_read_as_by_orjson(json.dumps({"data": [1.5] * MANY, "rest": document}).encode())
    is_read_as_by_orjson(json.dumps(document).encode())


@given(st.data(), st.sampled_from([b"", b"[", b"]", b",", b'"', b"-", b"0", b"e", b"\xff", b"\\", b"}", b"\0"]))
def test_a_damaged_document_is_refused_as_by_orjson(data: st.DataObject, damage: bytes) -> None:
    body = json.dumps({"name": "a", "data": [0.25, -1e-7, 17, 3.5] * 25, "shape": [1, -1]}).encode()
    at = data.draw(st.integers(0, len(body)))
    cut = data.draw(st.integers(0, 2))
    is_read_as_by_orjson(body[:at] + damage + body[at + cut :])


@pytest.mark.parametrize(
    "body",
    [
        b"\xef\xbb\xbf" + json.dumps({"data": [1.5] * MANY}).encode(),
        json.dumps({"data": [1.5] * MANY}).encode() + b" x",
        b'{"data":' + json.dumps([1.5] * MANY).encode() + b',"data":[1]}',
        b'{"data":[1],"data":' + json.dumps([1.5] * MANY).encode() + b"}",
        b'{"data":' + json.dumps([1.5] * MANY).encode() + b',"name":"\\ud800"}',
        b'{"data":' + json.dumps([1.5] * MANY).encode() + b',"name":"\xed\xa0\x80"}',
        b'{"data":' + b"[" * 40 + json.dumps([1.5] * MANY).encode() + b"]" * 40 + b"}",
        b'{"data":' + json.dumps([1.5] * MANY).encode() + b',"more":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"data":' + json.dumps([1.5] * MANY).replace(" ", "\t\r\n").encode() + b"}",
        b'{"data":[' + b"1e400," * MANY + b"1]}",
        b'{"data":[' + b"01," * MANY + b"1]}",
        b'{"data":[' + b"NaN," * MANY + b"1]}",
        b'{"data":[' + b"0.1000000000000000055511151231257827021181583404541015625," * MANY + b"1.5]}",
        b'{"data":' + json.dumps([1.5] * MANY).encode() + b"," + b",".join(b'"k%d":1' % i for i in range(99)) + b"}",
    ],
    ids=lambda body: repr(body[:12] + b".." + body[-12:]),
)
def test_what_two_readers_might_read_in_two_ways_is_read_as_by_orjson(body: bytes) -> None:
    is_read_as_by_orjson(body)


def test_a_long_list_of_numbers_is_an_array() -> None:
    body = {"inputs": [{"data": [1.5] * MANY}, {"data": [1] * MANY}, {"data": [1.5]}], "other": [1.5] * MANY}
    message: Any = json_body.loads(json.dumps(body).encode(), FIELDS)
    floats, integers, short = (tensor["data"] for tensor in message["inputs"])
    assert (floats.dtype, integers.dtype, short) == (np.float64, np.int64, [1.5])
    assert floats.flags.writeable
    assert message["other"] == body["other"]
    assert arrays_in(message) == 2


ELEM_TYPES = {
    "float_data": (1, 5),
    "float64_data": (3,),
    "int64_data": (0,),
    "int_data": (2, 4, 8),
    "uint32_data": (6, 7),
    "bool_data": (9,),
}


def inputs_or_error(parse: Callable[[], Any]) -> object:
    try:
        tensor = parse()["x"]
    except BadRequest as error:
        return error.message.replace("does not fit", "is not of type")
    assert tensor.flags.writeable
    return tensor.dtype, tensor.shape, tensor.tobytes()


@pytest.fixture(scope="module", params=["pipeline", "open inference"])
def parse_tensor(request: pytest.FixtureRequest) -> Callable[[str, str, list[Any]], object]:
    def pipeline(field: str, elem_type: str, content: list[Any]) -> object:
        tensor = {"name": "x", "elem_type": int(elem_type), "shape": [-1], field: content}
        body = json.dumps({"tensors": [tensor]}).encode()
        return inputs_or_error(lambda: parse_request(body, LIMITS).inputs)

    def open_inference(_: str, datatype: str, content: list[Any]) -> object:
        tensor = {"name": "x", "datatype": datatype, "shape": [len(content)], "data": content}
        body = json.dumps({"inputs": [tensor]}).encode()
        return inputs_or_error(lambda: parse_infer("m", "", body, None, LIMITS).call.inputs)

    return pipeline if request.param == "pipeline" else open_inference


PIPELINE_TYPES = [(field, str(elem_type)) for field, types in ELEM_TYPES.items() for elem_type in types]
DATATYPES = ["FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL"]
SPECIAL = [0.1, -0.0, 0, 1, 2, 127, 128, -1, 65504.5, 2049.0000001, 2**24 + 1, 2**53 + 1, 2**63, 1e39, 3.4e38, 1e-46]


@given(st.data(), st.lists(st.one_of(numbers, st.sampled_from(SPECIAL), st.integers(0, 1)), min_size=1, max_size=4))
def test_tensors_are_the_same_bit_for_bit_whichever_way_they_are_read(
    parse_tensor: Callable[[str, str, list[Any]], object], data: st.DataObject, content: list[Any]
) -> None:
    is_pipeline = parse_tensor.__name__ == "pipeline"
    named = data.draw(st.sampled_from(PIPELINE_TYPES if is_pipeline else [("", name) for name in DATATYPES]))
    long = (content * MANY)[: MANY + 1]
    by_array = parse_tensor(*named, long)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_body, "_LONG_BODY", math.inf)
        assert parse_tensor(*named, long) == by_array
