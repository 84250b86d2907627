"""Whatever a worker answers, whichever protocol the request was of, as a response. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import unquote

from paddle_serving_runtime.protocol.codes import ErrorCode
from paddle_serving_runtime.protocol.grpc.framing import CONTENT_TYPE, unframe
from paddle_serving_runtime.protocol.open_inference import grpc as open_inference_grpc
from paddle_serving_runtime.protocol.open_inference import rest as open_inference_rest
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE, WORKER_GRPC_PATHS, is_open_inference
from paddle_serving_runtime.protocol.pipeline.grpc import read_message
from paddle_serving_runtime.protocol.pipeline.response import read_response
from paddle_serving_runtime.protocol.response import Response

_OK = "0"


def read_answer(path: str, status: int, headers: Mapping[str, str], body: bytes) -> Response:
    """The response in the answer to a POST of `path`; `headers` with lower-case names, trailers among them.

    A failure has an err_no, whatever its protocol. Raises BadRequest where it is no answer of the path's protocol.
    """
    response = _read(path, headers, body)
    if response.err_no or status < HTTPStatus.BAD_REQUEST:
        return response
    return replace(response, err_no=ErrorCode.UNKNOWN)


def _read(path: str, headers: Mapping[str, str], body: bytes) -> Response:
    if path in WORKER_GRPC_PATHS and headers.get("content-type", "").startswith(CONTENT_TYPE.decode()):
        return _read_grpc(path, headers, body)
    if is_open_inference(path):
        length = headers.get(open_inference_rest.HEADER_LENGTH.decode())
        return open_inference_rest.read_infer(body, length)
    return read_response(body)


def _read_grpc(path: str, headers: Mapping[str, str], body: bytes) -> Response:
    if headers.get("grpc-status", _OK) != _OK:
        return Response(ErrorCode.UNKNOWN, unquote(headers.get("grpc-message", "")))
    message = unframe(body, headers.get("grpc-encoding", "identity"), len(body))
    return read_message(message) if path == PIPELINE_INFERENCE else open_inference_grpc.read_infer(message)
