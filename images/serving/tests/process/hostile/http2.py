"""HTTP/2 by hand, to send what no client library would. RFC 9113 for the frames, RFC 7541 for the headers."""

import re
import socket
import struct
import time
from contextlib import suppress

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SECONDS = 60.0


def frame(kind: int, flags: int, stream: int, payload: bytes = b"", *, length: int | None = None) -> bytes:
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header as literals, in no table."""
    return b"\x00" + _sized(name) + _sized(value)


def _sized(text: bytes) -> bytes:
    if len(text) < 127:
        return bytes([len(text)]) + text
    rest, encoded = len(text) - 127, b"\x7f"
    while rest >= 128:
        encoded += bytes([rest % 128 + 128])
        rest //= 128
    return encoded + bytes([rest]) + text


def head(path: str, content_type: bytes | None = b"application/grpc", method: bytes = b"POST", **more: bytes) -> bytes:
    fields = [(b":method", method), (b":scheme", b"http"), (b":path", path.encode()), (b":authority", b"x")]
    if content_type is not None:
        fields.append((b"content-type", content_type))
    fields.append((b"te", b"trailers"))
    fields += [(name.replace("_", "-").encode(), value) for name, value in more.items()]
    return b"".join(literal(*field) for field in fields)


def call(head_block: bytes, body: bytes, stream: int = 1) -> bytes:
    """The frames of a request; a long body comes in several."""
    pieces = [body[start : start + 16384] for start in range(0, len(body), 16384)] or [b""]
    frames = [frame(DATA, 0, stream, piece) for piece in pieces[:-1]] + [frame(DATA, END_STREAM, stream, pieces[-1])]
    return frame(HEADERS, END_HEADERS, stream, head_block) + b"".join(frames)


def exchange(port: int, data: bytes, *, preface: bytes = PREFACE + frame(SETTINGS, 0, 0)) -> bytes:
    """All that comes back until a stream ends or the connection does; fails when neither happens in time."""
    received, deadline = b"", time.monotonic() + SECONDS
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        with suppress(ConnectionError):
            connection.sendall(preface + data)
        while time.monotonic() < deadline:
            try:
                chunk = connection.recv(1 << 20)
            except ConnectionError:
                return received
            if not chunk:
                return received
            received += chunk
            if _ended(received):
                return received
    raise AssertionError(f"neither an answer nor an end within {SECONDS:g} s: {received[:500]!r}")


def _ended(received: bytes) -> bool:
    position = 0
    while position + 9 <= len(received):
        length, kind, flags = (
            int.from_bytes(received[position : position + 3]),
            received[position + 3],
            received[position + 4],
        )
        if kind in (RST_STREAM, GOAWAY) or (kind in (DATA, HEADERS) and flags & END_STREAM):
            return True
        position += 9 + length
    return False


def grpc_status(received: bytes) -> int | None:
    """The grpc-status among the headers, which HAProxy sends as they are."""
    found = re.search(rb"grpc-status.(\d+)", received, re.DOTALL)
    return int(found.group(1)) if found else None
