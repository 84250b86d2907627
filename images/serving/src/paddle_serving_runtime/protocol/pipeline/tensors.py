"""Tensors of the pipeline protocol: one set of checks for its JSON and its gRPC form."""

from array import array
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.codes import BadRequest
from paddle_serving_runtime.protocol.numbers import from_json, integer_of, to_json
from paddle_serving_runtime.words import counted

STRING = 12
OBJECTS = 13
MAX_RANK = 16
_LOD_RANK = 2


class _Form(NamedTuple):
    """How one elem_type travels: the field of the message and the tensor's type."""

    field: str
    dtype: np.dtype[Any]


# elem_type of pipeline_service.proto; 6 is bfloat16, which Paddle Serving carries as uint16
_FORMS = {
    0: _Form("int64_data", np.dtype(np.int64)),
    1: _Form("float_data", np.dtype(np.float32)),
    2: _Form("int_data", np.dtype(np.int32)),
    3: _Form("float64_data", np.dtype(np.float64)),
    4: _Form("int_data", np.dtype(np.int16)),
    5: _Form("float_data", np.dtype(np.float16)),
    6: _Form("uint32_data", np.dtype(np.uint16)),
    7: _Form("uint32_data", np.dtype(np.uint8)),
    8: _Form("int_data", np.dtype(np.int8)),
    9: _Form("bool_data", np.dtype(np.bool_)),
}
NUMBER_FIELDS = frozenset(form.field for form in _FORMS.values())
_ELEM_TYPES = {form.dtype: elem_type for elem_type, form in _FORMS.items()}


def unpack_tensor(tensor: object) -> dict[str, str | NDArray[Any]]:
    """The inputs that one request tensor stands for: `name`, and `name.lod` where it has a LoD.

    An array has the dtype of `elem_type` and the shape `shape` (one dimension may be -1); a string tensor is the
    concatenation of its `str_data`, as in Paddle Serving. The numbers are a list as JSON has them, or an array of a
    protobuf field's type. Raises BadRequest where the message is not one of pipeline_service.proto, values do not fit
    the type or the shape, and for elem_type 13, opaque bytes, of which Paddle Serving 0.9.0 makes more than data.
    """
    if not isinstance(tensor, dict):
        raise BadRequest("every element of tensors must be an object")
    name = tensor.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequest("a tensor has no name")
    elem_type = tensor.get("elem_type", 0)
    if elem_type == STRING:
        return {name: _text(name, _list(tensor, "str_data"))}
    form = _form(name, elem_type)
    values = _values(name, form, _list(tensor, form.field))
    try:
        inputs: dict[str, str | NDArray[Any]] = {name: values.reshape(_shape(name, tensor))}
    except (ValueError, OverflowError):
        raise BadRequest(
            f"tensor {name}: {counted(values.size, 'value')} in {form.field} cannot fill the shape "
            f"{_short(tensor.get('shape'))}"
        ) from None
    if (lod := _list(tensor, "lod")) != []:
        inputs[f"{name}.lod"] = _lod(name, lod)
    return inputs


def pack_tensor(name: str, tensor: NDArray[Any]) -> dict[str, Any]:
    """The response tensor for an array, as a JSON-ready object whose numbers keep every bit when read at their type.

    Raises ValueError for a dtype that the protocol has no elem_type for.
    """
    elem_type, field = form_of(name, tensor.dtype)
    return {"name": name, "elem_type": elem_type, "shape": list(tensor.shape), field: to_json(tensor)}


def form_of(name: str, dtype: np.dtype[Any]) -> tuple[int, str]:
    """The elem_type of a response tensor and the field with its numbers or texts.

    Raises ValueError for a dtype that the protocol has no elem_type for.
    """
    if dtype.kind == "U":
        return STRING, "str_data"
    elem_type = _ELEM_TYPES.get(dtype)
    if elem_type is None:
        raise ValueError(f"output {name} has type {dtype}, which the protocol cannot carry")
    return elem_type, _FORMS[elem_type].field


def _form(name: str, elem_type: object) -> _Form:
    if elem_type == OBJECTS:
        raise BadRequest(f"tensor {name}: elem_type 13 (opaque bytes) is refused; send the numbers with their own type")
    form = _FORMS.get(elem_type) if isinstance(elem_type, int) and not isinstance(elem_type, bool) else None
    if form is None:
        raise BadRequest(f"tensor {name}: elem_type {_short(elem_type)} is not supported")
    return form


def _list(tensor: Mapping[str, object], field: str) -> object:
    """A repeated field; null means absent, as in the JSON form of protocol buffers."""
    content = tensor.get(field)
    return [] if content is None else content


def _text(name: str, parts: object) -> str:
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise BadRequest(f"tensor {name}: str_data must be a list of strings")
    return "".join(parts)


def _values(name: str, form: _Form, values: object) -> NDArray[Any]:
    try:
        if isinstance(values, list | np.ndarray):
            return from_json(values, form.dtype)
    except ValueError as error:
        raise BadRequest(f"tensor {name}: a value in {form.field} {error}") from None
    raise BadRequest(f"tensor {name}: {form.field} must be a list")


def _shape(name: str, tensor: Mapping[str, object]) -> list[int]:
    shape = _list(tensor, "shape")
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise BadRequest(f"tensor {name}: shape must be a list of at most {MAX_RANK} numbers")
    dims = [_converted_int(dim) for dim in shape]
    if any(dim is None or dim < -1 for dim in dims):
        raise BadRequest(f"tensor {name}: shape {_short(shape)} is not a shape")
    return [dim for dim in dims if dim is not None]


def _converted_int(value: object) -> int | None:
    if isinstance(value, str):
        return integer_of(value)
    return value if type(value) is int else None


def _lod(name: str, lod: object) -> NDArray[np.int32]:
    try:
        if isinstance(lod, list) and bool not in map(type, lod):
            return np.array(array("i", lod), dtype=np.int32).reshape(_LOD_RANK, -1)
    except (TypeError, ValueError, OverflowError):
        pass
    raise BadRequest(f"tensor {name}: lod must be a list of integers of even length")


def _short(value: object) -> str:
    return str(value)[:60]
