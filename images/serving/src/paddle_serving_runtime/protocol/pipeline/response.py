from collections.abc import Mapping
from typing import Any

import orjson
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.codes import BadRequest
from paddle_serving_runtime.protocol.pipeline.tensors import pack_tensor, unpack_tensor
from paddle_serving_runtime.protocol.response import Response, UnpackableValue, sendable_message
from paddle_serving_runtime.words import counted


def pack_response(values: Mapping[str, str], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The response body with these values and tensors. Raises UnpackableValue for a type without code."""
    try:
        packed = [pack_tensor(name, tensor) for name, tensor in tensors.items()]
        return _body(0, "", list(values.keys()), list(values.values()), packed)
    except ValueError as error:
        raise UnpackableValue(str(error)) from None
    except orjson.JSONEncodeError:
        raise UnpackableValue("an output holds text that is not valid Unicode") from None


def error_body(err_no: int, err_msg: str) -> bytes:
    """The response body of a failure; the message is cut at 1024 characters. Never raises."""
    return _body(err_no, sendable_message(err_msg), [], [], [])


def read_response(body: bytes) -> Response:
    """The response in an HTTP body. Raises BadRequest where it is not a Response message in JSON."""
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the response is not JSON: {error.msg}") from None
    if not isinstance(message, dict) or not isinstance(message.get("err_no"), int):
        raise BadRequest("the response has no err_no")
    keys, values = (_texts(message, field) for field in ("key", "value"))
    if len(keys) != len(values):
        raise BadRequest(f"the response has {counted(len(keys), 'key')} and {counted(len(values), 'value')}")
    tensors: dict[str, Any] = {}
    described = message.get("tensors") or []
    if not isinstance(described, list):
        raise BadRequest("the tensors of the response are no list")
    for tensor in described:
        tensors.update(unpack_tensor(tensor))
    return Response(message["err_no"], str(message.get("err_msg", "")), dict(zip(keys, values, strict=True)), tensors)


def _texts(message: Mapping[str, Any], field: str) -> list[str]:
    texts = message.get(field) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadRequest(f"{field} of the response is no list of text")
    return texts


def _body(err_no: int, err_msg: str, keys: list[str], values: list[str], tensors: list[dict[str, Any]]) -> bytes:
    # the order of the fields is that of the message in pipeline_service.proto, as Paddle Serving's gateway writes it
    message = {"err_no": err_no, "err_msg": err_msg, "key": keys, "value": values, "tensors": tensors}
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)
