import contextlib
import gzip
import zlib
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.protocol import BadRequest
from paddle_serving_runtime.protocol.codes import GrpcStatus
from paddle_serving_runtime.protocol.grpc.framing import frame, status_trailers, unframe


def framed(flag: int, message: bytes, length: int | None = None) -> bytes:
    return bytes([flag]) + (len(message) if length is None else length).to_bytes(4, "big") + message


@given(st.binary(max_size=100))
def test_a_framed_message_is_read_back(message: bytes) -> None:
    assert unframe(frame(message), "identity", 100) == message


@pytest.mark.parametrize(("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_compressed_message_is_read(encoding: str, compress: "type[bytes]") -> None:
    assert unframe(framed(1, compress(b"x" * 100)), encoding, 100) == b"x" * 100


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"", "identity", 400),
        (b"\0\0\0\0", "identity", 400),
        (framed(0, b"abc", 4), "identity", 400),
        (framed(0, b"abc", 2), "identity", 400),
        (framed(0, b"abc") + framed(0, b"abc"), "identity", 400),
        (framed(2, b"abc"), "identity", 400),
        (framed(1, b"abc"), "identity", 400),
        (framed(1, b"abc"), "gzip", 400),
        (framed(1, gzip.compress(b"abc", mtime=0)[:-3]), "gzip", 400),
        (framed(1, gzip.compress(b"abc", mtime=0) * 2), "gzip", 400),
        (framed(1, b"abc"), "snappy", 415),
        (framed(0, b"x" * 101), "identity", 413),
        (framed(0, b"", 2**32 - 1), "identity", 413),
        (framed(1, gzip.compress(b"\0" * 40_000, mtime=0)), "gzip", 413),
    ],
)
def test_what_is_not_one_message_within_the_limit_is_refused(body: bytes, encoding: str, status: int) -> None:
    limit = 20_000 if status == 413 and body[0] == 1 else 100
    with pytest.raises(BadRequest) as failure:
        unframe(body, encoding, limit)
    assert failure.value.status == status


@given(st.binary(max_size=40), st.sampled_from(["identity", "gzip", "deflate", "x"]))
def test_no_body_whatever_does_anything_but_parse_or_be_refused(body: bytes, encoding: str) -> None:
    with contextlib.suppress(BadRequest):
        assert len(unframe(body, encoding, 30)) <= 30


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=1024))
def test_a_status_message_is_printable_ascii_and_read_back(text: str) -> None:
    status, message = status_trailers(GrpcStatus.INTERNAL, text)
    assert status == (b"grpc-status", b"13")
    assert message[0] == b"grpc-message"
    assert all(0x20 <= byte < 0x7F for byte in message[1])
    assert unquote(message[1].decode()) == text


def test_success_has_no_message_and_long_or_broken_text_is_sent_as_far_as_it_can() -> None:
    assert status_trailers(GrpcStatus.OK) == ((b"grpc-status", b"0"),)
    assert len(status_trailers(GrpcStatus.INTERNAL, "x" * 5000)[1][1]) == 1024
    assert status_trailers(GrpcStatus.INTERNAL, "\ud800")[1][1] == b"?"
