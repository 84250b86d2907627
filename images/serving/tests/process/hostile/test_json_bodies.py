"""The pipeline protocol in JSON: bodies made to hurt."""

import gzip
import json
import math
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.serving.tests.object_loaders import CONTENTS, LOAD, TEXT
from images.serving.tests.process.hostile.conftest import GOOD, MAX_BODY, assert_refused, assert_tells_nothing
from images.serving.tests.services import PRICE
from images.serving.tests.services import ROW as X

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

FLOATS = {"name": "x", "elem_type": 1, "shape": [1, 13], "float_data": X}


def tensor(**changes: object) -> bytes:
    return json.dumps({"tensors": [FLOATS | changes]}).encode()


def test_opaque_bytes_are_never_read_as_objects(target: "Target") -> None:
    before = target.loaded()
    for content in CONTENTS:
        text = b64encode(content).decode()
        for elem_type in (13, 12, 1, 0, 99):
            body = tensor(elem_type=elem_type, byte_data=text, float_data=[], str_data=[text], shape=[1])
            # as text it is text, which is no price
            assert_refused(target.post(body), 400, 500)
        assert_refused(target.post(content), 400)
        assert_refused(target.post(json.dumps({"key": ["x"], "value": [text]}).encode()), 500)
    assert target.loaded() == before


def test_a_loader_that_is_called_would_be_seen(target: "Target") -> None:
    before = target.loaded()
    assert_refused(target.post(json.dumps({"key": ["x"], "value": [LOAD]}).encode()), 500)
    assert target.loaded() == [*before, "numpy.load"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 1000,
        b"\xff\xfe" + "{}".encode("utf-16-le"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"x", b"\xff"),
        GOOD.replace(b'"x"', b'"\\ud800"'),
        GOOD.replace(b'"x"', b'"\\u0000', 1),
        GOOD + b"\x00",
        GOOD + GOOD,
        GOOD[:-1],
        b"null",
        b"NaN",
        b"[]",
        b'"text"',
        b"-",
        b"1e99999",
        b'{"key":["x"],"value":[NaN]}',
        b'{"key":["x"],"value":["1"],"logid":1e400}',
        b'{"key":["x"],"value":["1"],"logid":' + b"9" * 100_000 + b"}",
        b'{"logid":-9223372036854775809}',
        b'{"logid":true}',
        b'{"logid":"0x10"}',
        b'{"key":{"x":"1"},"value":["1"]}',
        b'{"key":["x"],"value":[["1"]]}',
        b'{"key":[null],"value":[null]}',
        b'{"key":["x"]}',
        b'{"tensors":{}}',
        b'{"tensors":[[]]}',
        b'{"tensors":[null]}',
        b'{"tensors":[{}]}',
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b"[" * 2000,
        b'{"tensors":' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"key":["' + b"\\" * 1001 + b'"]}',
        b"{'key': ['x']}",
        b"{" + b'"k":1,' * 100_000 + b"}",
    ],
    ids=lambda body: f"{len(body)} bytes {body[:20]!r}",
)
def test_what_is_no_request_is_400(target: "Target", body: bytes) -> None:
    assert_refused(target.post(body), 400)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": None},
        {"name": ["x"]},
        {"name": 7},
        {"name": "x" * 100_000, "shape": [-7]},
        {"elem_type": 13},
        {"elemType": 13, "byteData": b64encode(TEXT).decode()},
        {"elem_type": 10},
        {"elem_type": 2**70},
        {"elem_type": -1},
        {"elem_type": 1.5},
        {"elem_type": True},
        {"elem_type": None},
        {"elem_type": "1"},
        {"elem_type": [1]},
        {"elem_type": 0},
        {"shape": [14]},
        {"shape": [1, 14]},
        {"shape": [0]},
        {"shape": [-1, -1]},
        {"shape": [-13]},
        {"shape": [-(2**63)]},
        {"shape": [2**31]},
        {"shape": [2**32, 2**32]},
        {"shape": [2**63]},
        {"shape": [2**64 + 13]},
        {"shape": [2**32 + 1, 2**32 + 13]},
        {"shape": [10**1000]},
        {"shape": [1.5]},
        {"shape": [13.0]},
        {"shape": [True, 13]},
        {"shape": ["13\u0663"]},
        {"shape": [" 13"]},
        {"shape": ["1_3"]},
        {"shape": [None]},
        {"shape": [[13]]},
        {"shape": "13"},
        {"shape": {"0": 13}},
        {"shape": [1] * 100_000},
        {"float_data": []},
        {"float_data": X[:-1]},
        {"float_data": [*X, 1.0]},
        {"float_data": "1,2"},
        {"float_data": {"0": 1}},
        {"float_data": [[value] for value in X]},
        {"float_data": [*X[:-1], None]},
        {"float_data": [*X[:-1], "1.5.5"]},
        {"float_data": [*X[:-1], "nan(7)"]},
        {"float_data": [*X[:-1], "1_0"]},
        {"float_data": [*X[:-1], {}]},
        {"float_data": [*X[:-1], 1e39]},
        {"float_data": [*X[:-1], 10**400]},
        {"elem_type": 5, "float_data": [*X[:-1], 65520.0]},
        {"elem_type": 0, "int64_data": [2**63] * 13},
        {"elem_type": 0, "int64_data": [0.5] * 13},
        {"elem_type": 0, "int64_data": ["9" * 5000] * 13},
        {"elem_type": 2, "int_data": [2**31] * 13},
        {"elem_type": 7, "uint32_data": [-1] * 13},
        {"elem_type": 9, "bool_data": ["yes"] * 13},
        {"elem_type": 12, "str_data": [1]},
        {"elem_type": 12, "str_data": "text"},
        {"lod": [0, 1, 1]},
        {"lod": [2**31, 0]},
        {"lod": ["a", "b"]},
        {"lod": {"a": 1}},
        {"lod": [0.5, 1]},
        {"lod": [0, True]},
        {"float_data": [True, *X[1:]]},
        {"float_data": ["1_0", *X[1:]]},
        {"float_data": ["\uff11", *X[1:]]},
        {"float_data": ["infinity", *X[1:]]},
        {"float_data": ["NaN", 1e39, *X[2:]]},
        {"elem_type": 0, "int64_data": [True] * 13},
        {"elem_type": 0, "int64_data": ["1_0"] * 13},
    ],
    ids=lambda changes: repr(changes)[:60],
)
def test_a_tensor_that_lies_is_400(target: "Target", changes: dict[str, object]) -> None:
    assert_refused(target.post(tensor(**changes)), 400)


def test_special_numbers_are_computed_with_and_do_no_harm(target: "Target") -> None:
    for special in ("NaN", "Infinity", "-Infinity"):
        reply = target.post(tensor(float_data=[special, *X[1:]]))
        (value,) = reply.json()["value"]
        assert reply.status == 200
        assert not math.isfinite(float(value.strip("[]")))
    for huge in (3.4e38, -3.4e38, 1e-45, -0.0):
        assert target.post(tensor(float_data=[huge] * 13)).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"key": ["k"] * 1025, "value": ["v"] * 1025}).encode(), 400),
        (json.dumps({"key": [], "value": ["v"] * 500_000}).encode(), 400),
        (json.dumps({"tensors": [FLOATS] * 257}).encode(), 400),
        (json.dumps({"tensors": [{}] * 500_000}).encode(), 400),
        (GOOD + b" " * (MAX_BODY + 1 - len(GOOD)), 413),
        (b"x" * (MAX_BODY + 1), 413),
    ],
    ids=["keys", "values", "tensors", "many tensors", "white space", "bytes"],
)
def test_limits_of_a_request(target: "Target", body: bytes, status: int) -> None:
    assert_refused(target.post(body), status)


def test_the_largest_body_is_read(target: "Target") -> None:
    assert target.post(GOOD + b" " * (MAX_BODY - len(GOOD))).status == 200


def test_as_many_keys_as_a_request_may_have_are_read(target: "Target") -> None:
    keys = ["x", *map(str, range(1023))]
    values = [",".join(map(str, X)), *["1"] * 1023]
    reply = target.post(json.dumps({"key": keys, "value": values}).encode())
    assert reply.status == 200


def test_of_a_key_that_comes_twice_the_last_counts(target: "Target") -> None:
    good = ",".join(map(str, X))
    assert target.post(json.dumps({"key": ["x", "x"], "value": ["no price", good]}).encode()).status == 200
    assert target.post(GOOD[:-1] + b',"key":["x"]}').status == 200
    assert_refused(target.post(GOOD[:-1] + b',"key":["y"]}'), 500)


def test_a_compressed_body_is_unpacked_up_to_the_limit(target: "Target") -> None:
    large = gzip.compress(b" " * (MAX_BODY + 1))
    for encoding in ("gzip", "deflate"):
        assert_refused(target.post(large, "/svc/prediction", f"Content-Encoding: {encoding}"), 413)
    for encoding in ("br", "zstd", "gzip, gzip", "identity, gzip"):
        assert_refused(target.post(large, "/svc/prediction", f"Content-Encoding: {encoding}"), 415)
    assert_refused(target.post(GOOD, "/svc/prediction", "Content-Encoding: gzip"), 400)
    reply = target.post(gzip.compress(GOOD), "/svc/prediction", "Content-Encoding: gzip")
    assert (reply.status, reply.json()["value"]) == (200, [PRICE])


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/octet-stream", "multipart/form-data", "\xff", "a" * 9000]
)
def test_the_content_type_changes_nothing(target: "Target", kind: str) -> None:
    line = f"Content-Type: {kind}".encode("latin-1")
    head = b"POST /svc/prediction HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + line + b"\r\nContent-Length: "
    reply = target.send(head + str(len(GOOD)).encode() + b"\r\n\r\n" + GOOD)
    assert reply.status in (200, 400, 431)
    assert_tells_nothing(reply.body)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["x", "NaN", "pipeline.profile", "x.lod"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["name", "elem_type", "shape", "float_data", "int64_data", "str_data", "lod", "byte_data"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
REQUEST = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("key", "value", "tensors", "logid", "name", "method"), JSON)
)


@given(
    st.lists(
        REQUEST.map(lambda request: json.dumps(request).encode()) | st.binary(max_size=64), min_size=20, max_size=20
    )
)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_comes_is_answered(running_target: "Target", bodies: list[bytes]) -> None:
    for body in bodies:
        reply = running_target.post(body)
        assert reply.status in (200, 400, 500), (reply, body)
        assert_tells_nothing(reply.body)
    running_target.check_unhurt()
