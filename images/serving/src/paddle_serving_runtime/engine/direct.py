from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Protocol

from numpy.typing import NDArray

from paddle_serving_runtime.engine.failure import from_exception
from paddle_serving_runtime.engine.inputs import check_inputs
from paddle_serving_runtime.engine.packing import packer
from paddle_serving_runtime.engine.step import OpStep, select
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.model.predictor import Predictor


class Step(Protocol):
    """A node that is ready to run."""

    def run(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> dict[str, Any]:
        """The node's output by name, for the outputs of its inputs by their names."""


class DirectEngine:
    """A graph with its models loaded and its Ops initialised. Not safe for use by two threads.

    `pack` makes a response body of what infer returned; it raises UnpackableValue or OpFailed.
    """

    def __init__(self, graph: Graph) -> None:
        """Loads every model; raises ModelInvalid or ServiceBroken."""
        self._graph = graph
        self._steps = {node.name: _step(node) for node in graph.nodes}
        self._uses = Counter(name for node in graph.nodes for name in node.inputs)
        self._data_id = 0
        self.pack = packer(graph)

    def infer(self, inputs: Mapping[str, str | NDArray[Any]], log_id: int) -> dict[str, Any]:
        """The output of the last node. Raises BadRequest where the input cannot be right, OpFailed for the rest."""
        self._data_id += 1
        outputs: dict[str, dict[str, Any]] = {REQUEST: dict(inputs)}
        for node in self._graph.nodes:
            given = {name: self._own_copy(name, outputs[name]) for name in node.inputs}
            outputs[node.name] = self._steps[node.name].run(given, self._data_id, log_id)
        return outputs[self._graph.output]

    def _own_copy(self, name: str, output: dict[str, Any]) -> dict[str, Any]:
        # Ops change their inputs in place; Paddle Serving copies for every consumer where there is more than one
        return deepcopy(output) if self._uses[name] > 1 else output


class _ModelStep:
    """A plain model: tensors in, tensors out."""

    def __init__(self, node: Node, predictor: Predictor) -> None:
        self._node = node
        self._predictor = predictor

    def run(self, input_dicts: dict[str, Any], data_id: int, log_id: int) -> dict[str, Any]:  # noqa: ARG002 - as an Op
        (inputs,) = input_dicts.values()
        feed = check_inputs(self._predictor.conf, inputs)
        try:
            outputs = self._predictor.run(feed)
        except Exception as error:
            raise from_exception(self._node.name, "inference", error) from error
        return select(outputs, self._node.fetches)


def _step(node: Node) -> Step:
    predictor = Predictor(node.model_dir, node.switches) if node.model_dir else None
    if node.op is not None:
        return OpStep(node, predictor)
    if predictor is None:
        raise AssertionError(f"node {node.name} has neither an Op nor a model")
    return _ModelStep(node, predictor)
