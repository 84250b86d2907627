"""Refusals of the server itself, in the form that the request's protocol has for them. Pure."""

from http import HTTPStatus
from urllib.parse import quote

import orjson

from paddle_serving_runtime.protocol import ErrorCode, error_body
from paddle_serving_runtime.worker.busy import Owed
from paddle_serving_runtime.worker.http import Headers, HttpReply

_JSON = (b"content-type", b"application/json")
_GRPC = (b"content-type", b"application/grpc")
_INTERNAL = 13
_GUESS_BYTES = 1024
_GRPC_STATUS = {400: 3, 404: 5, 405: 12, 408: 4, 413: 8, 429: 8, 431: 8, 500: _INTERNAL, 503: 14, 504: 4}
"""Numbers of google.rpc.Code."""

_ERR_NO = {
    408: ErrorCode.TIMEOUT,
    429: ErrorCode.CLOSED_ERROR,
    500: ErrorCode.UNKNOWN,
    503: ErrorCode.CLOSED_ERROR,
    504: ErrorCode.TIMEOUT,
}


def protocol_of(path: str, content_type: bytes) -> Owed:
    """In which form a request is answered."""
    if content_type.startswith(b"application/grpc"):
        return Owed.GRPC
    return Owed.OPEN_INFERENCE if path == "/v2" or path.startswith("/v2/") else Owed.PIPELINE


def guess_protocol(data: bytes) -> Owed:
    """The same from the first bytes of a request, fast and nearly always right."""
    if data.startswith(b"POST /v2/"):
        return Owed.OPEN_INFERENCE
    return Owed.PIPELINE if data.find(_GRPC[1], 0, _GUESS_BYTES) < 0 else Owed.GRPC


def protocol_of_head(head: bytes) -> Owed:
    """The same for a request that nobody has parsed, from its first bytes."""
    target = head.partition(b"\r\n")[0].split(b" ")[1:2]
    content_type = head.lower().partition(b"\r\ncontent-type:")[2].lstrip()
    return protocol_of(target[0].decode("latin-1") if target else "", content_type)


def refusal(owed: Owed, status: HTTPStatus, message: str) -> HttpReply:
    """The reply: of gRPC headers alone, {"error": ...} for Open Inference, err_no and err_msg for the pipeline."""
    if owed is Owed.GRPC:
        number = b"%d" % _GRPC_STATUS.get(status, _INTERNAL)
        headers: Headers = (_GRPC, (b"grpc-status", number), (b"grpc-message", quote(message, safe=" ;,:").encode()))
        return HttpReply(HTTPStatus.OK, headers, b"")
    if owed is Owed.OPEN_INFERENCE:
        return HttpReply(status, (_JSON,), orjson.dumps({"error": message}))
    return HttpReply(status, (_JSON,), error_body(_ERR_NO.get(status, ErrorCode.RPC_PACKAGE_ERROR), message))
