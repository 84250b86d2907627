"""What happens to workers and front, as data: posted where it happens, handled in one place, see supervise.py."""

import asyncio
from dataclasses import dataclass

from paddle_serving_runtime.supervisor.readiness import Phase


@dataclass(frozen=True)
class Entered:
    """A worker is in another phase of its life."""

    worker: int
    phase: Phase


@dataclass(frozen=True)
class Lost:
    """So many requests have died with a worker."""

    requests: int


@dataclass(frozen=True)
class Died:
    """A worker has ended unasked; `how` goes on from "worker 1"."""

    worker: int
    how: str


@dataclass(frozen=True)
class Logged:
    """The front has written these lines to its log."""

    lines: tuple[bytes, ...]


@dataclass(frozen=True)
class FrontDied:
    """HAProxy has ended unasked, or did not start; `how` is what it said."""

    how: str


@dataclass(frozen=True)
class Failed:
    """Something that should run for as long as the pod has ended with an error."""

    error: BaseException


Event = Entered | Lost | Died | Logged | FrontDied | Failed

Events = asyncio.Queue[Event]
"""Whoever posts does not wait; `join` returns when all that was posted is handled."""
