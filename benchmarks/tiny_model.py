"""Exports a model that takes x of the given shape and answers a weighted sum of its first row: FOLDER SHAPE."""

from __future__ import annotations

import sys
from pathlib import Path

import paddle


class FirstRow(paddle.nn.Layer):  # type: ignore[misc] # not followed, see pyproject.toml
    """A weighted sum of x[:, 0, 0, :]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = paddle.nn.Linear(width, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        """One number per example."""
        return self.linear(x[:, 0, 0, :])


def export(folder: Path, shape: list[int]) -> None:
    """Writes inference.json and inference.pdiparams into `folder`."""
    spec = paddle.static.InputSpec([None, *shape[1:]], "float32", "x")
    paddle.seed(0)
    paddle.jit.save(FirstRow(shape[-1]), str(folder / "inference"), input_spec=[spec])


if __name__ == "__main__":
    export(Path(sys.argv[1]), [int(part) for part in sys.argv[2].split(",")])
