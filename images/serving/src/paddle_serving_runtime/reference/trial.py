"""Several backends on the same samples: what each answers, and how long it takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.graph import Graph
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.paddle_model.paddle_errors import first_line
from paddle_serving_runtime.paddle_model.switches import Backend
from paddle_serving_runtime.reference.inference import Feeds, Inference
from paddle_serving_runtime.reference.run import answer
from paddle_serving_runtime.reference.steps import Step, make_step

_ROUNDS = 20
_TIMED_SAMPLES = 4

Clock = Callable[[], float]


@dataclass(frozen=True)
class Tried:
    """What one backend has computed: `seconds` of CPU for a round of the first samples, or why it cannot."""

    answers: Mapping[str, Answer]
    seconds: float
    failure: str = ""


class _Selected:
    """A node's model in every backend; the one that is selected computes."""

    def __init__(self, models: Mapping[Backend, Inference], selected: list[Backend]) -> None:
        self._models = models
        self._selected = selected
        self.feeds: Feeds = next(iter(models.values())).feeds

    def __call__(self, feed: dict[str, Any]) -> dict[str, NDArray[Any]]:
        return self._models[self._selected[0]](feed)


def try_backends(
    graphs: Mapping[Backend, Graph], samples: Sequence[Sample], cpu: Clock, wall: Clock, budget: float
) -> dict[Backend, Tried]:
    """What each backend answers to every sample, and what it costs; `graphs` are one service, the first has to work.

    The Ops are initialised once. The backends are measured in turn until the wall clock's `budget` in seconds is used
    up, once at least. Raises what the service raises with the first backend.
    """
    serving_packages.install()
    models: dict[Backend, dict[str, Inference]] = {}
    tried: dict[Backend, Tried] = {}
    for backend, graph in graphs.items():
        try:
            models[backend] = {node.name: Inference(node, node.model_dir) for node in graph.nodes if node.model_dir}
        except Exception as error:
            if not models:
                raise
            tried[backend] = Tried({}, 0.0, first_line(error).rstrip("."))
    selected = [next(iter(models))]
    graph = graphs[selected[0]]
    steps = {node.name: make_step(node, _selected(node.name, models, selected)) for node in graph.nodes}
    for backend in models:
        selected[0] = backend
        try:
            tried[backend] = Tried({one.name: answer(graph, steps, one, 0) for one in samples}, 0.0)
        except Exception as error:
            if backend == next(iter(models)):
                raise
            tried[backend] = Tried({}, 0.0, f"it does not answer a golden sample: {first_line(error).rstrip('.')}")
    usable = [backend for backend in models if not tried[backend].failure]
    seconds = _measured(usable, selected, lambda: _round(graph, steps, samples), (cpu, wall), budget)
    return {name: Tried(one.answers, seconds.get(name, 0.0), one.failure) for name, one in tried.items()}


def _selected(
    node: str, models: Mapping[Backend, Mapping[str, Inference]], selected: list[Backend]
) -> _Selected | None:
    of_node = {backend: nodes[node] for backend, nodes in models.items() if node in nodes}
    return _Selected(of_node, selected) if of_node else None


def _round(graph: Graph, steps: Mapping[str, Step], samples: Sequence[Sample]) -> None:
    for sample in samples[:_TIMED_SAMPLES]:
        answer(graph, steps, sample, 0)


def _measured(
    backends: Sequence[Backend],
    selected: list[Backend],
    compute: Callable[[], None],
    clocks: tuple[Clock, Clock],
    budget: float,
) -> dict[Backend, float]:
    """The least seconds of CPU of a round, by backend."""
    cpu, wall = clocks
    found: dict[Backend, list[float]] = {backend: [] for backend in backends}
    end = wall() + budget
    for number in range(_ROUNDS):
        for backend in backends:
            selected[0] = backend
            begin = cpu()
            compute()
            found[backend].append(cpu() - begin)
        if wall() >= end and number:
            break
    return {backend: min(times) for backend, times in found.items()}
