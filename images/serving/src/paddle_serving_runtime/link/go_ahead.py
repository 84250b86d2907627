"""Processes that will load a package import Paddle while its files are verified, and load nothing of it before."""

import os
from types import TracebackType
from typing import Self

_GO = b"1"


class GoAhead:
    """The supervisor's end. Without `give` nobody goes on: its end tells the others to end too."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _: TracebackType | None
    ) -> None:
        os.close(self._read)
        os.close(self._write)

    @property
    def descriptor(self) -> int:
        """What a process that waits inherits."""
        return self._read

    def give(self, processes: int) -> None:
        """So many processes may load the package."""
        os.write(self._write, _GO * processes)


def wait_for_go_ahead(descriptor: int) -> None:
    """Returns when the package may be loaded. Raises SystemExit, with status 0, where the supervisor has ended."""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        if pipe.read(1) != _GO:
            raise SystemExit(0)
