"""Pieces of protobuf messages as bytes, without a Python object for every number.

Source: the encoding of repeated fields and of messages within messages (protobuf.dev, Encoding): tag, length, content.
"""

from typing import Any

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from numpy.typing import NDArray

_FIXED_SIZE: dict[int, np.dtype[Any]] = {
    FieldDescriptor.TYPE_FLOAT: np.dtype("<f4"),
    FieldDescriptor.TYPE_DOUBLE: np.dtype("<f8"),
    FieldDescriptor.TYPE_BOOL: np.dtype("?"),
}
_LENGTH_DELIMITED = 2
_SEVEN_BITS, _MORE = 0x7F, 0x80


def fill(message: Any, field: str, array: NDArray[Any]) -> None:  # noqa: ANN401 - generated protobuf message
    """Appends the values of `array` to the repeated field `field`; a narrower type of the same kind is widened.

    Raises ValueError where a value does not fit the field.
    """
    flat = np.ascontiguousarray(array).reshape(-1)
    descriptor = message.DESCRIPTOR.fields_by_name[field]
    dtype = _FIXED_SIZE.get(descriptor.type)
    if dtype is None:
        getattr(message, field).extend(flat.tolist())
        return
    message.MergeFromString(length_delimited(descriptor.number, flat.astype(dtype, copy=False).tobytes()))


def length_delimited(field: int, *pieces: bytes) -> bytes:
    """A field with a length, packed numbers or a message: tag, length, and the pieces one after the other."""
    return b"".join((_varint(field << 3 | _LENGTH_DELIMITED), _varint(sum(map(len, pieces))), *pieces))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > _SEVEN_BITS:
        encoded.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
