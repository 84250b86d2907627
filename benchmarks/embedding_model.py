"""Exports a model whose parameters are lookup tables of so many MB, and little to compute: FOLDER MEGABYTES."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import paddle
from paddle.pir_utils import OldIrGuard

_ROWS, _TABLES = 65536, 8


def export(folder: Path, megabytes: int) -> None:
    """Writes the model, `golden/a.npz` and `golden/b.npz`."""
    paddle.enable_static()
    paddle.seed(0)
    width = megabytes * 1_000_000 // (_TABLES * _ROWS * 4)
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        x = paddle.static.data("x", [None, 4], "int64")
        tables = [paddle.static.nn.embedding(x, [_ROWS, width]) for _ in range(_TABLES)]
        y = paddle.static.nn.fc(paddle.reshape(paddle.add_n(tables), [-1, 4 * width]), 1)
    executor = paddle.static.Executor()
    executor.run(startup)
    paddle.static.save_inference_model(str(folder / "model" / "inference"), [x], [y], executor, program=main)
    (folder / "golden").mkdir()
    for number, name in enumerate("ab"):
        np.savez(folder / "golden" / f"{name}.npz", x=np.arange(8, dtype=np.int64).reshape(2, 4) + number)


if __name__ == "__main__":
    with OldIrGuard():
        export(Path(sys.argv[1]), int(sys.argv[2]))
