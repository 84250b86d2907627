"""Faults for a running service: bits of weights in a worker's memory, switches within it, files of its package."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray

from images.serving.tests.process_memory import find, flip

Undo = Callable[[], None]
_NEIGHBOURS = 8
"""So many weights in a row are looked for; oneDNN keeps those of so many outputs, or twice as many, side by side."""

_FLOAT_BYTES = 4
_TRIES = 200
BITS: Mapping[str, range] = {
    "sign of a weight": range(31, 32),
    "exponent of a weight": range(23, 31),
    "upper half of a weight's fraction": range(12, 23),
    "lower half of a weight's fraction": range(12),
}
"""The bits of a float32."""

SWITCHES: Mapping[str, tuple[str, ...]] = {
    "rounding of floats": ("down", "up", "towards zero"),
    "denormal floats as zero": ("flush",),
    "another filter for pictures": ("nearest",),
}
SWITCHABLE = """

import ctypes
import struct

from PIL import Image

_LIBM = ctypes.CDLL("libm.so.6")
_ROUNDING = {"nearest even": 0, "down": 0x400, "up": 0x800, "towards zero": 0xC00}
_resize = Image.Image.resize


def _turn(switch):
    if switch in _ROUNDING:
        _LIBM.fesetround(_ROUNDING[switch])
    elif switch == "flush":
        environment = (ctypes.c_ubyte * 32)()
        _LIBM.fegetenv(environment)
        (control,) = struct.unpack_from("<I", environment, 28)
        struct.pack_into("<I", environment, 28, control | 0x8040)
        _LIBM.fesetenv(environment)
    else:
        Image.Image.resize = lambda self, size, _filter: _resize(self, size, Image.Resampling.NEAREST)


_preprocess = RecOp.preprocess


def _switchable(self, input_dicts, data_id, log_id):
    ((_, request),) = input_dicts.items()
    if "switch" in request:
        _turn(request["switch"])
    return _preprocess(self, input_dicts, data_id, log_id)


RecOp.preprocess = _switchable
"""
"""For web_service.py of the OCR example, before its service runs: a request turns a switch of its worker.

Source: glibc, sysdeps/x86/fpu/bits/fenv.h (the last word of the environment is MXCSR; 0x8040 flushes denormals).
"""


@dataclass(frozen=True)
class Weight:
    """One weight of a parameter file: its tensor, and its place in it."""

    tensor: NDArray[np.float32]
    index: tuple[int, ...]

    def addresses(self, pid: int) -> list[int]:
        """Where the process has it: with its neighbours in the file's order, or in that of oneDNN's blocks."""
        flat = int(np.ravel_multi_index(self.index, self.tensor.shape))
        outputs = np.moveaxis(self.tensor, 0, -1)[self.index[1:]]
        found = []
        for values, at in ((self.tensor.reshape(-1), flat), (outputs, self.index[0])):
            first = at // _NEIGHBOURS * _NEIGHBOURS
            if first + _NEIGHBOURS <= values.size:
                pattern = np.ascontiguousarray(values[first : first + _NEIGHBOURS]).tobytes()
                found += [address + _FLOAT_BYTES * (at - first) for address in find(pid, pattern)]
        return sorted(set(found))


def flip_weight(pid: int, parameters: Path, bit: int, random: Random) -> Undo:
    """Turns a bit of a weight over, of any tensor, wherever the process has it. Returns what turns it back.

    Weights that are not in memory as they are in the file, because loading has folded something into them, are passed.
    """
    tensors = [tensor for tensor, _ in stored(parameters)]
    for _ in range(_TRIES):
        tensor = random.choice(tensors)
        weight = Weight(tensor, tuple(random.randrange(length) for length in tensor.shape))
        addresses = weight.addresses(pid)
        if addresses:

            def turn(addresses: list[int] = addresses) -> None:
                for address in addresses:
                    flip(pid, address, bit)

            turn()
            return turn
    raise LookupError(f"none of {_TRIES} weights is in the memory of the worker")


def change_weight(parameters: Path, bit: int, random: Random) -> None:
    """Turns a bit of a weight over in the file, which is replaced as a whole."""
    offsets = [(offset, tensor.size) for tensor, offset in stored(parameters)]
    offset, size = random.choice(offsets)
    content = bytearray(parameters.read_bytes())
    content[offset + _FLOAT_BYTES * random.randrange(size) + bit // 8] ^= 1 << bit % 8
    replace(parameters, bytes(content))


def swap_lines(words: Path, random: Random, among: str) -> None:
    """Makes two lines of a dictionary change places; the first one is of `among`, so that somebody reads it."""
    lines = words.read_text(encoding="utf-8").split("\n")
    one, other = lines.index(random.choice(sorted(set(among) & set(lines)))), random.randrange(len(lines) - 1)
    lines[one], lines[other] = lines[other], lines[one]
    replace(words, "\n".join(lines).encode())


def replace(path: Path, content: bytes) -> None:
    """Puts another file in its place."""
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    new.replace(path)


def stored(parameters: Path) -> Iterator[tuple[NDArray[np.float32], int]]:
    """The tensors of float32 in a parameter file with more than one axis, and the offset of their values.

    Source: paddle/phi/core/framework/dense_tensor_tostream.cc, SerializeToStream (version 0, no LoD).
    """
    content, position = parameters.read_bytes(), 0
    while position < len(content):
        (length,) = struct.unpack_from("<i", content, position + 16)
        start = position + 20 + length
        dtype, shape = _descriptor(content[position + 20 : start])
        if dtype != 5:  # noqa: PLR2004 - float32 in VarType
            raise ValueError(f"{parameters} has a tensor of another type")
        count = int(np.prod(shape))
        position = start + _FLOAT_BYTES * count
        if len(shape) > 1:
            yield np.frombuffer(content, np.float32, count, start).reshape(shape), start


def _descriptor(data: bytes) -> tuple[int, tuple[int, ...]]:
    """data_type and dims of a TensorDesc: varints of fields 1 and 2."""
    numbers: dict[int, list[int]] = {1: [], 2: []}
    position = 0
    while position < len(data):
        field, value, shift = data[position] >> 3, 0, 0
        while True:
            position += 1
            value |= (data[position] & 0x7F) << shift
            shift += 7
            if data[position] < 0x80:  # noqa: PLR2004 - the last byte of a varint
                break
        position += 1
        numbers[field].append(value)
    return numbers[1][0], tuple(numbers[2])
