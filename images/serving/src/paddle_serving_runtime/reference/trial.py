"""Several backends on the same samples: what each answers, and how long it takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    """What one backend has computed: `seconds` of CPU of its models for the first samples, or why it cannot."""

    answers: Mapping[str, Answer]
    seconds: float
    failure: str = ""


@dataclass
class _Turn:
    """Whose turn it is, and the runs that are kept to be timed: a model in every backend and what it was given."""

    backend: Backend
    keeps: bool = False
    kept: list[tuple[Mapping[Backend, Inference], dict[str, Any]]] = field(default_factory=list)


class _InTurn:
    """A node's model in every backend; the one whose turn it is computes."""

    def __init__(self, models: Mapping[Backend, Inference], turn: _Turn) -> None:
        self._models = models
        self._turn = turn
        self.feeds: Feeds = next(iter(models.values())).feeds

    def __call__(self, feed: dict[str, Any]) -> dict[str, NDArray[Any]]:
        if self._turn.keeps:
            self._turn.kept.append((self._models, dict(feed)))
        return self._models[self._turn.backend](feed)


def try_backends(
    graphs: Mapping[Backend, Graph], samples: Sequence[Sample], cpu: Clock, wall: Clock, budget: float
) -> dict[Backend, Tried]:
    """What each backend answers to every sample, and what it costs; `graphs` are one service, the first has to work.

    The Ops are initialised once. The models alone are measured, on what the first samples give them: reading a sample
    of 100 KB takes ten times what its model takes, and a worker reads otherwise. The backends have their turns until
    the wall clock's `budget` in seconds is used up, once at least. Raises what the service raises with the first one.
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
    first = next(iter(models))
    turn, graph = _Turn(first), graphs[first]
    steps = {node.name: make_step(node, _in_turn(node.name, models, turn)) for node in graph.nodes}
    for backend in models:
        turn.backend = backend
        try:
            tried[backend] = Tried(_answers(graph, steps, samples, turn, keep=backend == first), 0.0)
        except Exception as error:
            if backend == first:
                raise
            tried[backend] = Tried({}, 0.0, f"it does not answer a golden sample: {first_line(error).rstrip('.')}")
    usable = [backend for backend in models if not tried[backend].failure]
    seconds = _measured(usable, turn.kept, (cpu, wall), budget)
    return {name: Tried(one.answers, seconds.get(name, 0.0), one.failure) for name, one in tried.items()}


def _in_turn(node: str, models: Mapping[Backend, Mapping[str, Inference]], turn: _Turn) -> _InTurn | None:
    of_node = {backend: nodes[node] for backend, nodes in models.items() if node in nodes}
    return _InTurn(of_node, turn) if of_node else None


def _answers(
    graph: Graph, steps: Mapping[str, Step], samples: Sequence[Sample], turn: _Turn, *, keep: bool
) -> dict[str, Answer]:
    found = {}
    for number, sample in enumerate(samples):
        turn.keeps = keep and number < _TIMED_SAMPLES
        found[sample.name] = answer(graph, steps, sample, 0)
    turn.keeps = False
    return found


def _measured(
    backends: Sequence[Backend],
    runs: Sequence[tuple[Mapping[Backend, Inference], dict[str, Any]]],
    clocks: tuple[Clock, Clock],
    budget: float,
) -> dict[Backend, float]:
    """The least seconds of CPU of a round of all runs, by backend."""
    cpu, wall = clocks
    found: dict[Backend, list[float]] = {backend: [] for backend in backends}
    end = wall() + budget
    for number in range(_ROUNDS):
        for backend in backends:
            begin = cpu()
            for models, feed in runs:
                models[backend](feed)
            found[backend].append(cpu() - begin)
        if wall() >= end and number:
            break
    return {backend: min(times) for backend, times in found.items()}
