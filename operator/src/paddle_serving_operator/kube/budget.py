"""How long the API calls of one pass may take in all, and what they took."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paddle_serving_operator.kube.errors import Unavailable

CONNECT_SECONDS = 5.0
SHOWN = 5  # calls that a sentence names


class OutOfTime(Unavailable):
    """The time of the pass is used up; the text says by which calls."""


class Budget:
    """The time of one pass. `writes` counts the calls that changed something. For one thread."""

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        """`clock` in monotonic seconds; the time runs from now on."""
        self._clock = clock
        self._seconds = seconds
        self._end = clock() + seconds
        self._spent: list[tuple[float, str]] = []
        self.writes = 0

    def left(self) -> float:
        """Seconds that are left, never less than 0."""
        return max(0.0, self._end - self._clock())

    def timeouts(self, what: str) -> tuple[float, float]:
        """Seconds to connect and to wait for the answer of the next call. Raises OutOfTime where none are left."""
        left = self.left()
        if left <= 0:
            raise OutOfTime(f"{what}: {self.summary()}")
        return min(CONNECT_SECONDS, left), left

    @contextmanager
    def spending(self, what: str, *, writes: bool) -> Iterator[None]:
        """Notes how long the call in this block takes; one that raises has written nothing."""
        began = self._clock()
        try:
            yield
            self.writes += writes
        finally:
            self._spent.append((self._clock() - began, what))

    def summary(self) -> str:
        """What took the time, the longest call first."""
        longest = sorted(self._spent, key=lambda call: -call[0])
        named = ", ".join(f"{what} {seconds:.1f} s" for seconds, what in longest[:SHOWN])
        rest = f", and {len(longest) - SHOWN} more" if len(longest) > SHOWN else ""
        return f"the {self._seconds:g} s of this pass are used up ({named or 'by no call'}{rest})"
