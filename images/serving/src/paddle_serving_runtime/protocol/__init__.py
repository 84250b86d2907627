"""The JSON form of Paddle Serving's pipeline protocol: bytes to tensors and values, and back. Pure.

Source of every field, code and quirk: Paddle Serving 0.9.0 (pipeline_service.proto, operator.py, error_catch.py).
"""

from paddle_serving_runtime.protocol.codes import BadRequest, ErrorCode, http_status
from paddle_serving_runtime.protocol.request import Limits, Request, parse_request
from paddle_serving_runtime.protocol.response import (
    Response,
    UnpackableValue,
    error_body,
    pack_response,
    pack_tensors,
    pack_values,
    read_response,
)

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
    "pack_tensors",
    "pack_values",
    "parse_request",
    "read_response",
]
