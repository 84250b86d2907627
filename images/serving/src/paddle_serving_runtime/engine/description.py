"""What the model of a node takes and gives, for clients that ask."""

from collections.abc import Iterable, Mapping

from paddle_serving_runtime.engine.interface import ModelDescription, TensorDescription
from paddle_serving_runtime.graph import Node
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.prototxt import Variable


def describe(node: Node, predictor: Predictor) -> ModelDescription:
    """Names and types from the prototxt, shapes from the program: a prototxt leaves free dimensions out."""
    fetches = [variable for variable in predictor.conf.fetches if not node.fetches or variable.alias in node.fetches]
    return ModelDescription(
        node.name, _described(predictor.conf.feeds, predictor.shapes), _described(fetches, predictor.shapes)
    )


def _described(variables: Iterable[Variable], shapes: Mapping[str, tuple[int, ...]]) -> tuple[TensorDescription, ...]:
    return tuple(
        TensorDescription(
            variable.alias,
            "str" if variable.dtype.kind == "U" else variable.dtype,
            shapes.get(variable.name, (-1, *variable.shape)),
        )
        for variable in variables
    )
