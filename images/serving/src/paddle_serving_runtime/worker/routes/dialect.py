"""What the handler needs of a protocol."""

from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple, Protocol

from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.grpc.compression import http_content
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest


class Failure(NamedTuple):
    """Why there is no answer, in words for the client: no paths, no traces."""

    status: HTTPStatus
    err_no: int
    message: str


class Accepted(NamedTuple):
    """A request that was understood: what to compute, and how its result is written.

    `write` raises UnpackableValue for what the protocol cannot carry, BadRequest for an output that there is not.
    """

    call: Call
    write: Callable[[Response], HttpReply]


class Dialect(Protocol):
    """One protocol over HTTP: pure."""

    def accept(self, request: HttpRequest) -> Accepted:
        """The call in a request; raises BadRequest."""

    def refuse(self, failure: Failure) -> HttpReply:
        """The reply that says what went wrong."""


def content_of(request: HttpRequest, limit: int) -> bytes | bytearray:
    """The body of a request, decompressed as its Content-Encoding says. Raises BadRequest, past `limit` bytes too."""
    encoding = request.headers.get(b"content-encoding")
    return request.body if encoding is None else http_content(request.body, encoding, limit)


def json_reply(status: int, body: bytes) -> HttpReply:
    """A reply with a JSON body."""
    return HttpReply(status, ((b"content-type", b"application/json"),), body)
