"""Arrays into repeated fields of protobuf messages without a Python object for every number.

Source: the packed encoding of repeated fields (protobuf.dev, Encoding): tag, length, values one after the other.
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
    data = flat.astype(dtype, copy=False).tobytes()
    tag = _varint(descriptor.number << 3 | _LENGTH_DELIMITED)
    message.MergeFromString(b"".join((tag, _varint(len(data)), data)))


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > _SEVEN_BITS:
        encoded.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
