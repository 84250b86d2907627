"""Refusals of the server itself, in the form that the request's protocol has for them. Pure."""

from enum import Enum, auto
from http import HTTPStatus

from paddle_serving_runtime.protocol import ErrorCode, error_body
from paddle_serving_runtime.protocol.codes import grpc_status
from paddle_serving_runtime.protocol.grpc.framing import CONTENT_TYPE, status_trailers
from paddle_serving_runtime.protocol.open_inference.rest import error_json
from paddle_serving_runtime.protocol.paths import is_open_inference
from paddle_serving_runtime.worker.http import HttpReply

_JSON = (b"content-type", b"application/json")
_ERR_NO = {
    408: ErrorCode.TIMEOUT,
    429: ErrorCode.CLOSED_ERROR,
    500: ErrorCode.UNKNOWN,
    503: ErrorCode.CLOSED_ERROR,
    504: ErrorCode.TIMEOUT,
}


class Form(Enum):
    """What a refusal looks like, which depends on the protocol of the request."""

    PIPELINE = auto()
    OPEN_INFERENCE = auto()
    GRPC = auto()


def form_of(path: str, content_type: bytes) -> Form:
    """In which form a request is refused."""
    if content_type.startswith(CONTENT_TYPE):
        return Form.GRPC
    return Form.OPEN_INFERENCE if is_open_inference(path) else Form.PIPELINE


def refusal(form: Form, status: HTTPStatus, message: str) -> HttpReply:
    """The reply: of gRPC headers alone, {"error": ...} for Open Inference, err_no and err_msg for the pipeline."""
    if form is Form.GRPC:
        headers = ((b"content-type", CONTENT_TYPE), *status_trailers(grpc_status(status), message))
        return HttpReply(HTTPStatus.OK, headers, b"")
    if form is Form.OPEN_INFERENCE:
        return HttpReply(status, (_JSON,), error_json(message))
    return HttpReply(status, (_JSON,), error_body(_ERR_NO.get(status, ErrorCode.RPC_PACKAGE_ERROR), message))
