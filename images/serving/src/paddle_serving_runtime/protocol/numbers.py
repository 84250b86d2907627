"""Numbers of a message as an array of their type, and back: one set of rules for every protocol."""

import math
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

# by the typecode of array.array that checks a list: float16 has none, numpy checks it afterwards
_TYPECODES = {
    np.dtype(name): typecode
    for name, typecode in (
        ("int8", "b"),
        ("int16", "h"),
        ("int32", "i"),
        ("int64", "q"),
        ("uint8", "B"),
        ("uint16", "H"),
        ("uint32", "I"),
        ("uint64", "Q"),
        ("float16", "f"),
        ("float32", "f"),
        ("float64", "d"),
        ("bool", "B"),
    )
}


def from_json(values: Sequence[object] | NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The flat, writable array of a list in JSON, or of what json_body.loads has made of one.

    64-bit integers and the special floats NaN, Infinity and -Infinity may be strings, as in the JSON form of
    protocol buffers. Raises ValueError saying what is wrong with a value: "does not fit int8", "is not of type int8".
    """
    if isinstance(values, np.ndarray):
        return narrowed(values, dtype)
    typecode = _TYPECODES[dtype]
    try:
        return _as_type(_packed(typecode, values), dtype, special=False)
    except (struct.error, ValueError, OverflowError):
        # slower, and says what is wrong
        return _from_any_json(typecode, values, dtype)


def _from_any_json(typecode: str, values: Sequence[object], dtype: np.dtype[Any]) -> NDArray[Any]:
    try:
        # array.array refuses null, text, nested lists and integers that do not fit
        return _as_type(_flat(typecode, array(typecode, values)), dtype, special=False)
    except TypeError:
        pass
    except (ValueError, OverflowError):
        raise ValueError(f"does not fit {dtype}") from None
    try:
        return _as_type(_flat(typecode, array(typecode, _converted(typecode, values))), dtype, special=True)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"is not of type {dtype}") from None


def narrowed(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array in another type, rounded as a Python number would be.

    Raises ValueError where a value is lost ("does not fit int8"), and for floats as integers ("is not of type int8").
    """
    if values.dtype == dtype:
        return values
    if dtype.kind != "f" and values.dtype.kind == "f":
        raise ValueError(f"is not of type {dtype}")
    if dtype.kind == "f" and values.dtype.kind != "f":
        return narrowed(values.astype(np.float64), dtype)
    with np.errstate(over="ignore"):
        # to half precision by way of single, as a list of Python numbers is rounded
        typed = (values.astype(np.float32) if dtype == np.float16 else values).astype(dtype)
    fits = np.array_equal(np.isinf(typed), np.isinf(values)) if dtype.kind == "f" else np.array_equal(typed, values)
    if not fits:
        raise ValueError(f"does not fit {dtype}")
    return typed


def to_json(tensor: NDArray[Any]) -> object:
    """The flat values for orjson; every bit is there again when they are read at their type."""
    flat = np.ascontiguousarray(tensor).reshape(-1)
    if flat.dtype.kind == "U":
        return flat.tolist()
    if flat.dtype == np.float16:
        flat = flat.astype(np.float32)
    if flat.dtype.kind != "f" or np.isfinite(flat).all():
        return flat
    # JSON has no NaN: the names are those of the JSON form of protocol buffers
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return [value if math.isfinite(value) else names.get(value, "NaN") for value in flat.tolist()]


def _converted(typecode: str, values: Sequence[object]) -> list[Any]:
    if typecode in "qQ":
        return [int(value) if isinstance(value, str) else value for value in values]
    return [_SPECIAL_FLOATS.get(value, value) if isinstance(value, str) else value for value in values]


def _packed(typecode: str, values: Sequence[object]) -> NDArray[Any]:
    """The array of a list that holds nothing but numbers of its type: twice as fast as array.array and numpy."""
    packing = struct.Struct(f"={len(values)}{typecode}")
    buffer = bytearray(packing.size)
    packing.pack_into(buffer, 0, *values)
    return _flat(typecode, buffer)


def _flat(typecode: str, buffer: "array[Any] | bytearray") -> NDArray[Any]:
    # numpy refuses to view an empty buffer
    return np.frombuffer(buffer, dtype=typecode) if buffer else np.empty(0, typecode)


def _as_type(flat: NDArray[Any], dtype: np.dtype[Any], *, special: bool) -> NDArray[Any]:
    """`special` says that infinity and NaN were asked for; else an infinity is a number too large for the type."""
    if dtype.kind == "b" and flat.size and flat.max() > 1:
        raise ValueError("not a bool")
    with np.errstate(over="ignore"):
        typed = flat if flat.dtype == dtype else flat.astype(dtype)
    if dtype.kind == "f" and not special and not np.isfinite(typed).all():
        raise OverflowError("infinite")
    return typed
