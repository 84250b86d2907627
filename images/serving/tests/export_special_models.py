"""Exports models that need care into the folder that is given: python export_special_models.py FOLDER.

All but those whose names begin with `old_` are Paddle 3's .json form; N is free, w is one parameter, 0.

bare           x float32 [N, 2] -> twice x, and its shape: no parameters
passed         x float32 [N, 2], k float32 [N, 1] -> twice x plus w, and k itself
lost           x float32 [N, 2] -> x + w, and what Paddle makes of x + 1.0 (x) and of w + 1.0 (w)
equal          x float32 [N, 4] -> x + w, and its argmax, twice
rows           x float32 [N, 2], y float32 [M, 2] -> both, below each other, plus w
recurrent      x float32 [N, 5, 4] -> float32 [N, 5, 3] of an LSTM, whose state is a parameter that is not saved
up_<mode>      x float32 [N, 3, 8, 8] -> a convolution of it, twice as large: nearest, bilinear, bicubic
branch         the same, nearest, in a branch
joined         the convolution twice, beside each other, and what is positive of them
several_axes   x float32 [N, 3, 8, 8] -> a convolution of it, normalized over three axes
attention      x float32 [N, 3, 8, 8] -> softmax(q k) v of a convolution, heads of rank 4
over_batch     x float32 [N, 2] -> x times its softmax over the rows
from_mean      x float32 [N, 2] -> twice x less the mean of the rows
turned         x float32 [N, 2] -> float32 [2, N]
widths         x float32 [N, W, 4] -> float32 [N, 3] of a linear layer, weighed over W
later          x float32 [N, 2] -> twice x, and the mean of what rows have above 100
average        x float32 [N, 3, 8, 8] -> averages that count what is padded, one column and one row more at the end
channels_last  x float32 [N, 8, 8, 8] -> the softmax of a convolution whose channels are the last axis
number         x float32 [] -> twice x plus w
old_average    as average
old_clip       x float32 [N, 2] clipped to limits that are tensors
old_passed     x float32 [N, 2] -> x times 2, and x itself
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paddle
from paddle.nn import functional
from paddle.pir_utils import OldIrGuard
from paddle.static import InputSpec

X, K, WIDE, Y = ([None, 2], "x"), ([None, 1], "k"), ([None, 4], "x"), ([None, 2], "y")
PICTURE, SEQUENCE = ([None, 3, 8, 8], "x"), ([None, 5, 4], "x")


class Model(paddle.nn.Layer):  # type: ignore[misc] # not followed, see pyproject.toml
    def __init__(self, forward: Callable[..., Any], layer: Any | None, *, has_parameter: bool) -> None:  # noqa: ANN401
        super().__init__()
        self.layer = layer
        self.compute = forward
        if has_parameter:
            self.w = self.create_parameter([1], default_initializer=paddle.nn.initializer.Constant(0.0))

    def forward(self, x: Any, other: Any = None) -> Any:  # noqa: ANN401 - paddle has no types
        return self.compute(self, x) if other is None else self.compute(self, x, other)


def convolution() -> Any:  # noqa: ANN401 - paddle has no types
    return paddle.nn.Conv2D(3, 4, 3, padding=1)


def larger(mode: str) -> Callable[..., Any]:
    return lambda m, x: functional.interpolate(m.layer(x), scale_factor=2, mode=mode)


def average(x: Any) -> Any:  # noqa: ANN401 - paddle has no types
    return functional.avg_pool2d(x, 3, 2, ceil_mode=True, exclusive=False)


def in_branch(m: Any, x: Any) -> Any:  # noqa: ANN401 - paddle has no types
    y = m.layer(x)
    return paddle.static.nn.cond(
        y.sum() > 0, lambda: functional.interpolate(y, scale_factor=2), lambda: paddle.tile(y, [1, 1, 2, 2])
    )


def attend(m: Any, x: Any) -> Any:  # noqa: ANN401 - paddle has no types
    heads = m.layer(x).reshape([0, 2, 2, 64])
    weights = functional.softmax(paddle.matmul(heads, heads.transpose([0, 1, 3, 2])))
    return paddle.matmul(weights, heads)


MODELS: dict[str, tuple[Callable[..., Any], Callable[[], Any] | None, list[tuple[list[int | None], str]]]] = {
    "bare": (lambda _, x: (x * 2, paddle.shape(x)), None, [X]),
    "passed": (lambda m, x, k: (x * 2 + m.w, k), None, [X, K]),
    "lost": (lambda m, x: (x + m.w, x + 1.0, m.w + 1.0), None, [X]),
    "equal": (lambda m, x: (x + m.w, paddle.argmax(x + m.w, -1), paddle.argmax(x + m.w, -1)), None, [WIDE]),
    "rows": (lambda m, x, y: paddle.concat([x, y], axis=0) + m.w, None, [X, Y]),
    "over_batch": (lambda m, x: functional.softmax(x, 0) * x + m.w, None, [X]),
    "from_mean": (lambda m, x: x * 2 - x.mean(0, keepdim=True) + m.w, None, [X]),
    "turned": (lambda m, x: paddle.transpose(x + m.w, [1, 0]), None, [X]),
    "later": (lambda m, x: x * 2 + functional.relu(x - 100).mean(0, keepdim=True) + m.w, None, [X]),
    "widths": (
        lambda m, x: (functional.softmax(m.layer(x), 1) * m.layer(x)).sum(1),
        lambda: paddle.nn.Linear(4, 3),
        [([None, None, 4], "x")],
    ),
    "recurrent": (lambda m, x: m.layer(x)[0], lambda: paddle.nn.LSTM(4, 3), [SEQUENCE]),
    **{f"up_{mode}": (larger(mode), convolution, [PICTURE]) for mode in ("nearest", "bilinear", "bicubic")},
    "branch": (in_branch, convolution, [PICTURE]),
    "joined": (lambda m, x: functional.relu(paddle.concat([m.layer(x), m.layer(x)], 1)), convolution, [PICTURE]),
    "several_axes": (lambda m, x: functional.layer_norm(m.layer(x), [4, 8, 8]), convolution, [PICTURE]),
    "attention": (attend, convolution, [PICTURE]),
    "average": (lambda m, x: average(x) + m.w, None, [PICTURE]),
    "channels_last": (
        lambda m, x: functional.softmax(m.layer(x)),
        lambda: paddle.nn.Conv2D(8, 8, 1, data_format="NHWC"),
        [([None, 8, 8, 8], "x")],
    ),
    "number": (lambda m, x: x * 2 + m.w.sum(), None, [([], "x")]),
    "table": (lambda m, k: m.layer(paddle.cast(k, "int64")), lambda: paddle.nn.Embedding(8, 3), [K]),
}


def export(folder: Path, name: str) -> None:
    forward, layer, inputs = MODELS[name]
    model = Model(forward, layer() if layer else None, has_parameter=layer is None and name != "bare")
    model.eval()
    specs = [InputSpec(shape, "float32", name) for shape, name in inputs]
    paddle.jit.save(model, str(folder / name / "inference"), input_spec=specs)


def export_old(folder: Path, forward: Callable[[Any], list[Any]], given: tuple[list[int | None], str] = X) -> None:
    main, startup = paddle.static.Program(), paddle.static.Program()
    with paddle.static.program_guard(main, startup):
        shape, name = given
        x = paddle.static.data(name, shape, "float32")
        outputs = forward(x)
    executor = paddle.static.Executor()
    paddle.static.save_inference_model(str(folder / "inference"), [x], outputs, executor, program=main)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    paddle.seed(1)
    for each in MODELS:
        export(target, each)
    with OldIrGuard():
        paddle.enable_static()
        export_old(
            target / "old_clip", lambda x: [paddle.clip(x, paddle.full([1], -0.5), paddle.full([1], 0.5)), x * 2]
        )
        export_old(target / "old_passed", lambda x: [x * 2, x])
        export_old(target / "old_average", lambda x: [average(x)], PICTURE)
