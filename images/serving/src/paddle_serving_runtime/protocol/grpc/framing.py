"""gRPC over HTTP as bytes: the frame of a message, and the status.

Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md of grpc/grpc): a compressed flag, four bytes of length, the message.
"""

import struct
from http import HTTPStatus
from urllib.parse import quote

from paddle_serving_runtime.protocol.codes import BadRequest, GrpcStatus
from paddle_serving_runtime.protocol.grpc.compression import decompress
from paddle_serving_runtime.protocol.response import sendable_message
from paddle_serving_runtime.words import counted

CONTENT_TYPE = b"application/grpc"
_PREFIX = struct.Struct(">BI")
_IDENTITY = "identity"
# grpc-message is percent-encoded but for printable ASCII without the percent sign
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")

Trailers = tuple[tuple[bytes, bytes], ...]


def unframe(body: bytes | bytearray, encoding: str, limit: int) -> bytes:
    """The message in the body of a unary request; `encoding` is its grpc-encoding, identity where there is none.

    Raises BadRequest: 413 past `limit` bytes of message, 415 for an unknown encoding, 400 where the body is not
    exactly one message.
    """
    if len(body) < _PREFIX.size:
        raise BadRequest("the request has no complete gRPC message")
    compressed, length = _PREFIX.unpack_from(body)
    if length > limit:
        raise BadRequest(
            f"the message is longer than {counted(limit, 'byte')}", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        )
    if length != len(body) - _PREFIX.size:
        found = len(body) - _PREFIX.size
        raise BadRequest(f"the frame promises a message of {counted(length, 'byte')}, but has {counted(found, 'byte')}")
    if compressed not in (0, 1):
        raise BadRequest("the compressed flag of the gRPC message is neither 0 nor 1")
    if not compressed:
        return bytes(memoryview(body)[_PREFIX.size :])
    if encoding == _IDENTITY:
        raise BadRequest("the gRPC message is marked as compressed, but grpc-encoding does not say how")
    return decompress(memoryview(body)[_PREFIX.size :], encoding, limit)


def frame(message: bytes) -> bytes:
    """The body of a unary response."""
    return _PREFIX.pack(0, len(message)) + message


def status_trailers(status: GrpcStatus, message: str = "") -> Trailers:
    """grpc-status, and grpc-message where there is one; it is cut at 1024 characters. Never raises."""
    code = (b"grpc-status", b"%d" % status)
    if not message:
        return (code,)
    return code, (b"grpc-message", quote(sendable_message(message), safe=_PRINTABLE).encode())
