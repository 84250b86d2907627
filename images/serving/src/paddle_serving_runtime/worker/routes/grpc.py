"""What the two gRPC protocols have in common: a message in, a message and trailers out."""

from http import HTTPStatus

from paddle_serving_runtime.protocol.codes import GrpcStatus
from paddle_serving_runtime.protocol.grpc.framing import CONTENT_TYPE, frame, status_trailers, unframe
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest

_HEADERS = ((b"content-type", CONTENT_TYPE), (b"grpc-accept-encoding", b"identity,deflate,gzip"))
_OK = status_trailers(GrpcStatus.OK)


def message_of(request: HttpRequest, limit: int) -> bytes:
    """The message of a gRPC request; raises BadRequest where it is not one, or longer than `limit` bytes."""
    encoding = request.headers.get(b"grpc-encoding", b"identity").decode("latin-1")
    return unframe(request.body, encoding, limit)


def message_reply(message: bytes) -> HttpReply:
    """The reply with a message and the status OK."""
    return HttpReply(HTTPStatus.OK, _HEADERS, frame(message), _OK)


def status_reply(status: GrpcStatus, text: str) -> HttpReply:
    """The reply of headers alone that says what went wrong."""
    return HttpReply(HTTPStatus.OK, (*_HEADERS, *status_trailers(status, text)), b"")
