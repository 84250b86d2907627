"""What a worker is doing on each of its connections, readable by another process at any moment, whatever it does.

Paddle 3.3.1 holds the interpreter lock while it computes, so a worker cannot be asked; a shared file can. It has one
entry of 16 bytes for every connection: CLOCK_MONOTONIC seconds, which all processes of a host share, of the start of
the request in flight (0: none), and whether its client can still be answered. Behind them is the number of requests so
far.
"""

import mmap
import struct
import time
from enum import IntEnum
from pathlib import Path

SLOTS = 512
"""Connections that a worker can have at once."""

_ENTRY = struct.Struct("=dq")
_COUNT = struct.Struct("=q")
_COUNT_AT = _ENTRY.size * SLOTS
_BYTES = _COUNT_AT + _COUNT.size


class Owed(IntEnum):
    """Whether another process may answer the client where this one dies.

    BEGUN: some of the answer may have been sent; whatever followed it would be taken for the rest.
    """

    BEGUN = -1
    NOTHING = 0
    ANSWER = 1


_BEGUN, _NOTHING, _ANSWER = int(Owed.BEGUN), int(Owed.NOTHING), int(Owed.ANSWER)


class BusyMark:
    """The worker's side. `slot` is the number of a connection, below SLOTS."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_BYTES))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _BYTES)
        self._begun = 0

    def begin(self, slot: int, *, owed: bool) -> None:
        """A request is in flight from now on; not `owed`: what was written before it still waits to be read."""
        self._write(slot, time.monotonic(), _ANSWER if owed else _BEGUN)
        self._begun += 1
        _COUNT.pack_into(self._memory, _COUNT_AT, self._begun)

    def receiving(self, slot: int) -> None:
        """A request is arriving; the worker has nothing to compute yet."""
        self._write(slot, 0.0, _ANSWER)

    def answering(self, slot: int) -> None:
        """The answer is being sent; it may be cut off by the death of the worker."""
        (since, _) = _ENTRY.unpack_from(self._memory, slot * _ENTRY.size)
        self._write(slot, since, _BEGUN)

    def unsent(self, slot: int) -> None:
        """The worker is done with the request, but some of the answer waits to be read."""
        self._write(slot, 0.0, _BEGUN)

    def end(self, slot: int) -> None:
        """The answer is sent."""
        self._write(slot, 0.0, _NOTHING)

    def _write(self, slot: int, since: float, owed: int) -> None:
        _ENTRY.pack_into(self._memory, slot * _ENTRY.size, since, owed)


def busy_since(path: Path) -> float | None:
    """The time.monotonic() of the oldest request in flight; None where there is none, or the worker has not started."""
    return min((since for since, _ in _entries(path) if since), default=None)


def begun(path: Path) -> int:
    """How many requests the worker has begun."""
    try:
        return int(_COUNT.unpack_from(path.read_bytes(), _COUNT_AT)[0])
    except (OSError, struct.error):
        return 0


def owed_answers(path: Path) -> list[Owed]:
    """What is owed on each connection, by its slot; nothing of a worker that has not started."""
    return [Owed(owed) for _, owed in _entries(path)] or [Owed.NOTHING] * SLOTS


def _entries(path: Path) -> list[tuple[float, int]]:
    try:
        return list(_ENTRY.iter_unpack(path.read_bytes()[:_COUNT_AT]))
    except (OSError, struct.error):
        return []
