"""What every engine offers to the protocols in front of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from paddle_serving_runtime.protocol.call import Call, Result


@dataclass(frozen=True)
class TensorDescription:
    """An input or output of a model: `shape` with the batch dimension, -1 where a dimension is free."""

    name: str
    dtype: np.dtype[Any] | Literal["str"]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ModelDescription:
    """A model of the graph by the name of its node; rows of up to `batch_size` requests share a run."""

    name: str
    inputs: tuple[TensorDescription, ...]
    outputs: tuple[TensorDescription, ...]
    batch_size: int = 1


class Engine(Protocol):
    """Answers calls: those for the service as a whole, and those for one model of it.

    `capacity` is the number of calls that it can use at once, `models` are the targets of calls beside SERVICE.
    """

    @property
    def capacity(self) -> int: ...  # noqa: D102 - the class says it

    @property
    def models(self) -> tuple[ModelDescription, ...]: ...  # noqa: D102 - the class says it

    def submit(self, call: Call, done: Callable[[Result], None]) -> None:
        """Calls `done` exactly once, at once or later, from the event loop's thread. Never raises.

        The outcome is a Response, or one of BadRequest, OpFailed, UnpackableValue; anything else is an error of the
        runtime itself.
        """
