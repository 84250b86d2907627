"""Progress for people: one line per step with its time, and a sign of life from long ones."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

FIRST_SIGN_OF_LIFE = 3.0
NEXT_SIGN_OF_LIFE = 20.0
MINUTE = 60
HOUR = 3600
TENTHS_BELOW = 9.95


def duration(seconds: float) -> str:
    """`0.4s`, `12s`, `3m20s`, `1h02m`."""
    if seconds < TENTHS_BELOW:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02}s"
    return f"{whole // HOUR}h{whole % HOUR // MINUTE:02}m"


class Step:
    """One step in progress. `doing` renames what runs now, `result` is what the closing line says."""

    def __init__(self, title: str) -> None:
        """A step that so far does what its title says."""
        self.doing = title
        self.result = "done"


class Console:
    """Writes progress lines to `stream`; standard output stays free for what a command prints."""

    def __init__(
        self,
        stream: TextIO = sys.stderr,
        clock: Callable[[], float] = time.monotonic,
        signs_of_life: tuple[float, float] = (FIRST_SIGN_OF_LIFE, NEXT_SIGN_OF_LIFE),
    ) -> None:
        """`signs_of_life` are the seconds until a running step first shows, and between its later lines."""
        self._stream = stream
        self._clock = clock
        self._signs_of_life = signs_of_life
        self._start = clock()

    def say(self, text: str) -> None:
        """One line, with the time since the command started."""
        self._stream.write(f"{duration(self._clock() - self._start):>7}  {text}\n")
        self._stream.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Announces a step that takes long, repeats what it does while it runs, closes it with its result and time."""
        step, begin, over = Step(title), self._clock(), threading.Event()
        beat = threading.Thread(target=self._signs, args=(step, begin, over), daemon=True)
        beat.start()
        try:
            yield step
        except BaseException:
            self._close(beat, over)
            self.say(f"{title}: FAILED ({duration(self._clock() - begin)})")
            raise
        self._close(beat, over)
        self.say(f"{title}: {step.result} ({duration(self._clock() - begin)})")

    def _signs(self, step: Step, begin: float, over: threading.Event) -> None:
        first, later = self._signs_of_life
        wait = first
        while not over.wait(wait):
            self.say(f"{step.doing} ... {duration(self._clock() - begin)}")
            wait = later

    @staticmethod
    def _close(beat: threading.Thread, over: threading.Event) -> None:
        over.set()
        beat.join()
