"""Which PaddleService is looked at next, when and why: keyed, without duplicates, one worker per key at a time."""

import heapq
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple

from typing_extensions import override

from paddle_serving_operator.constants import Key

FIRST_RETRY = timedelta(milliseconds=250)
LONGEST_RETRY = timedelta(minutes=5)
FIRST_POLL = timedelta(milliseconds=150)  # endpoints follow within tens of milliseconds
LONGEST_POLL = timedelta(seconds=30)
PASSED_OVER = 64  # entries of the order that may be none any more, beside as many as there are keys


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from: `clock` in monotonic seconds, `jitter` in [0, 1)."""

    clock: Callable[[], float]
    jitter: Callable[[], float]


class Cause(NamedTuple):
    """Why a key is looked at: one of a few words, and what exactly happened, for the log."""

    word: str
    detail: str = ""

    @override
    def __str__(self) -> str:
        return f"{self.word} {self.detail}".rstrip()


POLL: Final = Cause("poll")
TIMER: Final = Cause("timer")
RESYNC: Final = Cause("resync")
RETRY: Final = Cause("retry")


@dataclass(frozen=True, slots=True)
class Turn:
    """A key that a worker has taken: why it was due (the first cause came first), and for how long it had to wait."""

    key: Key
    causes: tuple[Cause, ...]
    waited: timedelta


class Queue:
    """A delaying work queue. Safe for several threads.

    A key is either waiting (for each word with the moment when it is due), or being worked on, or both: then it comes
    again. Every settled key waits for its resync, so that nothing here may look at all of them for each event.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._changed = threading.Condition()
        self._waiting: dict[Key, dict[str, tuple[float, Cause]]] = {}
        # a heap of what waits and is not worked on, by when it is due; what is not true any more is passed over
        self._order: list[tuple[float, Key]] = []
        self._started: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._polls: dict[Key, int] = {}
        self._closed = False

    def add(self, key: Key, cause: Cause, delay: timedelta = timedelta(0)) -> None:
        """Something happened: makes the key due after the delay, or earlier where it was due earlier."""
        with self._changed:
            self._polls.pop(key, None)
            self._plan(key, cause, delay)

    def take(self, timeout: timedelta | None = None) -> Turn | None:
        """The key that is due longest and that nobody works on. Waits for it; None after the timeout or once closed."""
        with self._changed:
            deadline = None if timeout is None else self._timing.clock() + timeout.total_seconds()
            while not self._closed:
                now = self._timing.clock()
                due, key = self._first()
                if key is not None and due <= now:
                    return self._start(key, due, now)
                if deadline is not None and deadline <= now:
                    return None
                first = min(due, math.inf if deadline is None else deadline)
                self._changed.wait(first - now if first < math.inf else None)
            return None

    def _first(self) -> tuple[float, Key | None]:
        """What is due first and nobody works on; nothing is due at infinity."""
        while self._order:
            due, key = self._order[0]
            causes = self._waiting.get(key)
            if causes is not None and key not in self._started and _due(causes) == due:
                return due, key
            heapq.heappop(self._order)
        return math.inf, None

    def _start(self, key: Key, due: float, now: float) -> Turn:
        self._started[key] = now
        causes = sorted(item for item in self._waiting.pop(key).values() if item[0] <= now)
        heapq.heappop(self._order)
        self._changed.notify()  # who waits for what is first now, or for nothing, is to wait for that
        return Turn(key, tuple(cause for _, cause in causes), timedelta(seconds=now - due))

    def done(self, key: Key, again_in: timedelta, cause: Cause) -> None:
        """The work on the key succeeded; it is due again after this time at the latest."""
        with self._changed:
            self._polls.pop(key, None)
            self._release(key)
            self._plan(key, cause, again_in)

    def poll(self, key: Key, again_in: timedelta, cause: Cause, *, moved: bool) -> timedelta:
        """As `done`, but something is awaited of which nobody tells, so that the key is due before.

        Returns the wait: 0.15 s, then doubling up to 30 s, and from the beginning once the work moved something or
        something happened meanwhile.
        """
        with self._changed:
            polls = 0 if moved else self._polls.get(key, 0)
            self._polls[key] = polls + 1
            wait: timedelta = min(FIRST_POLL * 2 ** min(polls, 16), LONGEST_POLL)
            self._release(key)
            self._plan(key, *((POLL, wait) if wait < again_in else (cause, again_in)))
            return wait

    def finished(self, key: Key) -> None:
        """The work on the key succeeded and nothing is left to do until somebody adds it."""
        with self._changed:
            self._polls.pop(key, None)
            self._release(key)

    def failed(self, key: Key) -> timedelta:
        """The work on the key failed. Returns the wait: 0.25 s, doubling up to 5 min, up to a half less by chance."""
        with self._changed:
            failures = self._failures.get(key, 0)
            self._release(key)
            self._failures[key] = failures + 1
            longest: timedelta = min(FIRST_RETRY * 2 ** min(failures, 16), LONGEST_RETRY)
            delay = longest * (1 - self._timing.jitter() / 2)
            self._plan(key, RETRY, delay)
        return delay

    def _plan(self, key: Key, cause: Cause, delay: timedelta) -> None:
        """For each word the earliest moment counts, so that a key never has more entries than there are words."""
        due = self._timing.clock() + delay.total_seconds()
        causes = self._waiting.setdefault(key, {})
        if cause.word not in causes or due < causes[cause.word][0]:
            causes[cause.word] = (due, cause)
            if due == _due(causes) and key not in self._started:
                self._line_up(key, due)

    def _release(self, key: Key) -> None:
        self._failures.pop(key, None)
        self._started.pop(key, None)
        if causes := self._waiting.get(key):
            self._line_up(key, _due(causes))

    def _line_up(self, key: Key, due: float) -> None:
        if len(self._order) > PASSED_OVER + 2 * len(self._waiting):
            self._order = [(_due(causes), one) for one, causes in self._waiting.items() if one not in self._started]
            heapq.heapify(self._order)
        heapq.heappush(self._order, (due, key))
        if self._order[0] == (due, key):  # else whoever takes the first one wakes the next
            self._changed.notify()

    def close(self) -> None:
        """Lets every waiting worker go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._waiting)

    def backlog(self) -> int:
        """How many keys are due and wait for a worker."""
        with self._changed:
            now = self._timing.clock()
            return sum(1 for key, causes in self._waiting.items() if key not in self._started and _due(causes) <= now)

    def oldest_age(self) -> timedelta:
        """For how long the oldest due or unfinished work has been waiting; zero when nothing is late."""
        with self._changed:
            now = self._timing.clock()
            waiting = [_due(causes) for key, causes in self._waiting.items() if key not in self._started]
            since = min(waiting + list(self._started.values()), default=now)
            return timedelta(seconds=max(0.0, now - since))


def _due(causes: dict[str, tuple[float, Cause]]) -> float:
    return min(due for due, _ in causes.values())
