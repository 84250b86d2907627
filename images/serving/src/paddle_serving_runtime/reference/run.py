from collections.abc import Iterable, Mapping

from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.model.golden import Sample


def run(graph: Graph, samples: Iterable[Sample]) -> Mapping[str, Answer]:
    """The answer to every sample, by the sample's name."""
    raise NotImplementedError
