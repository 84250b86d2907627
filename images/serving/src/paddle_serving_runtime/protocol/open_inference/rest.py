"""The REST form of the Open Inference Protocol, with Triton's binary tensor data extension. Pure."""

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from paddle_serving_runtime.protocol import json_body
from paddle_serving_runtime.protocol.call import Call
from paddle_serving_runtime.protocol.codes import BadRequest, ErrorCode
from paddle_serving_runtime.protocol.limits import Limits
from paddle_serving_runtime.protocol.numbers import from_json, to_json
from paddle_serving_runtime.protocol.open_inference.common import (
    VERSION,
    InferRequest,
    Output,
    describe_output,
    outputs_of,
    raw_of,
    refuse_request_extensions,
    refuse_tensor_extensions,
    require_names,
    require_unique,
    response_of,
    text_input,
    texts_of,
)
from paddle_serving_runtime.protocol.open_inference.datatypes import (
    BINARY_ONLY,
    BYTES,
    DTYPES,
    from_raw,
    refusal,
    require_datatype,
    require_shape,
    texts_from_raw,
)
from paddle_serving_runtime.protocol.response import Response, UnpackableValue, sendable_message
from paddle_serving_runtime.words import counted

HEADER_LENGTH = b"inference-header-content-length"
_NUMBERS = frozenset({"data"})
_A_MODEL = "model"
_SIZE, _BINARY, _BINARY_DEFAULT = "binary_data_size", "binary_data", "binary_data_output"

Take = Callable[[int], memoryview]


class InferBody(NamedTuple):
    """A response body; `header_length` is the length of its JSON where bytes follow, else None."""

    body: bytes
    header_length: int | None


def parse_infer(
    model: str, target: str, body: bytes | bytearray, header_length: str | None, limits: Limits
) -> InferRequest:
    """The request in a body for `model`, whose calls go to `target`.

    `header_length` is the Inference-Header-Content-Length, None where there is none. Raises BadRequest (400, or 413
    past `limits.body_bytes`) saying which field is wrong.
    """
    if len(body) > limits.body_bytes:
        reason = f"the body is longer than {counted(limits.body_bytes, 'byte')}"
        raise BadRequest(reason, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    length = len(body) if header_length is None else header_length_of(header_length, len(body))
    message = _loads(body[:length] if length < len(body) else body)
    parameters = _parameters("the request", message)
    refuse_request_extensions(parameters)
    inputs = _objects("inputs", message.get("inputs", []), limits.tensors)
    require_unique([tensor["name"] for tensor in inputs])
    outputs = _wanted(_objects("outputs", _optional(message, "outputs", []), limits.tensors))
    call = Call(target, _inputs(target, inputs, _Binary(memoryview(body)[length:])), outputs=tuple(outputs))
    return InferRequest(
        model,
        _string(message, "id"),
        call,
        {name: wanted for name, wanted in outputs.items() if wanted is not None},
        _flag(parameters, _BINARY_DEFAULT) is True,
    )


def pack_infer(request: InferRequest, response: Response) -> InferBody:
    """The body of the answer to `request`.

    Raises UnpackableValue for a type that the protocol does not have, BadRequest for an output that there is not and
    for one that only bytes can carry where JSON was asked for.
    """
    try:
        outputs, data = [], []
        for name, output in outputs_of(response, request.call.outputs).items():
            datatype, shape = describe_output(name, output)
            described: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
            if request.wants_bytes(name):
                data.append(raw_of(output))
                described["parameters"] = {_SIZE: len(data[-1])}
            else:
                described["data"] = _json_data(name, datatype, output)
            outputs.append(described)
        head: dict[str, Any] = {"model_name": request.model, "model_version": VERSION}
        if request.id:
            head["id"] = request.id
        text = orjson.dumps({**head, "outputs": outputs}, option=orjson.OPT_SERIALIZE_NUMPY)
    except (UnicodeEncodeError, orjson.JSONEncodeError):
        raise UnpackableValue("an output holds text that is not valid Unicode") from None
    except ValueError as error:
        raise UnpackableValue(str(error)) from None
    return InferBody(b"".join([text, *data]), len(text)) if data else InferBody(text, None)


def read_infer(body: bytes, header_length: str | None) -> Response:
    """The response in a body, be it a failure: the client's side of pack_infer. Raises BadRequest where it is none."""
    length = len(body) if header_length is None else header_length_of(header_length, len(body))
    message = _loads(body[:length])
    if "error" in message:
        return Response(ErrorCode.UNKNOWN, _string(message, "error"))
    outputs = _objects("outputs", message.get("outputs"), len(body))
    return response_of(_inputs(_A_MODEL, outputs, _Binary(memoryview(body)[length:])))


def error_json(message: str) -> bytes:
    """The body of a failure; the message is cut at 1024 characters. Never raises."""
    return orjson.dumps({"error": sendable_message(message)})


def header_length_of(text: str, size: int) -> int:
    """The length of the JSON that the header states, of a body of `size` bytes. Raises BadRequest."""
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and 0 < int(text) <= size):  # noqa: PLR2004 - int64
        raise refusal(f"Inference-Header-Content-Length is {text[:20]!r}, but the body has {counted(size, 'byte')}")
    return int(text)


class _Binary:
    """The bytes behind the JSON, given out in the order of the inputs."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._position = 0

    def take(self, name: str, size: object) -> memoryview:
        if type(size) is not int or not 0 <= size <= len(self._data) - self._position:
            left = len(self._data) - self._position
            raise refusal(
                f"input {name}: binary_data_size {str(size)[:20]}, but the body has {counted(left, 'byte')} left"
            )
        self._position += size
        return self._data[self._position - size : self._position]

    def require_end(self) -> None:
        if left := len(self._data) - self._position:
            raise refusal(f"the body goes on for {counted(left, 'byte')} after the data of the last input")


def _loads(text: bytes | bytearray) -> Mapping[str, Any]:
    try:
        message = json_body.loads(text, _NUMBERS)
    except orjson.JSONDecodeError as error:
        message = _loads_with_nan(text, error)
    if not isinstance(message, dict):
        raise BadRequest("the body must be a JSON object with inputs")
    return message


def _loads_with_nan(text: bytes | bytearray, error: orjson.JSONDecodeError) -> object:
    """Clients in Python write NaN and Infinity as they are, which is not JSON."""
    try:
        if b"NaN" in text or b"Infinity" in text:
            return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        pass
    raise BadRequest(f"the body is not JSON: {error.msg} at character {error.pos}") from None


def _optional(message: Mapping[str, Any], field: str, absent: object) -> Any:  # noqa: ANN401 - any JSON
    """An optional field; null, as KServe's and MLServer's data models write one without a value, means absent."""
    content = message.get(field)
    return absent if content is None else content


def _objects(field: str, content: object, limit: int) -> list[dict[str, Any]]:
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise refusal(f"{field} must be a list of objects")
    if len(content) > limit:
        raise refusal(f"{field} has {counted(len(content), 'element')}, at most {limit} are accepted")
    require_names(field.removesuffix("s"), [_string(item, "name") for item in content])
    return content


def _string(message: Mapping[str, Any], field: str) -> str:
    text = _optional(message, field, "")
    if not isinstance(text, str):
        raise refusal(f"{field} must be a string")
    return text


def _parameters(what: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = _optional(message, "parameters", {})
    if not isinstance(parameters, dict):
        raise refusal(f"the parameters of {what} must be an object")
    return parameters


def _flag(parameters: Mapping[str, Any], name: str) -> bool | None:
    """The parameter, None where it is absent: a word taken for false would answer in a form that nobody asked for."""
    if name not in parameters or isinstance(parameters[name], bool):
        return parameters.get(name)
    raise refusal(f"parameter {name} must be true or false")


def _wanted(outputs: list[dict[str, Any]]) -> dict[str, bool | None]:
    """Whether an output is wanted as bytes, by name, None where it does not say so; the first of a name counts."""
    wanted: dict[str, bool | None] = {}
    for output in outputs:
        what = f"output {output['name'][:80]}"
        parameters = _parameters(what, output)
        refuse_tensor_extensions(what, parameters)
        wanted.setdefault(output["name"], _flag(parameters, _BINARY))
    return wanted


def _inputs(target: str, tensors: list[dict[str, Any]], binary: _Binary) -> dict[str, str | NDArray[Any]]:
    inputs = {tensor["name"]: _input(target, tensor, binary) for tensor in tensors}
    binary.require_end()
    return inputs


def _input(target: str, tensor: Mapping[str, Any], binary: _Binary) -> str | NDArray[Any]:
    name = tensor["name"]
    shape = tensor.get("shape")
    if not isinstance(shape, list):
        raise refusal(f"input {name}: shape must be a list of integers")
    dims, datatype = require_shape(name, shape), require_datatype(name, tensor.get("datatype"))
    parameters = _parameters(f"input {name}", tensor)
    refuse_tensor_extensions(f"input {name}", parameters)
    if _SIZE not in parameters:
        return _from_json(target, name, datatype, dims, tensor.get("data"))
    if tensor.get("data") is not None:
        raise refusal(f"input {name} has data and binary_data_size; it can have one of them")
    data = binary.take(name, parameters[_SIZE])
    if datatype == BYTES:
        return text_input(target, name, dims, texts_from_raw(name, dims, data))
    return from_raw(name, datatype, dims, data)


def _from_json(target: str, name: str, datatype: str, shape: tuple[int, ...], data: object) -> str | NDArray[Any]:
    if datatype in BINARY_ONLY:
        raise refusal(f"input {name}: {datatype} has no form in JSON; send it as binary data")
    values = _flat(name, shape, data)
    if datatype == BYTES:
        if not all(isinstance(value, str) for value in values):
            raise refusal(f"input {name}: the elements of BYTES must be strings")
        return text_input(target, name, shape, [_encoded(value) for value in values])
    try:
        array = from_json(values, DTYPES[datatype])
    except ValueError as error:
        raise refusal(f"input {name}: a value in data {error}") from None
    try:
        return array.reshape(shape)
    except ValueError:
        raise refusal(f"input {name}: {counted(array.size, 'value')} cannot fill the shape {list(shape)}") from None


def _encoded(text: str) -> bytes:
    # a surrogate alone is no Unicode: text_input refuses what it becomes
    return text.encode("utf-8", "surrogatepass")


def _flat(name: str, shape: tuple[int, ...], data: object) -> list[Any] | NDArray[Any]:
    """The values in row-major order; `data` has them so, or in lists nested as the shape is."""
    if isinstance(data, np.ndarray):
        return data
    if not isinstance(data, list):
        raise refusal(f"input {name}: data must be a list")
    values: list[Any] = data
    if not values or not isinstance(values[0], list):
        return values
    if len(values) != shape[0] if shape else True:
        raise refusal(f"input {name}: data is not nested as its shape {list(shape)}")
    for size in shape[1:]:
        if not all(isinstance(row, list) and len(row) == size for row in values):
            raise refusal(f"input {name}: data is not nested as its shape {list(shape)}")
        values = list(chain.from_iterable(values))
    return values


def _json_data(name: str, datatype: str, output: Output) -> object:
    if datatype in BINARY_ONLY:
        raise refusal(f"output {name}: {datatype} has no form in JSON; ask for it with binary_data")
    if isinstance(output, str) or datatype == BYTES:
        return texts_of(output)
    return to_json(output)
