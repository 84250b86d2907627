"""Exports a model that takes x of the given shape and answers a weighted sum of its first row: FOLDER SHAPE."""

from __future__ import annotations

import sys
from pathlib import Path

import paddle
from paddle.pir_utils import OldIrGuard


def export(folder: Path, shape: list[int]) -> None:
    """Writes inference.pdmodel and inference.pdiparams: the form that runs without a thread pool of its own."""
    paddle.enable_static()
    paddle.seed(0)
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        x = paddle.static.data("x", [None, *shape[1:]], "float32")
        row = paddle.slice(x, axes=[1, 2], starts=[0, 0], ends=[1, 1])
        y = paddle.static.nn.fc(paddle.reshape(row, [-1, shape[-1]]), 1)
    executor = paddle.static.Executor()
    executor.run(startup)
    paddle.static.save_inference_model(str(folder / "inference"), [x], [y], executor, program=main)


if __name__ == "__main__":
    with OldIrGuard():
        export(Path(sys.argv[1]), [int(part) for part in sys.argv[2].split(",")])
