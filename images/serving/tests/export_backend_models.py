"""Exports models for the backends into the folder that is given: python export_backend_models.py FOLDER.

All are of the old form, with parameters in one file; N and M are free.

classes     x float32 [N, 4] -> softmax float32 [N, 3] of an MLP
sum         x float32 [N, 2], other float32 [M, 2] -> a linear layer of their sum: only equal N and M have an answer
whole       x int64 [N, 2] -> x * 2 + 1
place       x float32 [N, 4] -> the place of the largest of 3, int64 [N, 1]
double      x float64 [N, 4] -> a linear layer of it
ties        x float32 [N, 4] -> the places of the two largest, int64 [N, 2]
words       ids int64 [N, 2] -> a linear layer of their rows in a table of ten
chosen      x float32 [N, 4], ids int64 [M] -> a linear layer of those rows of x
later       x float32 [N, 2] -> twice x, and the mean of what rows have above 100
refused     x float32 [N, 4] -> log_softmax, which the OpenVINO engine does not load
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["FLAGS_enable_pir_api"] = "0"  # noqa: SIM112 - the name is Paddle's; read at import; jit.save writes the old form then

import paddle
from paddle.static import InputSpec

WIDE = InputSpec([None, 4], "float32", "x")
PAIR = [None, 2]


class Model(paddle.nn.Layer):  # type: ignore[misc] # not followed, see pyproject.toml
    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.first, self.second = paddle.nn.Linear(4, 64), paddle.nn.Linear(64, 3)
        self.pair = paddle.nn.Linear(2, 3)
        self.table, self.both = paddle.nn.Embedding(10, 4), paddle.nn.Linear(8, 3)
        self.one = self.create_parameter([1], default_initializer=paddle.nn.initializer.Constant(1.0))
        self.compute = forward

    def scores(self, x: Any) -> Any:  # noqa: ANN401 - paddle has no types
        return self.second(paddle.nn.functional.relu(self.first(x)))

    def forward(self, x: Any, other: Any = None) -> Any:  # noqa: ANN401 - paddle has no types
        return self.compute(self, x) if other is None else self.compute(self, x, other)


MODELS: dict[str, tuple[Callable[..., Any], list[InputSpec]]] = {
    "classes": (lambda m, x: paddle.nn.functional.softmax(m.scores(x)), [WIDE]),
    "sum": (
        lambda m, x, other: m.pair(x + other),
        [InputSpec(PAIR, "float32", "x"), InputSpec(PAIR, "float32", "other")],
    ),
    "whole": (lambda m, x: (x * 2 + 1, paddle.cast(x, "float32") * m.one), [InputSpec(PAIR, "int64", "x")]),
    "place": (lambda m, x: paddle.topk(m.scores(x), 1)[1], [WIDE]),
    "double": (lambda m, x: paddle.cast(x, "float64") * 2 + m.one.astype("float64"), [InputSpec(PAIR, "float64", "x")]),
    "ties": (lambda m, x: paddle.topk(x * m.one, 2)[1], [WIDE]),
    "words": (lambda m, ids: m.both(paddle.reshape(m.table(ids), [-1, 8])), [InputSpec(PAIR, "int64", "ids")]),
    "chosen": (lambda m, x, ids: m.scores(paddle.gather(x, ids)), [WIDE, InputSpec([None], "int64", "ids")]),
    "later": (
        lambda m, x: x * 2 + paddle.nn.functional.relu(x - 100).mean(0, keepdim=True) * m.one,
        [InputSpec(PAIR, "float32", "x")],
    ),
    "refused": (lambda m, x: paddle.nn.functional.log_softmax(m.scores(x)), [WIDE]),
}


if __name__ == "__main__":
    target = Path(sys.argv[1])
    paddle.seed(0)
    for name, (forward, spec) in MODELS.items():
        paddle.jit.save(Model(forward), str(target / name / "inference"), input_spec=spec)
