"""Paddle Inference as the serving path uses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from paddle_serving_runtime.model.prototxt import ModelConf


@dataclass(frozen=True)
class Switches:
    """What changes how Paddle Inference computes; both sides of a comparison use the same.

    `device` is "cpu" or "gpu:<index of the visible device>", `threads` the CPU threads of one predictor.
    """

    ir_optim: bool = True
    onednn: bool = False
    threads: int = 1
    device: str = "cpu"
    memory_optim: bool = True
    precision: Literal["fp32"] = "fp32"


class Predictor:
    """One model, loaded. Not safe for use by two threads."""

    conf: ModelConf

    def __init__(self, model_dir: Path, switches: Switches) -> None:
        """Loads the model; raises ModelInvalid naming the file."""
        raise NotImplementedError

    def run(self, feed: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Outputs by alias, in the order of the prototxt, for inputs by name or alias (batch dimension included).

        Inputs are cast to the type that the prototxt states; `<name>.lod` keys set the LoD of an input and are
        returned for outputs that have one. Raises KeyError for a missing input, ValueError for one that is unknown.
        """
        raise NotImplementedError
