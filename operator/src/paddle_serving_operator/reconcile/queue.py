"""Which PaddleService is looked at next, and when: keyed, without duplicates, one worker per key at a time."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from paddle_serving_operator.constants import Key

FIRST_RETRY = timedelta(milliseconds=250)
LONGEST_RETRY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from: `clock` in monotonic seconds, `jitter` in [0, 1)."""

    clock: Callable[[], float]
    jitter: Callable[[], float]


class Queue:
    """A delaying work queue. Safe for several threads.

    A key is either waiting (with the moment when it is due), or being worked on, or both: then it comes again.
    """

    def __init__(self, timing: Timing) -> None:
        self._timing = timing
        self._changed = threading.Condition()
        self._due: dict[Key, float] = {}
        self._started: dict[Key, float] = {}
        self._failures: dict[Key, int] = {}
        self._closed = False

    def add(self, key: Key, delay: timedelta = timedelta(0)) -> None:
        """Makes the key due after the delay, or earlier where it was due earlier."""
        with self._changed:
            due = self._timing.clock() + delay.total_seconds()
            self._due[key] = min(due, self._due.get(key, due))
            self._changed.notify()

    def take(self, timeout: timedelta | None = None) -> Key | None:
        """The key that is due longest and that nobody works on. Waits for it; None after the timeout or once closed."""
        with self._changed:
            deadline = None if timeout is None else self._timing.clock() + timeout.total_seconds()
            while not self._closed:
                now = self._timing.clock()
                waiting = [(due, key) for key, due in self._due.items() if key not in self._started]
                due, key = min(waiting, default=(None, None))
                if key is not None and due is not None and due <= now:
                    del self._due[key]
                    self._started[key] = now
                    return key
                if deadline is not None and deadline <= now:
                    return None
                moments = [moment for moment in (due, deadline) if moment is not None]
                self._changed.wait(min(moments) - now if moments else None)
            return None

    def done(self, key: Key, again_in: timedelta) -> None:
        """The work on the key succeeded; it is due again after this time at the latest."""
        with self._changed:
            self._failures.pop(key, None)
            self._release(key)
        self.add(key, again_in)

    def finished(self, key: Key) -> None:
        """The work on the key succeeded and nothing is left to do until somebody adds it."""
        with self._changed:
            self._failures.pop(key, None)
            self._release(key)

    def failed(self, key: Key) -> timedelta:
        """The work on the key failed. Returns the wait: 0.25 s, doubling up to 5 min, up to a half less by chance."""
        with self._changed:
            failures = self._failures.get(key, 0)
            self._failures[key] = failures + 1
            longest: timedelta = min(FIRST_RETRY * 2 ** min(failures, 16), LONGEST_RETRY)
            self._release(key)
        delay = longest * (1 - self._timing.jitter() / 2)
        self.add(key, delay)
        return delay

    def _release(self, key: Key) -> None:
        self._started.pop(key, None)
        self._changed.notify()

    def close(self) -> None:
        """Lets every waiting worker go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        with self._changed:
            return len(self._due)

    def oldest_age(self) -> timedelta:
        """For how long the oldest due or unfinished work has been waiting; zero when nothing is late."""
        with self._changed:
            now = self._timing.clock()
            since = min(
                [due for key, due in self._due.items() if key not in self._started] + list(self._started.values()),
                default=now,
            )
            return timedelta(seconds=max(0.0, now - since))
