"""What HAProxy says itself, in the form of the request's protocol: files beside haproxy.cfg. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from paddle_serving_runtime.protocol import ErrorCode, error_body
from paddle_serving_runtime.protocol.codes import grpc_status
from paddle_serving_runtime.protocol.grpc.framing import CONTENT_TYPE, status_trailers
from paddle_serving_runtime.protocol.open_inference.rest import error_json
from paddle_serving_runtime.protocol.paths import ONLY_GET, ONLY_POST, OPEN_INFERENCE_ROOT
from paddle_serving_runtime.words import counted


@dataclass(frozen=True)
class Refusal:
    """For gRPC its status is the one that says the same as the HTTP status."""

    status: HTTPStatus
    err_no: ErrorCode
    message: str


LOST = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.CLOSED_ERROR, "the worker of this request was lost; retry")
QUEUE_FULL = Refusal(HTTPStatus.TOO_MANY_REQUESTS, ErrorCode.CLOSED_ERROR, "the queue is full; retry")
POST_ONLY = Refusal(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.RPC_PACKAGE_ERROR, ONLY_POST)
GET_ONLY = Refusal(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.RPC_PACKAGE_ERROR, ONLY_GET)
UNAUTHORIZED = Refusal(
    HTTPStatus.UNAUTHORIZED, ErrorCode.RPC_PACKAGE_ERROR, "an API key is needed: Authorization: Bearer <key>"
)
LOOP = Refusal(HTTPStatus.LOOP_DETECTED, ErrorCode.CLOSED_ERROR, "this pod asks itself")
NOT_GRPC = "only gRPC is answered on this port"

LOST_STATUS = HTTPStatus.BAD_GATEWAY.value
"""What HAProxy calls a worker that died while it answered, and the supervisor one that died before."""

_OWN = {
    400: Refusal(HTTPStatus.BAD_REQUEST, ErrorCode.RPC_PACKAGE_ERROR, "not a valid HTTP request"),
    408: Refusal(HTTPStatus.REQUEST_TIMEOUT, ErrorCode.TIMEOUT, "the request took too long to arrive"),
    500: Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.UNKNOWN, "internal error"),
    # for the client that is a 503
    LOST_STATUS: LOST,
    503: Refusal(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.CLOSED_ERROR, "no worker is available; retry"),
    504: Refusal(HTTPStatus.GATEWAY_TIMEOUT, ErrorCode.TIMEOUT, "the request took longer than the time-out"),
}
"""By the status that HAProxy would send."""

OWN_STATUSES = tuple(_OWN)
BY_PATH = (400, 408, 503, 504)
"""Those of them that are said in the form of the path's protocol; the others are files, which cannot choose.

A head that HAProxy cannot parse, or that does not arrive, is answered with a page of HAProxy's own all the same.
"""


def too_long(limit: int) -> Refusal:
    """The refusal of a body past the limit."""
    return Refusal(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.RPC_PACKAGE_ERROR,
        f"the body is longer than {counted(limit, 'byte')}",
    )


def refusal_files(max_body_bytes: int) -> Mapping[str, bytes]:
    """Contents by file name.

    `<status>.http` and `grpc-<status>.http` are complete responses, `<status>.map` the bodies by the beginning of the
    path with a slash behind it: {"error": ...} for the Open Inference Protocol, a pipeline response for everything
    else.
    """
    refused = (POST_ONLY, QUEUE_FULL, UNAUTHORIZED, LOOP, too_long(max_body_bytes))
    mapped = {refusal.status.value: refusal for refusal in refused} | {
        status: _OWN[status] for status in (*BY_PATH, LOST_STATUS)
    }
    return {
        **{f"{status}.http": _http(refusal) for status, refusal in _OWN.items() if status not in BY_PATH},
        **{f"grpc-{status}.http": grpc_response(refusal) for status, refusal in _OWN.items()},
        **{f"grpc-{each.status.value}.http": grpc_response(each) for each in (QUEUE_FULL, UNAUTHORIZED)},
        **{f"{status}.map": _map(refusal) for status, refusal in mapped.items()},
    }


def grpc_response(refusal: Refusal) -> bytes:
    """A complete response of gRPC: headers alone."""
    status = status_trailers(grpc_status(refusal.status), refusal.message)
    headers = ((b"content-type", CONTENT_TYPE), *status, (b"content-length", b"0"))
    return b"HTTP/1.1 200 OK\r\n%b\r\n" % b"".join(b"%b: %b\r\n" % header for header in headers)


def _http(refusal: Refusal) -> bytes:
    body = error_body(refusal.err_no, refusal.message)
    head = (
        f"HTTP/1.1 {refusal.status.value} {refusal.status.phrase}\r\ncontent-type: application/json\r\n"
        f"cache-control: no-cache\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _map(refusal: Refusal) -> bytes:
    rest = error_json(refusal.message)
    pipeline = error_body(refusal.err_no, refusal.message)
    return b"%b/ %b\n/ %b\n" % (OPEN_INFERENCE_ROOT.encode(), rest, pipeline)
