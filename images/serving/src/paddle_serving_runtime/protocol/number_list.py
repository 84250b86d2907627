"""Long lists of numbers in JSON, read by a function in C (images/serving/native) where it has been compiled."""

import ctypes
import re
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

LIBRARY = Path(__file__).with_name("libnumberlist.so")
"""Where the image has it; without it, and on another processor, simdjson reads the same numbers in twice the time."""

_KEY = re.compile(rb'"(\w+)"[ \t\r\n]*:[ \t\r\n]*\Z')
_KEY_BYTES = 64
_LONG_LIST = 1024
_BEGINNINGS = frozenset(bytes([character]) for character in b"-0123456789 ")
_BEFORE_LIST = 16
"""The function looks at so many characters at once, from the end of a number backwards."""

_MOST_LISTS = 32
_MOST_BESIDE = 16 * 1024
_MARK = b"@array"


class _List(NamedTuple):
    """One list: from its opening bracket to behind the closing one, and its numbers."""

    start: int
    end: int
    numbers: NDArray[Any]


class NumberLists:
    """Reads JSON in which the numbers of a tensor are a list under a known name."""

    def __init__(self, library: Path) -> None:
        """Raises OSError where the library is not there, or this processor cannot run it."""
        loaded = ctypes.PyDLL(str(library))
        if not loaded.can_read_number_list():
            raise OSError(f"this processor has no AVX2, which {library} needs")
        self._read = loaded.read_number_list
        self._read.restype = ctypes.c_long
        self._read.argtypes = (
            *(ctypes.c_void_p, ctypes.c_long, ctypes.c_long),
            *(ctypes.c_void_p, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p),
        )

    def loads(self, body: bytes | bytearray, fields: AbstractSet[str]) -> object:
        """What orjson.loads returns, with an array for every long list by a name in `fields`.

        Raises ValueError for what this does not read, be it JSON or not.
        """
        lists = self._lists(body, fields)
        pieces, at = [], 0
        for number, each in enumerate(lists):
            pieces += [body[at : each.start], b'"%b%d"' % (_MARK, number)]
            at = each.end
        beside = b"".join([*pieces, body[at:]])
        # without a backslash a text is what is written, and ends at the next quote: so a mark is none but one of these,
        # and what stood before a list is a name. Where the quotes around it were those of other texts, it would be
        # outside of any, and this would be no JSON either.
        if not lists or len(beside) > _MOST_BESIDE or b"\\" in beside or beside.count(_MARK) != len(lists):
            raise ValueError("not a tensor and little else")
        marks = {f"{_MARK.decode()}{number}": each.numbers for number, each in enumerate(lists)}
        return _filled(orjson.loads(beside), marks)

    def _lists(self, body: bytes | bytearray, fields: AbstractSet[str]) -> list[_List]:
        """The long ones, all of which have a name in `fields`. Raises ValueError for any other."""
        lists: list[_List] = []
        count, start = 0, body.find(b"[")
        while start >= 0:
            count, behind = count + 1, start + 1
            if count > _MOST_LISTS:
                raise ValueError("too many lists")
            if bytes(body[start + 1 : start + 2]) in _BEGINNINGS and body.find(b"]", start, start + _LONG_LIST) < 0:
                key = _KEY.search(body[max(0, start - _KEY_BYTES) : start])
                if key is None or key[1].decode() not in fields:
                    raise ValueError("a long list of something else")
                lists.append(self._list(body, start))
                behind = lists[-1].end
            start = body.find(b"[", behind)
        return lists

    def _list(self, body: bytes | bytearray, start: int) -> _List:
        if start < _BEFORE_LIST:
            raise ValueError("too near to the beginning")
        capacity = (body.find(b"]", start) - start) // 2 + 1
        values, said = np.empty(max(capacity, 0)), np.zeros(2, np.int64)
        text, told = _address(np.frombuffer(body, np.uint8)), _address(said)
        count = self._read(text, len(body), start + 1, _address(values), len(values), told, told + said.itemsize)
        if count < 0:
            raise ValueError("not numbers that are read here")
        end, integers = said.tolist()
        numbers = values[:count]
        return _List(start, end, numbers.astype(np.int64) if integers == count else numbers)


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])


def _filled(value: object, marks: dict[str, NDArray[Any]]) -> object:
    if isinstance(value, dict):
        return {key: _filled(item, marks) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, marks) for item in value]
    return marks.get(value, value) if isinstance(value, str) else value
