"""The nodes of a graph around plain inference."""

import inspect
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.errors import ModelInvalid, ServiceBroken
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.reference.inference import Feeds, Inference

_WITH_DATA_ID = 4


class Step(Protocol):
    """A node that can answer."""

    def __call__(self, inputs: dict[str, Any], data_id: int, log_id: int) -> dict[str, Any]:
        """The node's output for the outputs of the nodes before it."""


class Model(Protocol):
    """What computes: `feeds` has the inputs as alias -> (name, cast, shape)."""

    feeds: Feeds

    def __call__(self, feed: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Outputs by alias."""


def make_step(node: Node, model: Model | None = None) -> Step:
    """The node with its Op initialised; its model is loaded, unless one is given."""
    if model is None and node.model_dir is not None:
        model = Inference(node, node.model_dir)
    return _PlainStep(node, model) if node.op is None else _OpStep(node, model)


class _PlainStep:
    """A plain model: arrays, or text with numbers for an input of fixed shape."""

    def __init__(self, node: Node, model: Model | None) -> None:
        if model is None:
            raise ModelInvalid(f"node {node.name} has neither an Op nor a model.")
        self._model = model

    def __call__(self, inputs: dict[str, Any], data_id: int, log_id: int) -> dict[str, Any]:  # noqa: ARG002 - as an Op
        (values,) = inputs.values()
        return self._model({name: self._array(name, value) for name, value in values.items()})

    def _array(self, name: str, value: object) -> object:
        if not isinstance(value, str):
            return value
        _, cast, shape = self._model.feeds[name]
        if cast == "str":
            return [value]
        return _numbers(name, value.strip().strip("[]").split(","), cast).reshape(-1, *shape)


def _numbers(name: str, texts: list[str], cast: str) -> NDArray[Any]:
    """The numbers in their type. Raises ValueError or OverflowError where one is none or does not fit."""
    if np.dtype(cast).kind in "iub":
        exact: NDArray[Any] = np.array([int(text) for text in texts], np.int64)
        values = exact.astype(cast)
        fit = np.array_equal(values, exact)
    else:
        exact = np.array([float(text) for text in texts])
        values = exact.astype(cast)
        fit = np.array_equal(np.isinf(values), np.isinf(exact))
    if not fit:
        raise ValueError(f"input {name}: a number does not fit {cast}")
    return values


class _OpStep:
    """A user's Op: preprocess, inference, postprocess."""

    def __init__(self, node: Node, model: Model | None) -> None:
        op: Any = node.op
        self._op = op
        self._model = model
        op.init_op()

    def __call__(self, inputs: dict[str, Any], data_id: int, log_id: int) -> dict[str, Any]:
        fed, skip, code, message = self._op.preprocess(inputs, data_id, log_id)
        self._refuse(code, message)
        if self._model is None or skip is True:
            fetched: Any = fed
        else:
            fetched = [self._model(one) for one in fed] if isinstance(fed, list) else self._model(fed)
        answer, code, message = self._op.postprocess(inputs, fetched, *self._ids(data_id, log_id))
        self._refuse(code, message)
        if not isinstance(answer, Mapping):
            raise TypeError(f"postprocess of Op {self._op.name} returned a {type(answer).__name__}, not a dict")
        return dict(answer)

    def _ids(self, data_id: int, log_id: int) -> tuple[int, ...]:
        """Postprocess has had a data_id since Paddle Serving 0.7."""
        kinds = [parameter.kind for parameter in inspect.signature(self._op.postprocess).parameters.values()]
        variable = inspect.Parameter.VAR_POSITIONAL in kinds
        positional = [kind for kind in kinds if kind <= inspect.Parameter.POSITIONAL_OR_KEYWORD]
        return (data_id, log_id) if variable or len(positional) >= _WITH_DATA_ID else (log_id,)

    def _refuse(self, code: object, message: object) -> None:
        if code is not None:
            raise ServiceBroken(f"Op {self._op.name} answers with error {code} ({message})")
