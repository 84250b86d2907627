"""Numbers of a message as an array of their type, and back: one set of rules for every protocol."""

import math
import re
import struct
from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

_SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_SPECIAL_NAMES = '"NaN", "Infinity" and "-Infinity"'

# int() and float() read more than this: 1_000, the digits of every script, nan, infinity
_SPACE = " \t\r\n"
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,19})")
_DECIMALS = re.compile(r"[-+0-9.eE, \t\r\n]*")

_FEW_NUMBERS = 128
"""Up to here a look at the type of each is faster than what numpy and orjson do."""

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
        packed = _packed(typecode, values)
        if dtype.kind == "b" or not _has_bool(values, packed):
            return _as_type(packed, dtype)
    except (struct.error, TypeError, ValueError, OverflowError):
        pass
    # slower, and says what is wrong
    return _from_any_json(typecode, values, dtype)


def _has_bool(values: Sequence[object], packed: NDArray[Any]) -> bool:
    """Whether there is true or false among the numbers, for which Python takes them: as 1 and 0.

    It may say so of a list with an infinity, too. Raises TypeError for an integer of more than 64 bits.
    """
    if len(values) <= _FEW_NUMBERS:
        return bool in set(map(type, values))
    if not (np.count_nonzero(packed == 0) or np.count_nonzero(packed == 1)):
        return False
    # a third of the time that the types of thousands of zeros take
    written = orjson.dumps(values)
    return b"u" in written or b"s" in written


def _from_any_json(typecode: str, values: Sequence[object], dtype: np.dtype[Any]) -> NDArray[Any]:
    kinds = set(map(type, values))
    if bool in kinds and dtype.kind != "b":
        raise ValueError(f"is not of type {dtype}: true and false are no numbers")
    if type(None) in kinds and dtype.kind == "f":
        raise ValueError(
            f"is not of type {dtype}: it is null, which some clients send for NaN and the infinities. Send these by "
            f"name, as {_SPECIAL_NAMES}, or the tensor as bytes"
        )
    try:
        converted = _converted(typecode, values) if str in kinds else values
        # array.array refuses null, text, nested lists and integers that do not fit
        flat = _flat(typecode, array(typecode, converted))
        return _as_type(flat, dtype, special=sum(isinstance(value, str) for value in values))
    except TypeError:
        raise ValueError(f"is not of type {dtype}") from None
    except (ValueError, OverflowError):
        raise ValueError(f"does not fit {dtype}") from None


def from_text(text: str, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The flat, writable array of numbers separated by commas, as a whole between brackets or not.

    Numbers are written in decimal digits, integers without point and exponent; floats may be NaN, Infinity and
    -Infinity. Raises ValueError with a sentence: "the text is not a list of numbers separated by commas", "a number
    does not fit int8".
    """
    text = text.strip(_SPACE)
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    try:
        if dtype.kind in "iub":
            return from_json(_integers(text), dtype)
        return _rounded(from_json(_floats(text), np.dtype(np.float64)), dtype)
    except _NotNumbersError:
        raise ValueError("the text is not a list of numbers separated by commas") from None
    except ValueError:
        raise ValueError(f"a number does not fit {dtype}") from None


class _NotNumbersError(Exception):
    """A text that is something else."""


def _integers(text: str) -> list[int]:
    """Raises ValueError for numbers of another kind, _NotNumbersError for anything else."""
    try:
        if _DECIMALS.fullmatch(text):
            return list(map(int, text.split(",")))
    except ValueError:
        pass
    _floats(text)
    raise ValueError("not an integer, or one of thousands of digits")


def _floats(text: str) -> list[float | str]:
    """The numbers, the special ones by name. Raises _NotNumbersError."""
    parts = text.split(",")
    try:
        if _DECIMALS.fullmatch(text):
            return list(map(float, parts))
        names = [part.strip(_SPACE) for part in parts]
        if not all(name in _SPECIAL_FLOATS or _DECIMALS.fullmatch(name) for name in names):
            raise _NotNumbersError
        return [name if name in _SPECIAL_FLOATS else float(name) for name in names]
    except ValueError:
        raise _NotNumbersError from None


def integer_of(text: str) -> int | None:
    """The integer in decimal digits that a text is, as the JSON form of protocol buffers has it; None for others."""
    return int(text) if _INTEGER.fullmatch(text) else None


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
    if dtype == np.float16:
        # by way of single precision, as a list of Python numbers is rounded
        return _rounded(values, np.dtype(np.float32), dtype)
    if dtype.kind == "f":
        return _rounded(values, dtype)
    typed = values.astype(dtype)
    if not np.array_equal(typed, values):
        raise ValueError(f"does not fit {dtype}")
    return typed


def to_json(tensor: NDArray[Any]) -> object:
    """The flat values for orjson; every bit is there again when they are read at their type."""
    flat = np.ascontiguousarray(tensor).reshape(-1)
    if flat.dtype.kind == "U":
        return flat.tolist()
    if flat.dtype == np.float16:
        flat = flat.astype(np.float32)
    if flat.dtype.kind != "f" or _all_finite(flat):
        return flat
    # JSON has no NaN: the names are those of the JSON form of protocol buffers
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    return [value if math.isfinite(value) else names.get(value, "NaN") for value in flat.tolist()]


def _converted(typecode: str, values: Sequence[object]) -> list[Any]:
    if typecode in "qQ":
        return [integer_of(value) if isinstance(value, str) else value for value in values]
    return [_SPECIAL_FLOATS.get(value, value) if isinstance(value, str) else value for value in values]


def _packed(typecode: str, values: Sequence[object]) -> NDArray[Any]:
    """The array of a list that holds nothing but numbers of its type: twice as fast as array.array and numpy."""
    return _flat(typecode, bytearray(struct.pack(f"={len(values)}{typecode}", *values)))


def _flat(typecode: str, buffer: "array[Any] | bytearray") -> NDArray[Any]:
    # numpy refuses to view an empty buffer
    return np.frombuffer(buffer, dtype=typecode) if buffer else np.empty(0, typecode)


def _as_type(flat: NDArray[Any], dtype: np.dtype[Any], *, special: int = 0) -> NDArray[Any]:
    """`special` of the floats are infinite or NaN by name; any more are numbers too large for the type."""
    if dtype.kind == "b" and flat.size and flat.max() > 1:
        raise ValueError("not a bool")
    if flat.dtype == dtype:
        typed = flat
    else:
        with np.errstate(over="ignore"):
            typed = flat.astype(dtype)
    if dtype.kind != "f" or (not special and _all_finite(typed)):
        return typed
    if np.count_nonzero(np.isfinite(typed)) != typed.size - special:
        raise OverflowError("infinite")
    return typed


def _all_finite(floats: NDArray[Any]) -> bool:
    """Whether there is neither NaN nor an infinity."""
    # a sum is neither only where none of its numbers is; of a few it is known sooner than numpy begins
    if floats.size <= _FEW_NUMBERS and math.isfinite(sum(floats.tolist())):
        return True
    return bool(np.isfinite(floats).all())


def _rounded(values: NDArray[Any], *dtypes: np.dtype[Any]) -> NDArray[Any]:
    """Floats in one type after the other. Raises ValueError where one becomes infinite ("does not fit float32")."""
    typed = values
    with np.errstate(over="ignore"):
        for dtype in dtypes:
            typed = typed.astype(dtype)
    if not np.isfinite(typed).all() and not np.array_equal(np.isinf(typed), np.isinf(values)):
        raise ValueError(f"does not fit {dtypes[-1]}")
    return typed
