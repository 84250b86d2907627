"""Exports the models of the tests into the folder that is given: python export_models.py FOLDER.

pir/      paddle.jit.save: x float32 [N, 4] -> softmax float32 [N, 3], argmax int64 [N]     (Paddle 3's .json form)
program/  save_inference_model, old format: x float32 [N, 4] -> softmax [N, 3], cast int64 [N, 3]
types/    old format: a int64 [N, 2], b float32 [N, 2], c bool [N, 2] -> z_sum float32 [N, 2], a_twice int64 [N, 2]
names     of outputs are Paddle's own
"""

import sys
from pathlib import Path

import paddle
from paddle.pir_utils import OldIrGuard


class Classifier(paddle.nn.Layer):  # type: ignore[misc] # not followed, see pyproject.toml
    def __init__(self) -> None:
        super().__init__()
        self.linear = paddle.nn.Linear(4, 3)

    def forward(self, x: paddle.Tensor) -> tuple[paddle.Tensor, paddle.Tensor]:
        scores = self.linear(x)
        return paddle.nn.functional.softmax(scores), paddle.argmax(scores, axis=-1)


def export_pir(folder: Path) -> None:
    spec = [paddle.static.InputSpec([None, 4], "float32", "x")]
    paddle.jit.save(Classifier(), str(folder / "inference"), input_spec=spec)


def export_program(folder: Path) -> None:
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        x = paddle.static.data("x", [None, 4], "float32")
        scores = paddle.nn.functional.softmax(paddle.static.nn.fc(x, 3))
        tenths = paddle.cast(scores * 10, "int64")
    save(folder, [x], [scores, tenths], main, startup)


def export_types(folder: Path) -> None:
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        a = paddle.static.data("a", [None, 2], "int64")
        b = paddle.static.data("b", [None, 2], "float32")
        c = paddle.static.data("c", [None, 2], "bool")
        total = paddle.static.nn.fc(paddle.cast(a, "float32") + b + paddle.cast(c, "float32"), 2)
        twice = a + a
    save(folder, [a, b, c], [total, twice], main, startup)


def save(folder: Path, feeds: list, fetches: list, main: object, startup: object) -> None:
    executor = paddle.static.Executor()
    executor.run(startup)
    paddle.static.save_inference_model(str(folder / "inference"), feeds, fetches, executor, program=main)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    paddle.seed(0)
    export_pir(target / "pir")
    with OldIrGuard():
        paddle.enable_static()
        export_program(target / "program")
        export_types(target / "types")
