"""Runs of named shapes before the first request: Paddle prepares itself for each shape when it first meets it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.grouping import Feed, concatenate, rows_of
from paddle_serving_runtime.engine.inputs import check_inputs
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.paddle_model.paddle_errors import first_line
from paddle_serving_runtime.paddle_model.prototxt import Variable
from paddle_serving_runtime.paddle_model.warmup import WarmShape
from paddle_serving_runtime.protocol import BadRequest


@dataclass(frozen=True)
class Warmed:
    """What was computed: `shapes` that were named, and `sizes` of shared runs of them beside."""

    shapes: int
    sizes: int


def warm(runners: Mapping[str, ModelRunner], shapes: Sequence[WarmShape], progress: Callable[[int], None]) -> Warmed:
    """Computes each shape with its model, and with as many rows as requests that share a run may have.

    The values are ones: an id, a length and a scale may each be one. `progress` is told how many shapes are done.
    Raises InvalidOption naming the shape that no model has, or that its model cannot compute.
    """
    # all are looked at before the first is computed, which may take long
    feeds = [(shape, *_fed(runners, shape)) for shape in shapes]
    shared = 0
    for number, (shape, runner, feed) in enumerate(feeds, start=1):
        sizes = runner.shared_sizes(feed) if rows_of(feed) == 1 else ()
        try:
            for times in (1, *sizes):
                repeated = concatenate([feed] * times) if times > 1 else _copied(feed)
                runner.compute(repeated)
        except Exception as error:
            raise _misfit(shape, f"the model cannot compute it: {first_line(error).rstrip('.')}") from error
        shared += len(sizes)
        progress(number)
    return Warmed(len(feeds), shared)


def _fed(runners: Mapping[str, ModelRunner], shape: WarmShape) -> tuple[ModelRunner, Feed]:
    runner = _runner(runners, shape)
    conf = runner.conf
    if with_lod := [variable.alias for variable in conf.feeds if variable.is_lod]:
        raise _misfit(shape, f"input {with_lod[0]} has sequences (LoD), which golden samples alone can show")
    types = {variable.alias: variable for variable in conf.feeds}
    feed = {name: _ones(types.get(name), sizes) for name, sizes in shape.inputs.items()}
    try:
        return runner, check_inputs(conf, runner.shapes, feed)
    except BadRequest as error:
        raise _misfit(shape, error.message) from None


def _runner(runners: Mapping[str, ModelRunner], shape: WarmShape) -> ModelRunner:
    if shape.model in runners:
        return runners[shape.model]
    known = ", ".join(sorted(runners)) or "none"
    if shape.model:
        raise _misfit(shape, f"there is no model {shape.model}; the models are {known}")
    if len(runners) != 1:
        raise _misfit(shape, f"the service has several models, so name one before a colon: {known}")
    return next(iter(runners.values()))


def _ones(variable: Variable | None, sizes: tuple[int, ...]) -> NDArray[Any]:
    """Without memory for them yet."""
    kind = np.dtype(np.float32) if variable is None else variable.dtype
    return np.broadcast_to(np.array("1" if kind.kind == "U" else 1, kind), sizes)


def _copied(feed: Feed) -> Feed:
    return {name: np.array(value) for name, value in feed.items()}


def _misfit(shape: WarmShape, why: str) -> InvalidOption:
    return InvalidOption(
        f"--warmup {shape} (engine.warmup.shapes) does not fit: {why}. Correct the shape, or leave it out."
    )
