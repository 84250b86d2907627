"""What a worker tells the front about a request that it has given to a model: one header, never sent to clients."""

from paddle_serving_runtime.protocol.call import Result

HEADER = b"x-measured"
SUCCEEDED, _FAILED = "ok", "failed"


def measured(result: Result, model: int, rows: int, *, succeeded: bool) -> tuple[bytes, bytes]:
    """The header: microseconds in Paddle Inference, requests of the run, number of the model, outcome, rows.

    The number is 0 for the service as a whole, and from 1 on that of a model in the order of the engine's `models`.
    """
    microseconds = round(result.inference_seconds * 1_000_000)
    outcome = SUCCEEDED if succeeded else _FAILED
    return HEADER, f"{microseconds} {result.batch} {model} {outcome} {rows}".encode()
