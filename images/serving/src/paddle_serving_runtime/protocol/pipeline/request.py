from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson
from numpy.typing import NDArray

from paddle_serving_runtime.protocol import json_body
from paddle_serving_runtime.protocol.codes import BadRequest
from paddle_serving_runtime.protocol.limits import Limits
from paddle_serving_runtime.protocol.numbers import integer_of
from paddle_serving_runtime.protocol.pipeline.tensors import NUMBER_FIELDS, unpack_tensor
from paddle_serving_runtime.words import counted

PROFILE_KEY = "pipeline.profile"
"""A client that sends this key gets internal timings from Paddle Serving; here it is dropped."""

_CAMEL_CASE = {
    "elemType": "elem_type",
    "int64Data": "int64_data",
    "floatData": "float_data",
    "intData": "int_data",
    "float64Data": "float64_data",
    "uint32Data": "uint32_data",
    "boolData": "bool_data",
    "strData": "str_data",
    "byteData": "byte_data",
}


_NUMBERS = NUMBER_FIELDS | {name for name, field in _CAMEL_CASE.items() if field in NUMBER_FIELDS}


class Request(NamedTuple):
    """One request: `inputs` as Paddle Serving's RequestOp hands them to the first Ops, text by key, arrays by name."""

    inputs: dict[str, str | NDArray[Any]]
    log_id: int


def parse_request(body: bytes | bytearray, limits: Limits) -> Request:
    """The request in an HTTP body.

    Raises BadRequest (400, or 413 past `limits.body_bytes`) for anything that is not a Request message of
    pipeline_service.proto in JSON, or is past a limit. Fields that the message does not have are ignored, as by
    Paddle Serving's gateway.
    """
    if len(body) > limits.body_bytes:
        raise BadRequest(
            f"the body is longer than {counted(limits.body_bytes, 'byte')}", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        )
    try:
        message = json_body.loads(body, _NUMBERS)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    if not isinstance(message, dict):
        raise BadRequest("the body must be a JSON object with key and value, or tensors")
    inputs: dict[str, str | NDArray[Any]] = dict(_pairs(message, limits))
    tensors = _list(message, "tensors", limits.tensors)
    for tensor in tensors:
        inputs.update(unpack_tensor(_with_proto_names(tensor)))
    inputs.pop(PROFILE_KEY, None)
    return Request(inputs, _log_id(message.get("logid")))


def _pairs(message: Mapping[str, object], limits: Limits) -> Mapping[str, str]:
    if "key" not in message and "value" not in message:
        return {}
    keys = _list(message, "key", limits.keys)
    values = _list(message, "value", limits.keys)
    texts = [text for text in (*keys, *values) if isinstance(text, str)]
    if len(texts) != len(keys) + len(values):
        raise BadRequest("key and value must be lists of strings")
    return paired(texts[: len(keys)], texts[len(keys) :])


def paired(keys: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """Text by key; values past the last key are ignored, as by Paddle Serving. Raises BadRequest for fewer values."""
    if len(values) < len(keys):
        raise BadRequest(f"{counted(len(keys), 'key')} but {counted(len(values), 'value')}")
    return dict(zip(keys, values, strict=False))


def _list(message: Mapping[str, object], field: str, limit: int) -> list[object]:
    content = message.get(field)
    if content is None:
        return []
    if not isinstance(content, list):
        raise BadRequest(f"{field} must be a list")
    if len(content) > limit:
        raise BadRequest(f"{field} has {counted(len(content), 'element')}, at most {limit} are accepted")
    return content


def _with_proto_names(tensor: object) -> object:
    """The tensor with the names of the .proto: what writes protobuf messages as JSON uses camel case by default."""
    if isinstance(tensor, dict) and not _CAMEL_CASE.keys().isdisjoint(tensor):
        return {_CAMEL_CASE.get(name, name): value for name, value in tensor.items()}
    return tensor


def _log_id(value: object) -> int:
    if value is None:
        return 0
    number = integer_of(value) if isinstance(value, str) else value
    if type(number) is not int or not -(2**63) <= number < 2**63:
        raise BadRequest("logid must be a 64-bit integer")
    return number
