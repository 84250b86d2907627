"""The protocols: bytes to calls, responses to bytes. Pure.

Paddle Serving's pipeline protocol in JSON and over gRPC; source of every field, code and quirk: Paddle Serving 0.9.0
(pipeline_service.proto, operator.py, error_catch.py). The Open Inference Protocol over REST and gRPC.
"""

from paddle_serving_runtime.protocol.codes import BadRequest, ErrorCode, http_status
from paddle_serving_runtime.protocol.limits import Limits
from paddle_serving_runtime.protocol.pipeline.request import Request, parse_request
from paddle_serving_runtime.protocol.pipeline.response import error_body, pack_response, read_response
from paddle_serving_runtime.protocol.response import Response, UnpackableValue

__all__ = [
    "BadRequest",
    "ErrorCode",
    "Limits",
    "Request",
    "Response",
    "UnpackableValue",
    "error_body",
    "http_status",
    "pack_response",
    "parse_request",
    "read_response",
]
