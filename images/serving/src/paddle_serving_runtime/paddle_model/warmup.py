"""Shapes that a worker computes before it is asked: a model's first run of a shape takes several times a later one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Self

from typing_extensions import override

MOST_SHAPES = 64
_MOST_ELEMENTS = 2**26
"""Of an input: 256 MiB as float32."""

_SHOWN = 200
_SHAPE = re.compile(r"(?:[0-9]{1,9}(?:x[0-9]{1,9})*)?")


@dataclass(frozen=True)
class WarmShape:
    """The shapes of a model's inputs, batch included; `model` is the name of its Op, empty for the only model."""

    model: str
    inputs: Mapping[str, tuple[int, ...]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """From `[OP:]NAME=1x3x48x320[,NAME=...]`. Raises ValueError with a sentence for anything else."""
        model, _, listed = text.rpartition(":")
        inputs: dict[str, tuple[int, ...]] = {}
        for part in listed.split(","):
            name, equals, sizes = part.partition("=")
            if not (name and equals and _SHAPE.fullmatch(sizes)):
                raise ValueError(f"{text[:_SHOWN]!r} is not [OP:]INPUT=SHAPE,..., for example x=1x3x48x320")
            if name in inputs:
                raise ValueError(f"{text[:_SHOWN]!r} names the input {name} twice")
            inputs[name] = tuple(int(size) for size in sizes.split("x") if size)
            if not 0 < prod(inputs[name]) <= _MOST_ELEMENTS:
                raise ValueError(f"{text[:_SHOWN]!r}: the input {name} must have from 1 to {_MOST_ELEMENTS} elements")
        return cls(model, inputs)

    @override
    def __str__(self) -> str:
        """The text that it is parsed from."""
        inputs = ",".join(f"{name}={'x'.join(map(str, sizes))}" for name, sizes in self.inputs.items())
        return f"{self.model}:{inputs}" if self.model else inputs
