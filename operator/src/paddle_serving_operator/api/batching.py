"""spec.engine.batching: which requests share runs of a model."""

from dataclasses import dataclass
from enum import StrEnum

from paddle_serving_operator.api.fields import Fields

DEFAULT_MAX_ROWS = 16
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
    """What the field says, without it Auto; `has_runs` is whether the engine lets requests share runs, else it is Off.

    Raises SpecError.
    """
    with engine.object("batching") as fields:
        default = BatchingMode.AUTO if has_runs else BatchingMode.OFF
        mode = BatchingMode(fields.choice("mode", default, tuple(BatchingMode)))
        if mode is BatchingMode.AUTO and not has_runs:
            raise fields.error("mode", "is Auto, which the engine of mode pipeline does not have. Use Off.")
        rows = fields.whole("maxRows", DEFAULT_MAX_ROWS, 2, _MAX_ROWS)
        wait = fields.whole("waitMilliseconds", 0, 0, _MAX_WAIT)
        return Batching(mode, rows, wait)
