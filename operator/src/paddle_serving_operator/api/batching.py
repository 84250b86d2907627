"""spec.engine.batching: which requests share runs of a plain model."""

from dataclasses import dataclass
from enum import StrEnum

from paddle_serving_operator.api.fields import Fields

_MAX_ROWS = 64
_MAX_WAIT = 1000


class BatchingMode(StrEnum):
    """Whether requests share runs."""

    AUTO = "Auto"
    OFF = "Off"


@dataclass(frozen=True, slots=True)
class Batching:
    """A run has `max_rows` rows at most, and its first request waits so long for others."""

    mode: BatchingMode
    max_rows: int
    wait_milliseconds: int


def parse_batching(engine: Fields, *, has_runs: bool) -> Batching:
    """What the field says; `has_runs` is whether the engine lets requests share runs. Raises SpecError."""
    with engine.object("batching") as fields:
        mode = BatchingMode(fields.choice("mode", BatchingMode.OFF, tuple(BatchingMode)))
        if mode is BatchingMode.AUTO and not has_runs:
            raise fields.error("mode", "is Auto, which the engine of mode pipeline does not have. Use Off.")
        rows, wait = fields.whole("maxRows", 16, 2, _MAX_ROWS), fields.whole("waitMilliseconds", 0, 0, _MAX_WAIT)
        return Batching(mode, rows, wait)
