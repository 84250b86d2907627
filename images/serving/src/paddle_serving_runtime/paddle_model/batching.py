"""How many rows may share a run of a model, and how long they wait for each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

MOST_ROWS = 64
_AUTO_ROWS = 16


@dataclass(frozen=True)
class Batching:
    """What `serve` is told about requests that share a run, where the package itself does not say it.

    `max_rows` is the largest number of rows that a run may have, 1 for none but the request's own; `wait` is how many
    seconds the first of a batch waits for others, 0 for not at all. `services` says whether that is for the models of
    Ops too: their proof costs every start some seconds, and a slow model may gain nothing, so that it is asked for.
    """

    max_rows: int
    wait: float
    services: bool = True

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """From its fields; raises TypeError where they are others."""
        return cls(**fields)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `Off`, `Auto`, `ROWS` or `ROWS,SECONDS`. Raises ValueError with a sentence for anything else."""
        if text in _NAMED:
            return cls(*_NAMED[text])
        rows, comma, seconds = text.partition(",")
        try:
            batching = cls(int(rows), float(seconds) if comma else 0.0)
        except ValueError:
            batching = cls(0, 0.0)
        if not (1 < batching.max_rows <= MOST_ROWS and 0 <= batching.wait <= 1):
            raise ValueError(
                f"{text!r} is neither Off nor Auto, nor a number of rows from 2 to {MOST_ROWS}, with or without the "
                "seconds to wait, at most 1: 16 or 16,0.005"
            )
        return batching

    @property
    def on(self) -> bool:
        """Whether requests may share a run."""
        return self.max_rows > 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of rows to be tried, in ascending order: Paddle keeps what it has prepared for each of them."""
        powers = (2**power for power in range(1, MOST_ROWS.bit_length()))
        return tuple(sorted({self.max_rows, *(size for size in powers if size < self.max_rows)} - {1}))


_NAMED = {"Off": (1, 0.0, True), "Auto": (_AUTO_ROWS, 0.0, False)}
OFF = Batching.parse("Off")
