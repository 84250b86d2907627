"""What the front is told about each request, for the statistics of the models."""

from collections.abc import Sequence

import numpy as np

from paddle_serving_runtime.engine import ModelDescription
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.protocol.measured import measured


class Counting:
    """The numbers of the models, and which of them count rows: those whose `max_batch_size` is not 0."""

    def __init__(self, models: Sequence[ModelDescription]) -> None:
        self._numbers = {model.name: number for number, model in enumerate(models, start=1)} | {SERVICE: 0}
        self._by_rows = frozenset(model.name for model in models if model.batch_size > 1)

    def header(self, call: Call, result: Result, *, succeeded: bool) -> tuple[bytes, bytes]:
        """The header x-measured of the reply."""
        rows = _rows(call) if call.target in self._by_rows else 1
        return measured(result, self._numbers[call.target], rows, succeeded=succeeded)


def _rows(call: Call) -> int:
    array = next(iter(call.inputs.values()), None)
    return array.shape[0] if isinstance(array, np.ndarray) and array.ndim else 1
