"""Refusals of the server itself, in the form that the request's protocol has for them. Pure."""

from http import HTTPStatus

from paddle_serving_runtime.protocol import ErrorCode, error_body
from paddle_serving_runtime.protocol.codes import grpc_status
from paddle_serving_runtime.protocol.grpc_framing import CONTENT_TYPE, status_trailers
from paddle_serving_runtime.protocol.open_inference_rest import error_json
from paddle_serving_runtime.protocol.paths import OPEN_INFERENCE_ROOT
from paddle_serving_runtime.worker.busy import Owed
from paddle_serving_runtime.worker.http import HttpReply

_JSON = (b"content-type", b"application/json")
_GUESS_BYTES = 1024
_POST_OPEN_INFERENCE = f"POST {OPEN_INFERENCE_ROOT}/".encode()
_ERR_NO = {
    408: ErrorCode.TIMEOUT,
    429: ErrorCode.CLOSED_ERROR,
    500: ErrorCode.UNKNOWN,
    503: ErrorCode.CLOSED_ERROR,
    504: ErrorCode.TIMEOUT,
}


def protocol_of(path: str, content_type: bytes) -> Owed:
    """In which form a request is answered."""
    if content_type.startswith(CONTENT_TYPE):
        return Owed.GRPC
    return Owed.OPEN_INFERENCE if f"{path}/".startswith(f"{OPEN_INFERENCE_ROOT}/") else Owed.PIPELINE


def guess_protocol(data: bytes) -> Owed:
    """The same from the first bytes of a request, fast and nearly always right."""
    if data.startswith(_POST_OPEN_INFERENCE):
        return Owed.OPEN_INFERENCE
    return Owed.PIPELINE if data.find(CONTENT_TYPE, 0, _GUESS_BYTES) < 0 else Owed.GRPC


def protocol_of_head(head: bytes) -> Owed:
    """The same for a request that nobody has parsed, from its first bytes."""
    target = head.partition(b"\r\n")[0].split(b" ")[1:2]
    content_type = head.lower().partition(b"\r\ncontent-type:")[2].lstrip()
    return protocol_of(target[0].decode("latin-1") if target else "", content_type)


def refusal(owed: Owed, status: HTTPStatus, message: str) -> HttpReply:
    """The reply: of gRPC headers alone, {"error": ...} for Open Inference, err_no and err_msg for the pipeline."""
    if owed is Owed.GRPC:
        headers = ((b"content-type", CONTENT_TYPE), *status_trailers(grpc_status(status), message))
        return HttpReply(HTTPStatus.OK, headers, b"")
    if owed is Owed.OPEN_INFERENCE:
        return HttpReply(status, (_JSON,), error_json(message))
    return HttpReply(status, (_JSON,), error_body(_ERR_NO.get(status, ErrorCode.RPC_PACKAGE_ERROR), message))
