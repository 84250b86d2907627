"""Parameter files: what is in them, and whether they are complete.

Paddle 3.3.1 loads a parameter file whose last tensor is cut off without a word and computes with what happens to be
in memory, and takes a tensor's shape from the file where the program says another one, so both have to be checked here.
"""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from paddle_serving_runtime.errors import ModelInvalid
from paddle_serving_runtime.paddle_model.program import VOCABULARY
from paddle_serving_runtime.paddle_model.program.proto_form import DTYPES
from paddle_serving_runtime.words import counted

_ITEM_SIZES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16, 32: 1, 33: 1}
_MAX_DESCRIPTOR = 1 << 16
_MAX_VOCABULARY = 1 << 32


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a parameter file, or a vocabulary, whose shape is ()."""

    dtype: str
    shape: tuple[int, ...]


class _MalformedError(Exception):
    pass


def stored_tensors(path: Path) -> tuple[StoredTensor, ...]:
    """The tensors and vocabularies in a *.pdiparams, __params__ or single parameter file, in their order.

    Raises ModelInvalid where the file is cut off or is not a parameter file. Only headers are read, so the time does
    not grow with the size of the weights.
    Source of the formats: paddle/phi/core/framework/dense_tensor_tostream.cc, SerializeToStream (version 0), and
    paddle/phi/core/vocab/string_array.cc, StringMapToStream, which is what operators on text have for parameters.
    """
    size = path.stat().st_size
    found: list[StoredTensor] = []
    with path.open("rb") as stream:
        while stream.tell() < size:
            try:
                found.append(_parameter(stream, size))
            except (_MalformedError, struct.error) as error:
                said = error if isinstance(error, _MalformedError) else "is cut off"  # else it is Python's own
                raise ModelInvalid(
                    f"{path} is incomplete: tensor {len(found)} {said} (the file has "
                    f"{counted(size, 'byte')}). Copy the file again from where the model was exported."
                ) from error
    return tuple(found)


def _parameter(stream: BinaryIO, size: int) -> StoredTensor:
    start = stream.tell()
    (count,) = struct.unpack("<Q", stream.read(8))
    stream.seek(start)
    # a tensor begins with version 0 in 4 bytes and its number of LoD levels in 8
    return _vocabulary(stream, size) if 0 < count < _MAX_VOCABULARY else _tensor(stream, size)


def _vocabulary(stream: BinaryIO, size: int) -> StoredTensor:
    """Moves past one vocabulary: its length, and for every word its length, its bytes, its number."""
    (count,) = struct.unpack("<Q", stream.read(8))
    for _ in range(count):
        (length,) = struct.unpack("<Q", stream.read(8))
        end = stream.tell() + length + 4
        if end > size:
            raise _MalformedError("does not begin with a version 0 header, and is not a complete vocabulary")
        stream.seek(end)
    return StoredTensor(VOCABULARY, ())


def _tensor(stream: BinaryIO, size: int) -> StoredTensor:
    """Moves past one tensor: version, LoD, version, descriptor, data."""
    _expect_version(stream)
    (lod_levels,) = struct.unpack("<Q", stream.read(8))
    for _ in range(min(lod_levels, size)):
        (length,) = struct.unpack("<Q", stream.read(8))
        stream.seek(length, 1)
    _expect_version(stream)
    (length,) = struct.unpack("<i", stream.read(4))
    if not 0 < length <= _MAX_DESCRIPTOR:
        raise _MalformedError("has no descriptor")
    dtype, dims = _tensor_desc(stream.read(length))
    if dtype not in _ITEM_SIZES or any(dim < 0 for dim in dims):
        raise _MalformedError("has a descriptor of no known type")
    end = stream.tell() + _ITEM_SIZES[dtype] * math.prod(dims)
    if end > size:
        raise _MalformedError(f"is cut off {end - size} bytes before its end")
    stream.seek(end)
    return StoredTensor(DTYPES[dtype], tuple(dims))


def _expect_version(stream: BinaryIO) -> None:
    (version,) = struct.unpack("<I", stream.read(4))
    if version != 0:
        raise _MalformedError("does not begin with a version 0 header")


def _tensor_desc(data: bytes) -> tuple[int, list[int]]:
    """data_type and dims of a serialized VarType.TensorDesc: two varint fields, so no protobuf module is needed."""
    dtype, dims, position = -1, [], 0
    while position < len(data):
        tag, position = _varint(data, position)
        value, position = _varint(data, position)
        if tag == 0x08:  # noqa: PLR2004 - field 1, data_type
            dtype = value
        elif tag == 0x10:  # noqa: PLR2004 - field 2, one of dims
            dims.append(value - (1 << 64) if value >> 63 else value)
        else:
            raise _MalformedError("has a descriptor of another kind")
    return dtype, dims


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the last byte of a varint has its high bit clear
            return value, position
    raise _MalformedError("has a descriptor that is cut off")
