"""serving_server_conf.prototxt: the names, types and shapes of a model's inputs and outputs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Variable:
    """One input or output: `shape` without the batch dimension, as the prototxt has it; (-1,) for a LoD tensor."""

    name: str
    alias: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    is_lod: bool


@dataclass(frozen=True)
class ModelConf:
    """A model's inputs and outputs in the order of its prototxt."""

    feeds: tuple[Variable, ...]
    fetches: tuple[Variable, ...]


def read(model_dir: Path) -> ModelConf:
    """The configuration in a model's folder, or one made from the program where there is no prototxt.

    Raises ModelInvalid naming the file.
    """
    raise NotImplementedError
