"""The gRPC port: messages, framing and HTTP/2 made to hurt."""

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest

from images.serving.tests.hostile import http2
from images.serving.tests.hostile.conftest import GOOD, MAX_BODY, X, assert_tells_nothing, received
from images.serving.tests.hostile.test_json_bodies import Payload, npy, npz
from paddle_serving_runtime.protocol.open_inference_messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline_messages import MESSAGES as PIPELINE

if TYPE_CHECKING:
    from images.serving.tests.hostile.conftest import Target

INFER = "/inference.GRPCInferenceService/ModelInfer"
REFUSALS = {grpc.StatusCode[name] for name in ("INVALID_ARGUMENT", "NOT_FOUND", "RESOURCE_EXHAUSTED", "UNIMPLEMENTED")}
GOOD_CALL = PIPELINE["Request"](key=["x"], value=[",".join(map(str, X))]).SerializeToString()
ROW = np.array([X], "float32")


def ask(target: "Target", method: str, message: bytes, compression: Any = None) -> tuple[grpc.StatusCode, str, bytes]:  # noqa: ANN401
    """Status, details and message of one call of raw bytes."""
    with grpc.insecure_channel(target.serving.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        try:
            return grpc.StatusCode.OK, "", channel.unary_unary(method)(message, timeout=60, compression=compression)
        except grpc.RpcError as error:
            return error.code(), error.details() or "", b""


def assert_refused_by_pipeline(target: "Target", message: bytes, *codes: int) -> None:
    """The pipeline protocol says what is wrong within an answer."""
    status, details, answer = ask(target, PIPELINE_INFERENCE, message)
    assert_tells_nothing(details.encode() + answer)
    if status is grpc.StatusCode.OK:
        assert PIPELINE["Response"].FromString(answer).err_no in (codes or (8000,))
    else:
        assert status in REFUSALS, (status, details)


def assert_refused_by_open_inference(target: "Target", message: bytes) -> None:
    status, details, _ = ask(target, INFER, message)
    assert status in REFUSALS, (status, details)
    assert details
    assert_tells_nothing(details.encode())


def infer(model: str = "price", raw: list[bytes] | None = None, **tensor: Any) -> bytes:  # noqa: ANN401 - fields
    fields: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [1, 13]} | tensor
    raw = [ROW.tobytes()] if raw is None else raw
    return bytes(
        OPEN_INFERENCE["ModelInferRequest"](
            model_name=model, inputs=[fields], raw_input_contents=raw
        ).SerializeToString()
    )


def test_the_calls_of_this_test_are_right_but_for_what_they_try(target: "Target") -> None:
    status, _, answer = ask(target, PIPELINE_INFERENCE, GOOD_CALL)
    assert status is grpc.StatusCode.OK
    assert PIPELINE["Response"].FromString(answer).err_no == 0
    status, _, answer = ask(target, INFER, infer())
    assert status is grpc.StatusCode.OK
    (raw,) = OPEN_INFERENCE["ModelInferResponse"].FromString(answer).raw_output_contents
    assert struct.unpack("<f", raw) == pytest.approx((18.901152,))


def test_no_pickle_is_ever_loaded(target: "Target", tmp_path: Path) -> None:
    folder = tmp_path / "executed"
    for content in (npy(folder), npz(folder)):
        for elem_type in (13, 12, 1):
            tensor = {"name": "x", "elem_type": elem_type, "byte_data": content, "shape": [1]}
            assert_refused_by_pipeline(target, PIPELINE["Request"](tensors=[tensor]).SerializeToString(), 8000, 10000)
        sized = struct.pack("<I", len(content)) + content
        for model in ("price", "svc"):
            # bytes are bytes: not a tensor of numbers, and for the Op no text that it can read
            status, details, _ = ask(target, INFER, infer(model, [sized], datatype="BYTES", shape=[1]))
            assert status is not grpc.StatusCode.OK
            assert_tells_nothing(details.encode())
    assert os.fspath(Payload(folder).folder) == str(folder)
    assert not folder.exists()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x00",
        b"\xff" * 1000,
        GOOD,
        GOOD_CALL[:-1],
        b"\x0a\xff\xff\xff\xff\x0f",
        b"\x0a\x02\xff\xfe",
        os.urandom(64),
        b"\x1b" * 100_000,
    ],
    ids=lambda message: f"{len(message)} bytes {message[:6]!r}",
)
def test_what_is_no_message_is_refused(target: "Target", message: bytes) -> None:
    assert_refused_by_pipeline(target, message, 5000, 8000, 10000)
    assert_refused_by_open_inference(target, message)


@pytest.mark.parametrize(
    "tensor",
    [
        {"elem_type": 13},
        {"elem_type": 10},
        {"elem_type": 2**31 - 1},
        {"elem_type": -1},
        {"elem_type": 1, "shape": [2**31 - 1, 2**31 - 1, 2**31 - 1]},
        {"elem_type": 1, "shape": [-1, -1], "float_data": X},
        {"elem_type": 1, "shape": [-13], "float_data": X},
        {"elem_type": 1, "shape": [1, 14], "float_data": X},
        {"elem_type": 1, "shape": [1] * 100_000, "float_data": X[:1]},
        {"elem_type": 1, "shape": [1, 13], "float64_data": X},
        {"elem_type": 8, "shape": [13], "int_data": [300] * 13},
        {"elem_type": 7, "shape": [13], "uint32_data": [2**32 - 1] * 13},
        {"elem_type": 1, "shape": [1, 13], "float_data": X, "lod": [1, 2, 3]},
        {"elem_type": 1, "shape": [1, 13], "float_data": X, "name": ""},
    ],
    ids=lambda tensor: repr(tensor)[:60],
)
def test_a_tensor_that_lies_is_refused(target: "Target", tensor: dict[str, Any]) -> None:
    assert_refused_by_pipeline(target, PIPELINE["Request"](tensors=[{"name": "x"} | tensor]).SerializeToString())


def test_limits_of_a_request(target: "Target") -> None:
    many = PIPELINE["Request"](key=["k"] * 1025, value=["v"] * 1025).SerializeToString()
    assert_refused_by_pipeline(target, many)
    assert_refused_by_pipeline(target, PIPELINE["Request"](tensors=[{"name": "x"}] * 257).SerializeToString())
    for method in (PIPELINE_INFERENCE, INFER):
        status, details, _ = ask(target, method, b"\x0a" * (MAX_BODY + 1))
        assert status is grpc.StatusCode.RESOURCE_EXHAUSTED, details


def test_a_bomb_is_not_unpacked(target: "Target") -> None:
    for compression in (grpc.Compression.Gzip, grpc.Compression.Deflate):
        for method in (PIPELINE_INFERENCE, INFER):
            status, details, _ = ask(target, method, bytes(40_000_000), compression)
            assert status in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNIMPLEMENTED), details


@pytest.mark.parametrize(
    "message",
    [
        infer("nothing"),
        infer(""),
        infer("price/../svc"),
        infer("x" * 100_000),
        infer(name="y"),
        infer(name=""),
        infer(datatype="FP64"),
        infer(datatype="BYTES"),
        infer(datatype=""),
        infer(datatype="OBJECT"),
        infer(datatype="FP32" * 10_000),
        infer(shape=[-1, 13]),
        infer(shape=[1, 14]),
        infer(shape=[2**32, 2**32]),
        infer(shape=[2**63 - 1]),
        infer(shape=[-(2**63)]),
        infer(shape=[13]),
        infer(shape=[0, 13]),
        infer(shape=[]),
        infer(shape=[1] * 10_000),
        infer(raw=[]),
        infer(raw=[b""]),
        infer(raw=[ROW.tobytes()[:-1]]),
        infer(raw=[ROW.tobytes() + b"\x00"]),
        infer(raw=[ROW.tobytes()] * 2),
        infer(raw=[b""] * 10_000),
        infer(datatype="BYTES", shape=[1], raw=[b"\xff\xff\xff\xff"]),
        infer(datatype="BYTES", shape=[2], raw=[b"\x01\x00\x00\x00a"]),
        infer(datatype="BYTES", shape=[1], raw=[b"\x01\x00\x00\x00ab"]),
        infer("svc", datatype="BYTES", shape=[2**40], raw=[b""]),
        infer(contents={"fp32_contents": X}),
        infer(raw=[], contents={"fp32_contents": X[:-1]}),
        infer(raw=[], contents={"fp64_contents": X}),
        infer(raw=[], contents={"int64_contents": [1] * 13}),
    ],
    ids=lambda message: f"{len(message)} bytes {message[-30:]!r}",
)  # fmt: skip
def test_an_inference_that_lies_is_refused(target: "Target", message: bytes) -> None:
    assert_refused_by_open_inference(target, message)


@pytest.mark.parametrize(
    "method",
    [
        "/",
        "//",
        "/a",
        "/a/b",
        f"{PIPELINE_INFERENCE}/",
        f"{PIPELINE_INFERENCE}2",
        "/inference.GRPCInferenceService/",
        "/inference.GRPCInferenceService/RepositoryModelLoad",
        "/svc/prediction",
        "/v2/models/price/infer",
        "/../../etc/passwd",
        "/" + "a" * 5000,
        "/\u623f/b",
    ],
    ids=lambda method: method[:30],
)
def test_an_unknown_method_is_unimplemented(target: "Target", method: str) -> None:
    answer = http2.exchange(target.grpc_port, http2.call(http2.head(method), b"\x00\x00\x00\x00\x00"))
    assert http2.grpc_status(answer) in (5, 12), answer
    assert_tells_nothing(answer)


FRAMED = b"\x00" + struct.pack(">I", len(GOOD_CALL)) + GOOD_CALL
CALL = http2.head(PIPELINE_INFERENCE)
ERR_NO_8000 = PIPELINE["Response"](err_no=8000).SerializeToString()
FRAMING = {
    "nothing": b"",
    "a part of a length": b"\x00\x00\x00",
    "no message": b"\x00" + struct.pack(">I", len(GOOD_CALL)),
    "a message that is shorter than it says": FRAMED[:-1],
    "a message that is longer than it says": FRAMED + b"\x00",
    "two messages": FRAMED * 2,
    "a message of 4 GiB": b"\x00\xff\xff\xff\xff" + GOOD_CALL,
    "a compressed message without a name for it": b"\x01" + FRAMED[1:],
    "an unknown flag": b"\x02" + FRAMED[1:],
    "no framing": GOOD_CALL,
}


@pytest.mark.parametrize("name", FRAMING)
def test_framing_that_lies_is_refused(target: "Target", name: str) -> None:
    answer = http2.exchange(target.grpc_port, http2.call(http2.head(INFER), FRAMING[name]))
    assert http2.grpc_status(answer) in (3, 8, 12, 13), answer
    assert_tells_nothing(answer)
    # the pipeline protocol says it within its own message
    answer = http2.exchange(target.grpc_port, http2.call(CALL, FRAMING[name]))
    assert http2.grpc_status(answer) in (3, 8, 12, 13) or ERR_NO_8000 in answer, answer
    assert_tells_nothing(answer)


def test_the_framing_of_these_tests_is_right_but_for_what_it_tries(target: "Target") -> None:
    assert http2.grpc_status(http2.exchange(target.grpc_port, http2.call(CALL, FRAMED))) == 0


@pytest.mark.parametrize(
    "block",
    [
        http2.head(PIPELINE_INFERENCE, None),
        http2.head(PIPELINE_INFERENCE, b"application/json"),
        http2.head(PIPELINE_INFERENCE, b"text/html"),
        http2.head(PIPELINE_INFERENCE, method=b"GET"),
        http2.head(PIPELINE_INFERENCE, method=b"DELETE"),
        http2.head(PIPELINE_INFERENCE, grpc_encoding=b"zip"),
        http2.head(PIPELINE_INFERENCE, grpc_encoding=b"gzip"),
        http2.head(PIPELINE_INFERENCE, grpc_timeout=b"-1S"),
        http2.head(PIPELINE_INFERENCE, grpc_timeout=b"9999999999H"),
        http2.head(PIPELINE_INFERENCE, content_length=b"1"),
        http2.head(PIPELINE_INFERENCE, transfer_encoding=b"chunked"),
        http2.head(PIPELINE_INFERENCE, connection=b"close"),
        http2.head(PIPELINE_INFERENCE, upgrade=b"h2c"),
        http2.head(PIPELINE_INFERENCE, x=b"a\r\nContent-Length: 0\r\n\r\nPOST / HTTP/1.1"),
        http2.head(PIPELINE_INFERENCE, x=b"a\x00b"),
        http2.head(PIPELINE_INFERENCE, X=b"upper"),
        http2.head(f"{PIPELINE_INFERENCE} HTTP/1.1\r\nX: y"),
        http2.literal(b":method", b"POST") * 2,
        http2.literal(b":path", b"/"),
        http2.head(PIPELINE_INFERENCE) + http2.literal(b":status", b"200"),
        http2.head(PIPELINE_INFERENCE) + http2.literal(b"cookie", b"a=b") * 500,
        b"\x80",
        b"\xff\xff\xff\xff\xff\xff",
        b"\x3f\xff\xff\xff\x7f",
    ],
    ids=lambda block: repr(block[-40:]),
)
def test_headers_that_lie_do_no_harm(target: "Target", block: bytes) -> None:
    answer = http2.exchange(target.grpc_port, http2.call(block, FRAMED))
    assert_tells_nothing(answer)


def open_streams(count: int, *more: bytes) -> bytes:
    """Requests whose bodies never come."""
    streams = range(1, 2 * count, 2)
    return b"".join(http2.frame(http2.HEADERS, http2.END_HEADERS, stream, CALL) for stream in streams) + b"".join(more)


def resets(count: int) -> bytes:
    """Requests that are taken back at once."""
    cancel = struct.pack(">I", 8)
    return b"".join(
        http2.frame(http2.HEADERS, http2.END_HEADERS, stream, CALL) + http2.frame(http2.RST_STREAM, 0, stream, cancel)
        for stream in range(1, 2 * count, 2)
    )


BEGUN = http2.frame(http2.HEADERS, 0, 1, CALL)
FLOODS = {
    "CONTINUATION": BEGUN + http2.frame(http2.CONTINUATION, 0, 1, http2.literal(b"a", b"b" * 1000)) * 20_000,
    "empty CONTINUATION": BEGUN + http2.frame(http2.CONTINUATION, 0, 1) * 100_000,
    "rapid reset": resets(10_000),
    "streams": open_streams(2_000),
    "PING": http2.frame(http2.PING, 0, 0, bytes(8)) * 50_000,
    "SETTINGS": http2.frame(http2.SETTINGS, 0, 0) * 50_000,
    "PRIORITY": b"".join(http2.frame(http2.PRIORITY, 0, stream, bytes(5)) for stream in range(1, 50_001, 2)),
    "WINDOW_UPDATE": http2.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * 100,
    "empty DATA": open_streams(1, http2.frame(http2.DATA, 0, 1) * 50_000),
    "a frame of 16 MB": http2.frame(http2.DATA, 0, 1, b"", length=2**24 - 1) + bytes(100_000),
    "PUSH_PROMISE": http2.frame(http2.PUSH_PROMISE, http2.END_HEADERS, 1, struct.pack(">I", 2) + CALL),
    "DATA without a stream": http2.frame(http2.DATA, 0, 7, FRAMED),
    "an even stream": http2.frame(http2.HEADERS, http2.END_HEADERS, 2, CALL),
    "no window": http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 4, 0)) + http2.call(CALL, FRAMED),
    "a window past its limit": http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 4, 2**32 - 1)),
    "unknown frames": http2.frame(0xEE, 0xFF, 1, os.urandom(100)) * 1000,
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_of_frames_is_survived(target: "Target", name: str) -> None:
    with socket.create_connection(("127.0.0.1", target.grpc_port), timeout=60) as connection:
        connection.settimeout(2)
        # it may be refused before it is over
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0) + FLOODS[name])
        # others are answered while the connection is open, whatever has become of it
        assert http2.grpc_status(http2.exchange(target.grpc_port, http2.call(CALL, FRAMED))) == 0
    status, _, _ = ask(target, PIPELINE_INFERENCE, GOOD_CALL)
    assert status is grpc.StatusCode.OK


@pytest.mark.parametrize(
    "data",
    [
        b"POST /svc/prediction HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET / HTTP/1.0\r\n\r\n",
        http2.PREFACE[:10],
        http2.PREFACE + b"GET / HTTP/1.1\r\n\r\n",
        http2.PREFACE.replace(b"SM", b"XX"),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        bytes(1000),
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_not_http_2_is_closed(target: "Target", data: bytes) -> None:
    with target.connect(target.grpc_port) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        assert_tells_nothing(received(connection))
