"""One Op: preprocess, its model, postprocess, with the signatures and results of Paddle Serving 0.9.0."""

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.engine.failure import OpFailed, from_exception, location
from paddle_serving_runtime.errors import ServiceBroken
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.model.predictor import Predictor
from paddle_serving_runtime.protocol import ErrorCode

_BASE = "paddle_serving_server.pipeline.operator"
_WITH_DATA_ID = 4


class OpStep:
    """A node with a user's Op; `predictor` is None where the Op has no model."""

    def __init__(self, node: Node, predictor: Predictor | None) -> None:
        """Calls the Op's init_op; raises ServiceBroken with file and line where it fails or the Op cannot be run."""
        self._node = node
        op: Any = node.op
        self._op = op
        self._predictor = predictor
        self._feeds = {variable.alias for variable in predictor.conf.feeds} if predictor else set()
        _require_runnable(node)
        self._postprocess_takes_data_id = _takes_data_id(op.postprocess)
        try:
            op.init_op()
        except Exception as error:
            raise ServiceBroken(
                f"{location(error)}: init_op of op {node.name} failed: {type(error).__name__}: {error}"
            ) from error

    def run(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> dict[str, Any]:
        """What postprocess returns for the outputs of the previous Ops by their names. Raises OpFailed."""
        prepared, skip = self._preprocess(input_dicts, data_id, log_id)
        fetched = prepared if skip or self._predictor is None else self._process(prepared)
        return self._postprocess(input_dicts, fetched, data_id, log_id)

    def _preprocess(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> tuple[Any, bool]:
        try:
            prepared, skip, code, message = self._op.preprocess(input_dicts, data_id, log_id)
        except Exception as error:
            raise from_exception(self._node.name, "preprocess", error) from error
        self._raise_product_error(code, message)
        # Paddle Serving skips the model for True alone, not for every true value
        return prepared, skip is True

    def _process(self, prepared: object) -> Any:  # noqa: ANN401 - a dict, or one for every dict of a mini batch
        if isinstance(prepared, dict):
            return self._predict(prepared)
        if isinstance(prepared, list):
            return [self._predict(feed) for feed in prepared]
        raise OpFailed(
            self._node.name,
            ErrorCode.TYPE_ERROR,
            f"preprocess must return a dict or a list of dicts, not a {type(prepared).__name__}",
        )

    def _predict(self, feed: object) -> dict[str, NDArray[Any]]:
        """The model's outputs.

        Paddle Serving then cuts every output at the length of the first input, which loses rows where an output's
        first axis is not the batch (boxes of a detector); here every output is whole.
        """
        assert self._predictor is not None  # noqa: S101 - for the type checker; run() has asked
        self._check_feed(feed)
        try:
            outputs = self._predictor.run(feed)  # type: ignore[arg-type]
        except Exception as error:
            raise from_exception(self._node.name, "inference", error) from error
        return select(outputs, self._node.fetches)

    def _check_feed(self, feed: object) -> None:
        name = self._node.name
        if not isinstance(feed, dict):
            raise OpFailed(name, ErrorCode.TYPE_ERROR, "every element of a mini batch must be a dict")
        names = {key for key in feed if key in self._feeds or not key.endswith(".lod")}
        if names != self._feeds:
            raise OpFailed(
                name,
                ErrorCode.INPUT_PARAMS_ERROR,
                f"the model is fed {sorted(map(str, names))}, but its inputs are {sorted(self._feeds)}",
            )
        wrong = [key for key, value in feed.items() if not isinstance(value, np.ndarray)]
        if wrong:
            raise OpFailed(name, ErrorCode.TYPE_ERROR, f"feed {wrong[0]} is not an ndarray")

    def _postprocess(self, input_dicts: dict[str, Any], fetched: object, data_id: int, log_id: int) -> dict[str, Any]:
        arguments = (data_id, log_id) if self._postprocess_takes_data_id else (log_id,)
        try:
            output, code, message = self._op.postprocess(input_dicts, fetched, *arguments)
        except Exception as error:
            raise from_exception(self._node.name, "postprocess", error) from error
        if not isinstance(output, dict):
            raise OpFailed(self._node.name, ErrorCode.TYPE_ERROR, "postprocess should return dict")
        self._raise_product_error(code, message)
        return output

    def _raise_product_error(self, code: object, message: object) -> None:
        if code is None:
            return
        err_no = int(code) if isinstance(code, int | np.integer) and code else ErrorCode.PRODUCT_ERROR
        raise OpFailed("", err_no, str(message))


def select(outputs: Mapping[str, NDArray[Any]], fetches: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """The outputs that the configuration asks for, in its order and with their LoD; all where it names none."""
    if not fetches:
        return dict(outputs)
    names = [name for fetch in fetches for name in (fetch, f"{fetch}.lod") if name in outputs]
    return {name: outputs[name] for name in names}


def _require_runnable(node: Node) -> None:
    op: Any = node.op
    if type(op).process.__module__ != _BASE:
        raise ServiceBroken(
            f"op {node.name} overrides process(), which this runtime replaces. Move its work into preprocess and "
            "postprocess."
        )
    # Paddle Serving ends the process here, at the first request
    if len(node.inputs) > 1 and type(op).preprocess.__module__ == _BASE:
        raise ServiceBroken(
            f"op {node.name} has {len(node.inputs)} inputs ({', '.join(node.inputs)}) and no preprocess of its own. "
            "Override preprocess to say how they become one."
        )


def _takes_data_id(postprocess: Any) -> bool:  # noqa: ANN401 - a bound method of the user's
    """Since 0.7 postprocess has (input_dicts, fetch_dict, data_id, log_id); older services have no data_id."""
    parameters = inspect.signature(postprocess).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters):
        return True
    return len([p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) >= _WITH_DATA_ID
