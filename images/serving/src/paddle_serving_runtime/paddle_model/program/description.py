"""What a program file says, whichever form it has."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

VOCABULARY = "vocabulary"
"""The dtype of a parameter that maps words to numbers; its shape is not known."""


@dataclass(frozen=True)
class Port:
    """One input or output of a program: `shape` with the batch dimension, -1 where it is free; text has dtype str."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    lod_level: int


@dataclass(frozen=True)
class Parameter:
    """A tensor that the program expects in its parameter files; a dimension of -1 may have any size."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Operation:
    """One operation; `inputs` and `outputs` name values as nothing but this program does."""

    kind: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """Inputs and outputs in the order in which Paddle Inference lists them, parameters, operations.

    `operations` has those of every block, the ones of branches and loops too. `direct` has, by the name of an output,
    the name of the input or parameter that it is, where no operation computes it. `ranks` is the number of dimensions
    of a value, and `dtypes` its type, where the program says it; a program in the JSON form says no types here.
    """

    feeds: tuple[Port, ...]
    fetches: tuple[Port, ...]
    parameters: tuple[Parameter, ...]
    operations: tuple[Operation, ...] = ()
    direct: Mapping[str, str] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    dtypes: Mapping[str, str] = field(default_factory=dict)
