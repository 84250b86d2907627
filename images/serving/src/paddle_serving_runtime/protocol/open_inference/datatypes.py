"""Data types of the Open Inference Protocol: their names, and their bytes as arrays. Pure.

Source: kserve/open-inference-protocol, specification v2, "Tensor Data Types"; the bytes of a tensor are those of
Triton's binary tensor data extension: little endian, row-major, BYTES as 4 bytes of length before every element.
"""

import struct
from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.codes import BadRequest, ErrorCode
from paddle_serving_runtime.words import counted

BYTES = "BYTES"
DTYPES = {
    "BOOL": np.dtype("bool"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
BINARY_ONLY = frozenset({"FP16"})
"""No JSON and no typed contents stand for these."""

_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_LENGTH = struct.Struct("<I")
_MAX_RANK = 16
_MAX_ELEMENTS = 2**48
_MAX_TEXTS = 2**16


def datatype_of(name: str, dtype: np.dtype[Any]) -> str:
    """The data type of an output; raises ValueError for one that the protocol does not have."""
    if dtype.kind == "U":
        return BYTES
    try:
        return _NAMES[dtype]
    except KeyError:
        raise ValueError(f"output {name} has type {dtype}, which the protocol cannot carry") from None


def described_datatype(dtype: np.dtype[Any] | str) -> str:
    """The data type of a model's input or output for clients that ask; "str" and texts are BYTES.

    One that the protocol does not have is told by its own name (COMPLEX64): it goes by the pipeline protocol or not
    at all.
    """
    if isinstance(dtype, str) or dtype.kind == "U":
        return BYTES
    return _NAMES.get(dtype, dtype.name.upper())


def require_datatype(name: str, datatype: object) -> str:
    """The data type of an input where it is one of DTYPES or BYTES; raises BadRequest."""
    if isinstance(datatype, str) and (datatype in DTYPES or datatype == BYTES):
        return datatype
    if datatype == "BF16":
        raise refusal(f"input {name}: BF16 is not supported; a model of bfloat16 takes its bits as UINT16")
    known = ", ".join([*DTYPES, BYTES])
    raise refusal(f"input {name} has datatype {str(datatype)[:20]!r}; known are {known}")


def require_shape(name: str, shape: Sequence[object]) -> tuple[int, ...]:
    """The shape of an input: at most 16 dimensions, none negative. Raises BadRequest."""
    dims = tuple(dim for dim in shape if type(dim) is int and dim >= 0)
    # dimensions beside one of 0 count too: numpy has its limits
    if len(dims) != len(shape) or len(dims) > _MAX_RANK or prod(dim or 1 for dim in dims) > _MAX_ELEMENTS:
        raise refusal(f"input {name}: {str(list(shape[:_MAX_RANK]))[:60]} is not a shape")
    return dims


def from_raw(name: str, datatype: str, shape: tuple[int, ...], data: bytes | memoryview) -> NDArray[Any]:
    """The array in the bytes of a tensor (not BYTES): writable, and its own copy. Raises BadRequest."""
    dtype = DTYPES[datatype]
    size = prod(shape) * dtype.itemsize
    if len(data) != size:
        raise refusal(
            f"input {name}: shape {list(shape)} of {datatype} has {counted(size, 'byte')}, but {len(data)} were sent"
        )
    if dtype.kind == "b" and size and np.frombuffer(data, np.uint8).max() > 1:
        raise refusal(f"input {name}: a BOOL is neither 0 nor 1")
    # an Op may write to its input, and Paddle wants aligned memory; both cost less than a reader could save
    return np.frombuffer(data, dtype).copy().reshape(shape)


def text_count(name: str, shape: tuple[int, ...]) -> int:
    """The number of elements of a BYTES tensor; raises BadRequest past 65536, which are many objects in few bytes."""
    count = prod(shape)
    if count > _MAX_TEXTS:
        raise refusal(f"input {name}: {counted(count, 'element')} of BYTES, at most {_MAX_TEXTS} are accepted")
    return count


def texts_from_raw(name: str, shape: tuple[int, ...], data: bytes | memoryview) -> list[bytes]:
    """The elements of a BYTES tensor; raises BadRequest."""
    elements: list[bytes] = []
    count, position, view = text_count(name, shape), 0, memoryview(data)
    while position < len(view) and len(elements) < count:
        if position + _LENGTH.size > len(view):
            break
        (length,) = _LENGTH.unpack_from(view, position)
        position += _LENGTH.size
        if length > len(view) - position:
            break
        elements.append(bytes(view[position : position + length]))
        position += length
    if position != len(view) or len(elements) != count:
        raise refusal(
            f"input {name}: the bytes are not {counted(count, 'element')} of BYTES, each after 4 bytes of length"
        )
    return elements


def texts_to_raw(elements: Iterable[bytes]) -> bytes:
    """The bytes of a BYTES tensor."""
    return b"".join([part for element in elements for part in (_LENGTH.pack(len(element)), element)])


def refusal(message: str) -> BadRequest:
    """The refusal of an input."""
    return BadRequest(message, ErrorCode.INPUT_PARAMS_ERROR)
