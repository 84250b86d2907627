"""Open Inference over REST: requests in JSON and with binary tensors, made to hurt."""

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from images.serving.tests.object_loaders import CONTENTS
from images.serving.tests.process.hostile.conftest import MAX_BODY, NOT_HTTP, Reply, assert_tells_nothing
from images.serving.tests.services import ROW as X

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

INFER = "/v2/models/price/infer"
ROW = np.array([X], "float32").tobytes()
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 13], "data": X}
BINARY = {"name": "x", "datatype": "FP32", "shape": [1, 13], "parameters": {"binary_data_size": len(ROW)}}


def body(**changes: Any) -> bytes:  # noqa: ANN401 - whatever JSON can say
    return json.dumps({"inputs": [TENSOR | changes]}).encode()


def binary(target: "Target", head: object, blob: bytes, length: object = None, path: str = INFER) -> Reply:
    """A request with binary tensors; `length` is what it says of its JSON part, the truth where it is None."""
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    said = len(text) if length is None else length
    return target.post(text + blob, path, f"Inference-Header-Content-Length: {said}")


def assert_refused(reply: Reply, *statuses: int) -> None:
    """A clear refusal in the form of the protocol."""
    assert reply.status in statuses, reply
    assert_tells_nothing(reply.body)
    if reply.body != NOT_HTTP:
        message = reply.json()
        assert list(message) == ["error"]
        assert message["error"]


def test_the_requests_of_this_test_are_right_but_for_what_they_try(target: "Target") -> None:
    for reply in (target.post(body(), INFER), binary(target, {"inputs": [BINARY]}, ROW)):
        assert reply.status == 200, reply
    assert json.loads(target.post(body(), INFER).body)["outputs"][0]["data"] == pytest.approx([18.901152])


def test_opaque_bytes_are_never_read_as_objects(target: "Target") -> None:
    before = target.loaded()
    for content in CONTENTS:
        sized = struct.pack("<I", len(content)) + content
        for model in ("price", "svc"):
            size = {"binary_data_size": len(sized)}
            tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "parameters": size}
            # bytes are bytes: no tensor of numbers, and for the Op no text that it can read
            reply = binary(target, {"inputs": [tensor]}, sized, path=f"/v2/models/{model}/infer")
            assert_refused(reply, 400, 500)
        assert_refused(target.post(content, INFER), 400)
    assert target.loaded() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"inputs":null}',
        b'{"inputs":{}}',
        b'{"inputs":[]}',
        b'{"inputs":[null]}',
        b'{"inputs":[1]}',
        b'{"inputs":[[]]}',
        b'{"inputs":[{}]}',
        b'{"inputs":' + b"[" * 2000,
        b'{"inputs":' + b'{"inputs":' * 2000,
        body(name=None),
        body(name=["x"]),
        body(name="y"),
        body(name="x" * 100_000),
        body(datatype=None),
        body(datatype="FP64"),
        body(datatype="BYTES"),
        body(datatype="OBJECT"),
        body(datatype="fp32"),
        body(datatype=1),
        body(datatype=["FP32"]),
        body(shape=None),
        body(shape=13),
        body(shape=[]),
        body(shape=[13]),
        body(shape=[1, 14]),
        body(shape=[-1, 13]),
        body(shape=[0, 13]),
        body(shape=["1", "13"]),
        body(shape=[1.0, 13.0]),
        body(shape=[True, 13]),
        body(shape=[2**64, 13]),
        body(shape=[2**32, 2**32 + 13]),
        body(shape=[10**100]),
        body(shape=[1] * 100_000),
        body(data=None),
        body(data="1,2"),
        body(data={}),
        body(data=[]),
        body(data=X[:-1]),
        body(data=[*X, 1]),
        body(data=[X, X]),
        body(data=[*X[:-1], None]),
        body(data=[*X[:-1], "1.5"]),
        body(data=[*X[:-1], {}]),
        body(data=[*X[:-1], [1]]),
        body(data=[*X[:-1], 1e39]),
        body(data=[*X[:-1], 10**400]),
        body(data=[*X[:-1], True]),
        body(data=[*X[:-2], "NaN", 1e39]),
        b'{"inputs":[' + json.dumps(TENSOR).encode()[:-2] + b",NaN,1e400]}]}",
        b'{"inputs":[' + json.dumps(TENSOR).encode()[:-2] + b",NaN]}]}",
        json.dumps({"inputs": [TENSOR, TENSOR]}).encode(),
        json.dumps({"inputs": [TENSOR] * 1000}).encode(),
        json.dumps({"inputs": [TENSOR], "outputs": [{"name": "nothing"}]}).encode(),
        json.dumps({"inputs": [TENSOR], "outputs": {}}).encode(),
        json.dumps({"inputs": [TENSOR], "outputs": [1]}).encode(),
    ],
    ids=lambda content: f"{len(content)} bytes {content[:60]!r}",
)
def test_what_is_no_request_is_400(target: "Target", content: bytes) -> None:
    assert_refused(target.post(content, INFER), 400)


HEAD = json.dumps({"inputs": [BINARY]}).encode()


def sized(*sizes: object) -> dict[str, Any]:
    return {"inputs": [BINARY | {"parameters": {"binary_data_size": size}} for size in sizes]}


@pytest.mark.parametrize(
    ("head", "blob", "length"),
    [
        (HEAD, ROW, 0),
        (HEAD, ROW, 1),
        (HEAD, ROW, len(HEAD) - 1),
        (HEAD, ROW, len(HEAD) + 1),
        (HEAD, ROW, len(HEAD) + len(ROW)),
        (HEAD, ROW, len(HEAD) + len(ROW) + 1),
        (HEAD, ROW, 2**31),
        (HEAD, ROW, 2**64 + len(HEAD)),
        (HEAD, ROW, -1),
        (HEAD, ROW, f"+{len(HEAD)}"),
        (HEAD, ROW, f"0x{len(HEAD):x}"),
        (HEAD, ROW, "9" * 5000),
        (HEAD, ROW, "1_0"),
        (HEAD, ROW, "text"),
        (HEAD, ROW, f"{len(HEAD)}, {len(HEAD)}"),
        (HEAD, b"", None),
        (HEAD, ROW[:-1], None),
        (HEAD, ROW + b"\x00", None),
        (HEAD, ROW * 100, None),
        (sized(0), ROW, None),
        (sized(-52), ROW, None),
        (sized(51), ROW, None),
        (sized(53), ROW, None),
        (sized(2**31), ROW, None),
        (sized(2**64), ROW, None),
        (sized(52.0), ROW, None),
        (sized("52"), ROW, None),
        (sized([True]), ROW, None),
        (sized(None), ROW, None),
        (sized([52]), ROW, None),
        (sized(52, 52), ROW, None),
        (sized(52, -52), ROW, None),
        ({"inputs": [BINARY | {"data": X}]}, ROW, None),
        ({"inputs": [TENSOR]}, ROW, None),
        ({"inputs": [BINARY | {"shape": [2, 13]}]}, ROW, None),
        ({"inputs": [BINARY | {"shape": [2**32, 2**32]}]}, ROW, None),
        ({"inputs": [BINARY | {"datatype": "FP64"}]}, ROW, None),
        ({"inputs": [BINARY | {"datatype": "BYTES", "shape": [1]}]}, struct.pack("<I", 2**32 - 1) + ROW[4:], None),
        ({"inputs": [BINARY | {"datatype": "BYTES", "shape": [13]}]}, bytes(52), None),
        ({"inputs": [BINARY | {"datatype": "BYTES", "shape": [2**40]}]}, bytes(52), None),
        ({"inputs": [BINARY | {"parameters": 7}]}, ROW, None),
    ],
    ids=lambda value: repr(value)[-50:],
)
def test_binary_tensors_that_lie_are_400(target: "Target", head: object, blob: bytes, length: object) -> None:
    assert_refused(binary(target, head, blob, length), 400)


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/v2/models/nothing/infer", (404,)),
        ("/v2/models//infer", (404,)),
        ("/v2/models/price/versions/2/infer", (404,)),
        ("/v2/models/price/versions//infer", (200, 404)),
        ("/v2/models/price/versions/1/infer/more", (404,)),
        ("/v2/models/price/generate", (404,)),
        ("/v2/models/../models/price/infer", (404,)),
        ("/v2/models/price%2finfer", (200, 404)),
        ("/v2/models/%2e%2e/infer", (404,)),
        ("/v2/models/price%00/infer", (404,)),
        ("/v2/repository/models/price/load", (404,)),
        ("/v2/repository/none/index", (400,)),
        ("/v2/systemsharedmemory/region/x/register", (404,)),
        ("/v2/logging", (404,)),
        ("/v2/models/" + "a" * 20_000 + "/infer", (404, 414)),
        ("/v2/" + "a/" * 20_000, (404, 414)),
        ("/v2", (404, 405)),
        ("/v2/health/ready", (404, 405)),
        ("/v2evil/models/price/infer", (404,)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_paths_that_are_none(target: "Target", path: str, statuses: tuple[int, ...]) -> None:
    reply = target.post(body(), path)
    assert reply.status in statuses, reply
    assert_tells_nothing(reply.body)


def test_a_control_path_does_not_reach_a_worker_and_takes_no_body(target: "Target") -> None:
    lines = "Host: x\r\nConnection: close\r\n"
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/price", "/v2/models/price/ready"):
        assert target.send(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()).status == 200
        long = f"GET {path} HTTP/1.1\r\n{lines}Content-Length: {MAX_BODY * 4}\r\n\r\n".encode()
        reply = target.send(long + bytes(1000), end=True)
        # no reply, which is 0, where the front saw the end of the unfinished body before the answer
        assert reply.status in (0, 200, 400, 408, 413)
        assert_tells_nothing(reply.body)
    for path in ("/v2/models/nothing", "/v2/models/../x", "/v2/models/" + "a" * 20_000, "/v2/models/%00", "/v2/\x7f"):
        reply = target.send(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))
        assert_refused(reply, 400, 404, 414)


def test_a_body_past_the_limit_is_413(target: "Target") -> None:
    assert_refused(target.post(bytes(MAX_BODY + 1), INFER), 413)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8) | st.just("FP32"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
FUZZED_TENSOR = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("name", "datatype", "shape", "data", "parameters"), JSON)
)
ALMOST = FUZZED_TENSOR.map(lambda changes: TENSOR | changes)


@given(st.lists(st.lists(ALMOST | FUZZED_TENSOR, max_size=2), min_size=20, max_size=20), st.binary(max_size=60))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_comes_is_answered(running_target: "Target", requests: list[list[Any]], blob: bytes) -> None:
    for inputs in requests:
        reply = (
            binary(running_target, {"inputs": inputs}, blob)
            if blob
            else running_target.post(json.dumps({"inputs": inputs}).encode(), INFER)
        )
        assert reply.status in (200, 400), (reply, inputs)
        assert_tells_nothing(reply.body)
    running_target.check_unhurt()
