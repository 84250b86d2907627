"""One Op: preprocess, its model, postprocess, with the signatures and results of Paddle Serving 0.9.0."""

import inspect
from collections.abc import Collection, Sequence
from copy import copy
from typing import Any, NamedTuple, Protocol

import numpy as np

from paddle_serving_runtime.engine.failure import OpFailed, from_exception, location
from paddle_serving_runtime.engine.inputs import EmptyAxes, InputCheck, check_lod
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.errors import ServiceBroken
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.protocol import BadRequest, ErrorCode
from paddle_serving_runtime.serving_packages.missing import where_to_find

_BASE = "paddle_serving_server.pipeline.operator"
_WITH_DATA_ID = 4


class Prepared(NamedTuple):
    """What a step makes of its inputs: feeds for the model, or where it skips the model what `finish` gets instead.

    `several` says that the Op asked for a mini batch, a run for each of a list of feeds.
    """

    feeds: Sequence[dict[str, Any]]
    several: bool = False
    instead: Any = None


class Step(Protocol):
    """A node that is ready to run; both methods raise BadRequest or OpFailed, or what a user's Op may raise."""

    @property
    def runner(self) -> ModelRunner | None:
        """Its model; None where it has none."""

    def prepare(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> Prepared:
        """What is to be run, for the outputs of the node's inputs by their names."""

    def finish(self, input_dicts: dict[str, Any], fetched: object, data_id: int, log_id: int) -> dict[str, Any]:
        """The node's output by name, for what the model answered: a dict, or a list of them for a mini batch."""


class ModelStep:
    """A model alone: tensors in, tensors out."""

    def __init__(self, runner: ModelRunner, shown: Collection[EmptyAxes] = ()) -> None:
        self.runner = runner
        self.check = InputCheck(runner.conf, runner.shapes, shown)

    def prepare(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> Prepared:  # noqa: ARG002 - as an Op
        """The checked inputs."""
        (inputs,) = input_dicts.values()
        return Prepared((self.check(inputs),))

    def finish(self, input_dicts: dict[str, Any], fetched: Any, data_id: int, log_id: int) -> dict[str, Any]:  # noqa: ANN401, ARG002 - as an Op
        """The model's outputs as they are."""
        return fetched  # type: ignore[no-any-return] # the runner's dict


class OpStep:
    """A node with a user's Op; `runner` is None where the Op has no model."""

    def __init__(self, node: Node, runner: ModelRunner | None) -> None:
        """Calls the Op's init_op; raises ServiceBroken with file and line where it fails or the Op cannot be run."""
        self._node = node
        op: Any = node.op
        self._op = op
        self.runner = runner
        self._feeds = {variable.alias for variable in runner.conf.feeds} if runner else set()
        _require_runnable(node)
        self._postprocess_takes_data_id = _takes_data_id(op.postprocess)
        try:
            op.init_op()
        except Exception as error:
            raise ServiceBroken(
                f"{location(error)}: init_op of op {node.name} failed: {type(error).__name__}: {error}"
                f"{where_to_find(error)}"
            ) from error

    def prepare(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> Prepared:
        """What preprocess returns."""
        try:
            prepared, skip, code, message = self._op.preprocess(input_dicts, data_id, log_id)
        except BaseException as error:
            raise from_exception(self._node.name, "preprocess", error) from error
        self._raise_product_error(code, message)
        # Paddle Serving skips the model for True alone, not for every true value
        if skip is True or self.runner is None:
            return Prepared((), instead=prepared)
        several = isinstance(prepared, list)
        if not several and not isinstance(prepared, dict):
            raise OpFailed(
                self._node.name,
                ErrorCode.TYPE_ERROR,
                f"preprocess must return a dict or a list of dicts, not a {type(prepared).__name__}",
            )
        feeds = prepared if several else [prepared]
        return Prepared([self._checked(feed) for feed in feeds], several)

    def finish(self, input_dicts: dict[str, Any], fetched: object, data_id: int, log_id: int) -> dict[str, Any]:
        """What postprocess returns."""
        arguments = (data_id, log_id) if self._postprocess_takes_data_id else (log_id,)
        try:
            output, code, message = self._op.postprocess(input_dicts, fetched, *arguments)
        except BaseException as error:
            raise from_exception(self._node.name, "postprocess", error) from error
        if not isinstance(output, dict):
            raise OpFailed(self._node.name, ErrorCode.TYPE_ERROR, "postprocess should return dict")
        self._raise_product_error(code, message)
        return output

    def around(self, op: object) -> "OpStep":
        """The same step with another Op of this kind, which is ready."""
        other = copy(self)
        other._op = op  # noqa: SLF001 - its own class
        return other

    def _checked(self, feed: object) -> dict[str, Any]:
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
        # a list of text is what Paddle Serving has for a tensor of text
        arrays = {key: np.array(value) if _is_texts(value) else value for key, value in feed.items()}
        wrong = [key for key, value in arrays.items() if not isinstance(value, np.ndarray)]
        if wrong:
            raise OpFailed(name, ErrorCode.TYPE_ERROR, f"feed {wrong[0]} is not an ndarray")
        for key in arrays.keys() - self._feeds:
            try:
                arrays[key] = check_lod(key, arrays[key], arrays.get(key.removesuffix(".lod")))
            except BadRequest as error:
                raise OpFailed(name, ErrorCode.INPUT_PARAMS_ERROR, error.message) from error
        return arrays

    def _raise_product_error(self, code: object, message: object) -> None:
        if code is None:
            return
        err_no = int(code) if isinstance(code, int | np.integer) and code else ErrorCode.PRODUCT_ERROR
        raise OpFailed("", err_no, str(message))


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(text, str) for text in value)


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
