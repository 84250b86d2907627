"""What a worker tells the front about a request that it has given to a model: one header, never sent to clients."""

from typing import NamedTuple, Self

from paddle_serving_runtime.protocol.call import Result

HEADER = b"x-measured"
SUCCEEDED = "ok"
_SUCCEEDED, _FAILED = SUCCEEDED.encode(), b"failed"


def measured(result: Result, model: int, rows: int, *, succeeded: bool) -> tuple[bytes, bytes]:
    """The header: microseconds in Paddle Inference, requests of the run, number of the model, outcome, rows.

    The number is 0 for the service as a whole, and from 1 on that of a model in the order of the engine's `models`.
    """
    microseconds = round(result.inference_seconds * 1_000_000)
    outcome = _SUCCEEDED if succeeded else _FAILED
    return HEADER, b"%d %d %d %b %d" % (microseconds, result.batch, model, outcome, rows)


class ModelCall(NamedTuple):
    """What a worker says of a request that it has given to a model.

    `inference` are the seconds in Paddle Inference, 0.0 where it did not come so far; `batch` the requests that were
    computed together; `model` is its number; `rows` are those of the request where the model
    counts rows, else 1.
    """

    inference: float
    batch: int
    model: int
    succeeded: bool
    rows: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """From the value of the header x-measured. Raises ValueError."""
        microseconds, batch, model, outcome, rows = text.split(" ")
        return cls(int(microseconds) / 1e6, int(batch), int(model), outcome == SUCCEEDED, int(rows))
