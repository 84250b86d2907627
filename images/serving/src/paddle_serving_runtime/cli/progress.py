"""A bar on a terminal, lines elsewhere."""

from collections.abc import Callable
from typing import TextIO

_CELLS = 24


class ProgressBar:
    """How much of `seconds` is over, and what is being done; `clock` is in seconds, from wherever it counts."""

    def __init__(self, seconds: float, stream: TextIO, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._stream = stream
        self._clock = clock
        self._began = clock()
        self._width = 0
        self._said = ""

    def say(self, what: str) -> None:
        """Shows what is under way; called again and again with the same, it lets the bar grow."""
        gone = self._clock() - self._began
        if not self._stream.isatty():
            if what == self._said:
                return
            self._said = what
            self._stream.write(f"[{gone:4.0f} s of {self._seconds:g}] {what}\n")
            self._stream.flush()
            return
        full = min(_CELLS, int(_CELLS * gone / self._seconds))
        self._show(f"[{'#' * full}{'.' * (_CELLS - full)}] {gone:.0f} s of {self._seconds:g}  {what}")

    def end(self) -> None:
        """Takes the bar away."""
        if self._width:
            self._show("")
            self._stream.write("\r")
            self._stream.flush()

    def _show(self, line: str) -> None:
        self._stream.write(f"\r{line.ljust(self._width)}")
        self._stream.flush()
        self._width = len(line)
