"""The gRPC port: framing, headers and frames of HTTP/2 made to hurt."""

import os
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING

import grpc
import pytest

from images.serving.tests.process.hostile import http2
from images.serving.tests.process.hostile.conftest import assert_tells_nothing, received
from images.serving.tests.process.hostile.grpc_calls import GOOD_CALL, INFER, ask
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES as PIPELINE

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

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
        http2.head(PIPELINE_INFERENCE, x=b"a\r\nb: c"),
        http2.head(PIPELINE_INFERENCE, x=b"a\x00b"),
        http2.head(PIPELINE_INFERENCE, X=b"upper"),
        http2.head(f"{PIPELINE_INFERENCE}\r\nb: c"),
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
UNUSUAL = {
    "CONTINUATION": BEGUN + http2.frame(http2.CONTINUATION, 0, 1, http2.literal(b"a", b"b" * 1000)) * 100,
    "empty CONTINUATION": BEGUN + http2.frame(http2.CONTINUATION, 0, 1) * 100,
    "calls taken back": resets(100),
    "streams": open_streams(200),
    "PING": http2.frame(http2.PING, 0, 0, bytes(8)) * 200,
    "SETTINGS": http2.frame(http2.SETTINGS, 0, 0) * 200,
    "PRIORITY": b"".join(http2.frame(http2.PRIORITY, 0, stream, bytes(5)) for stream in range(1, 401, 2)),
    "WINDOW_UPDATE": http2.frame(http2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * 100,
    "empty DATA": open_streams(1, http2.frame(http2.DATA, 0, 1) * 200),
    "a frame of 16 MB": http2.frame(http2.DATA, 0, 1, b"", length=2**24 - 1) + bytes(100_000),
    "PUSH_PROMISE": http2.frame(http2.PUSH_PROMISE, http2.END_HEADERS, 1, struct.pack(">I", 2) + CALL),
    "DATA without a stream": http2.frame(http2.DATA, 0, 7, FRAMED),
    "an even stream": http2.frame(http2.HEADERS, http2.END_HEADERS, 2, CALL),
    "no window": http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 4, 0)) + http2.call(CALL, FRAMED),
    "a window past its limit": http2.frame(http2.SETTINGS, 0, 0, struct.pack(">HI", 4, 2**32 - 1)),
    "unknown frames": http2.frame(0xEE, 0xFF, 1, os.urandom(100)) * 100,
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_frames_that_no_client_sends_cost_the_others_nothing(target: "Target", name: str) -> None:
    with socket.create_connection(("127.0.0.1", target.grpc_port), timeout=60) as connection:
        connection.settimeout(2)
        # it may be refused before it is over
        with suppress(ConnectionError, TimeoutError):
            connection.sendall(http2.PREFACE + http2.frame(http2.SETTINGS, 0, 0) + UNUSUAL[name])
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
