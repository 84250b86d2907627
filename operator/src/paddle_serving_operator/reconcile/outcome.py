"""What a pass found, for those who plan the next one. Values only."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a pass.

    `phase`: as the status says. `again`: when something is due that is known by now (a deadline, the end of a pause);
    None where nothing is. `polls`: something is awaited of which no watch tells; the queue looks ever more rarely.
    """

    phase: str
    again: timedelta | None = None
    polls: bool = False


GONE = Outcome("Gone")
"""The PaddleService does not exist any more: nothing is left to do until somebody makes it again."""
