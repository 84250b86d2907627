"""A service whose model is a function of Python, and short ways to ask it."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np

from paddle_serving_runtime.engine import DirectEngine
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.paddle_model.prototxt import ModelConf, Variable
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

BAD = 13
Model = Callable[[np.ndarray], np.ndarray]


class Fake:
    """A model with input x and output y, computed by `model`; a run with a 13 in it fails."""

    conf = ModelConf(
        (Variable("x", "x", np.dtype("float32"), (), is_lod=False),),
        (Variable("y", "y", np.dtype("float32"), (), is_lod=False),),
    )
    shapes: Mapping[str, tuple[int, ...]] = {"x": (-1, -1), "y": (-1, -1)}
    model: Model = staticmethod(lambda x: x * 2)
    runs: Sequence[tuple[int, ...]] = ()

    def __init__(self, *_: object) -> None:
        type(self).runs = []

    def run(self, feed: Mapping[str, Any]) -> dict[str, Any]:
        type(self).runs = [*self.runs, feed["x"].shape]
        if (feed["x"] == BAD).any():
            raise RuntimeError("a bad row")
        return {"y": np.array(type(self).model(feed["x"]))}


def feeding(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
    (values,) = input_dicts.values()
    if "refuse" in values:
        return {}, False, 55, "refused"
    if "raise" in values:
        raise ValueError("raised")
    if "parts" in values:
        return [{"x": part} for part in values["parts"]], False, None, ""
    return {"x": values["x"]}, "skip" in values, None, ""


def telling(_self: object, _inputs: Any, fetched: Any, data_id: int, _log_id: int) -> Any:  # noqa: ANN401
    answers = fetched if isinstance(fetched, list) else [fetched]
    # whoever changes what he got must not change what another gets
    texts = []
    for answer in answers:
        for value in answer.values():
            texts.append(repr(value))
            np.add(value, 100, out=value, casting="unsafe")
    return {"y": ";".join(texts), "late": str(data_id == 0)}, None, ""


def engine(batch_size: int = 4, clock: Callable[[], float] = lambda: 0.0, **others: Any) -> DirectEngine:  # noqa: ANN401
    from paddle_serving_server.web_service import Op  # noqa: PLC0415 - importable after install() alone

    user_op = type("UserOp", (Op,), {"preprocess": feeding, "postprocess": telling})(name="a", input_ops=[])
    node = Node("a", user_op, (REQUEST,), Path("model"), Switches(), (), batch_size, None, None, 1)
    changed = Node(**{**node.__dict__, **others})
    return DirectEngine(Graph("svc", (changed,), "a"), clock)


def ask(engine: DirectEngine, *inputs: Mapping[str, Any], target: str = SERVICE) -> list[Result]:
    return engine.infer([Call(target, deepcopy(dict(values))) for values in inputs])


def answer(result: Result) -> str:
    assert isinstance(result.outcome, Response), result.outcome
    return result.outcome.values["y"]


def x(*rows: float) -> dict[str, Any]:
    return {"x": np.array([[row, row + 0.5] for row in rows], np.float32)}


def trusted(batch_size: int = 4, **others: Any) -> DirectEngine:  # noqa: ANN401 - as of Node
    """An engine whose model has shown that its rows are independent."""
    one = engine(batch_size, **others)
    ask(one, x(1), x(2))
    Fake.runs = []
    return one
