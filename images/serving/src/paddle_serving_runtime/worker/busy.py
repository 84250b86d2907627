"""Since when a worker has been busy, readable by another process at any moment, whatever the worker does.

Paddle 3.3.1 holds the interpreter lock while it computes, so a worker cannot be asked; eight bytes of a shared file
can. They hold CLOCK_MONOTONIC seconds, which all processes of a host share, and 0 for an idle worker.
"""

import mmap
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS = struct.Struct("=d")


class BusyMark:
    """The worker's side: `with mark.busy(): ...` around a request."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(_SECONDS.pack(0.0))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SECONDS.size)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Marks the worker busy from now to the end of the block."""
        _SECONDS.pack_into(self._memory, 0, time.monotonic())
        try:
            yield
        finally:
            _SECONDS.pack_into(self._memory, 0, 0.0)


def busy_since(path: Path) -> float | None:
    """The time.monotonic() at which the worker took its request; None where it is idle or has not started."""
    try:
        (since,) = _SECONDS.unpack(path.read_bytes())
    except (OSError, struct.error):
        return None
    return float(since) or None
