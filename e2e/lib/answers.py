"""Answers as values with all their bits, read without any code of the product."""

from __future__ import annotations

import ast
import base64
import json
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.cluster import Object

Bits = tuple[str, bytes]
Answer = dict[str, tuple[Bits, ...]]

# Little-endian formats of the dtypes that the reference report knows, and the widths that JSON numbers are compared in.
FORMATS = {"float32": "f", "float64": "d", "int64": "q", "int32": "i"}
DATA_FIELDS = {"float_data": "float32", "float64_data": "float64", "int64_data": "int64", "int_data": "int32"}


def of_response(response: Object) -> Answer:
    """The values of a pipeline response by name: keys with their text read as a literal, then tensors."""
    answer = {
        key: tuple(_bits(value) for value in _flat(_literal(text)))
        for key, text in zip(response["key"], response["value"], strict=True)
    }
    for tensor in response["tensors"]:
        ((field, dtype),) = [(name, kind) for name, kind in DATA_FIELDS.items() if name in tensor]
        answer[tensor["name"]] = tuple(_packed(value, dtype) for value in tensor[field])
    return answer


def of_reference(tensors: Object) -> Answer:
    """The values of one sample of a reference report by name."""
    return {name: tuple(_reported(tensor)) for name, tensor in tensors.items()}


def of_literals(values: Object) -> Answer:
    """The values of a JSON object that an author's own script printed."""
    return {name: tuple(_bits(value) for value in _flat(value_)) for name, value_ in values.items()}


def _reported(tensor: Object) -> Iterator[Bits]:
    if isinstance(tensor["data"], list):
        yield from (_bits(text) for text in tensor["data"])
        return
    dtype = tensor["dtype"]
    content = base64.b64decode(tensor["data"])
    for (value,) in struct.iter_unpack(f"<{FORMATS[dtype]}", content):
        yield _packed(value, dtype)


def _literal(text: str) -> Any:  # noqa: ANN401 - a literal is what it is
    """What a value's text stands for: JSON, else a Python literal, else the text itself."""
    for read in (json.loads, ast.literal_eval):
        try:
            return read(text)
        except (ValueError, SyntaxError):
            continue
    return text


def _flat(value: Any) -> Iterator[Any]:  # noqa: ANN401 - nested lists of anything
    if isinstance(value, list):
        for element in value:
            yield from _flat(element)
    else:
        yield value


def _bits(value: float | str) -> Bits:
    if isinstance(value, float):
        return _packed(value, "float64")
    return type(value).__name__, str(value).encode()


def _packed(value: float, dtype: str) -> Bits:
    return dtype, struct.pack(f"<{FORMATS[dtype]}", value)
