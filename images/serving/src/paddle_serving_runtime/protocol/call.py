from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from paddle_serving_runtime.protocol.response import Response

SERVICE = ""
"""The target of a call for the service as a whole."""


@dataclass(frozen=True)
class Call:
    """One request, whichever protocol it came by.

    `target` is SERVICE, or the name of a node of the graph, whose model alone is then run on tensors. `inputs` are
    text by key and arrays by name; `outputs` the names wanted, all where empty. `alone`: it shares no run of a model.
    """

    target: str
    inputs: Mapping[str, str | NDArray[Any]]
    log_id: int = 0
    outputs: tuple[str, ...] = ()
    alone: bool = False


class Result(NamedTuple):
    """What came of a call: a response, or the exception that says why there is none.

    `inference_seconds` is the time in Paddle Inference, `batch` the number of requests that shared its run.
    """

    outcome: Response | Exception
    inference_seconds: float = 0.0
    batch: int = 1
