"""Waiting with a deadline that says what it last saw."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS = 0.5


class NotInTime(AssertionError):  # noqa: N818 - reads as what happened
    """Something did not happen before its deadline; the message says what was last seen."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One look: whether it is what was waited for, and what it was, in words."""

    done: bool
    what: str


def wait_for(what: str, look: Callable[[], Seen], *, within: float) -> float:
    """Looks until `look` says done; returns the seconds it took.

    Raises NotInTime after `within` seconds; looks at least once more after the deadline has passed, so that a slow look
    does not count as a failure.
    """
    started = time.monotonic()
    while True:
        expired = time.monotonic() - started >= within
        seen = look()
        elapsed = time.monotonic() - started
        if seen.done:
            return elapsed
        if expired:
            raise NotInTime(f"{what}: not within {within:.0f} s. Last seen: {seen.what}")
        time.sleep(POLL_SECONDS)


def expect(ok: object, otherwise: str) -> None:
    """Raises AssertionError with the sentence where `ok` is false."""
    if not ok:
        raise AssertionError(otherwise)


def minutes(number: float) -> float:
    """Seconds in `number` minutes."""
    return number * 60
