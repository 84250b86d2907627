"""Reads JSON in which a tensor is a long list of numbers: an array at once, without an object for every number."""

import contextlib
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import orjson
import simdjson
from numpy.typing import NDArray

from paddle_serving_runtime.protocol.number_list import LIBRARY, NumberLists

_LONG_BODY = 32 * 1024
"""Shorter ones are read faster by orjson."""

_HEAD = 4096
_MANY_NUMBERS = 64
_MOST_KEYS = 64
_MOST_LISTS = 32
"""More of them are lists in lists, in which the numbers are few to a list."""


def _in_c() -> NumberLists | None:
    """None where it is not there; simdjson reads the same."""
    try:
        return NumberLists(LIBRARY)
    except OSError:
        return None


_IN_C = _in_c()
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class _UnlikeError(Exception):
    """simdjson would read it in another way than orjson."""


def loads(body: bytes | bytearray, fields: AbstractSet[str]) -> object:
    """What orjson.loads returns, but that a long list of numbers by a name in `fields` may be an array.

    The array is flat and writable, of float64 or, where every number is an integer, of int64. Whatever is not as
    simple as that is left to orjson, its errors too: raises orjson.JSONDecodeError.
    """
    if len(body) >= _LONG_BODY and _names_any(body[:_HEAD], fields):
        if _IN_C is not None:
            with contextlib.suppress(ValueError, RecursionError):
                return _IN_C.loads(body, fields)
        lists = _count_lists(body)
        if lists <= _MOST_LISTS and not body.startswith(_BYTE_ORDER_MARK):
            try:
                return _Reader(fields).read(body, lists)
            except (_UnlikeError, ValueError, TypeError, RuntimeError):
                pass
    return orjson.loads(body)


def _names_any(head: bytes | bytearray, fields: AbstractSet[str]) -> bool:
    return any(b'"%b"' % name.encode() in head for name in fields)


def _count_lists(body: bytes | bytearray) -> int:
    """The opening brackets, those in strings included; not counted past the limit."""
    count, at = 0, body.find(b"[")
    while at >= 0 and count <= _MOST_LISTS:
        count, at = count + 1, body.find(b"[", at + 1)
    return count


class _Reader:
    """One body."""

    def __init__(self, fields: AbstractSet[str]) -> None:
        self._fields = fields
        self._lists = 0

    def read(self, body: bytes | bytearray, lists: int) -> object:
        """Raises _UnlikeError, or what simdjson raises for what it does not read."""
        content = self._value(simdjson.Parser().parse(body), "")
        # as_buffer makes one list of lists in a list: then the body has more brackets than were seen
        if self._lists != lists:
            raise _UnlikeError
        return content

    def _value(self, value: object, name: str) -> object:
        if isinstance(value, simdjson.Object):
            return {key: self._value(value[key], key) for key in _keys(value)}
        if isinstance(value, simdjson.Array):
            self._lists += 1
            if name in self._fields and len(value) >= _MANY_NUMBERS and type(value[0]) in {int, float}:
                return _numbers(value)
            return [self._value(item, "") for item in value]
        return value


def _keys(value: Any) -> list[str]:  # noqa: ANN401 - simdjson.Object
    """Every name; value by value, because items() makes an object of every number."""
    keys = list(value)
    # a value is found by its name from the first one on: of two that are named alike orjson has the last
    if len(keys) > _MOST_KEYS or len(set(keys)) < len(keys):
        raise _UnlikeError
    return keys


def _numbers(values: Any) -> NDArray[np.float64] | NDArray[np.int64]:  # noqa: ANN401 - simdjson.Array
    if type(values[0]) is int:
        try:
            return np.frombuffer(values.as_buffer(of_type="i"), np.int64)
        except TypeError:  # one that is none comes later
            pass
    return np.frombuffer(values.as_buffer(of_type="d"), np.float64)
