"""Whether requests of a service may share runs of its models: by its golden samples, alone and beside each other."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from typing_extensions import override

from paddle_serving_runtime.engine.grouping import Feed
from paddle_serving_runtime.engine.lanes import NotSharedError
from paddle_serving_runtime.engine.outside import changed, rebound
from paddle_serving_runtime.engine.passage import RunModel, Work, run_model
from paddle_serving_runtime.engine.proof import Proof, Trial, prove, refused, same_bits
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.engine.sharing import Sharing
from paddle_serving_runtime.graph import Graph, Node
from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import Call, Result

Infer = Callable[[Sequence[Call], RunModel], list[Result]]


@dataclass(frozen=True)
class Observed:
    """Calls with the answers that they get alone; what each model was fed for them, the fastest model first."""

    answers: Sequence[tuple[Call, Response]]
    feeds: Mapping[str, Sequence[Feed]]


class Unaudited(Sharing):
    """Shared runs before anything is served."""

    @override
    def is_audited(self) -> bool:
        return False


def require_sharable(graph: Graph) -> None:
    """Raises NotSharedError where the graph itself is against it, such as by its own batch_size in config.yml."""
    if all(node.model_dir is None for node in graph.nodes):
        raise NotSharedError("no Op of it has a model")
    own = [node.name for node in graph.nodes if node.batch_size > 1 or node.auto_batching_timeout_ms is not None]
    if own:
        raise NotSharedError(f"Op {own[0]} has a batch_size or auto_batching_timeout of its own in config.yml")
    if place := rebound(graph):
        raise NotSharedError(f"{place} has a global statement, and requests would share what it changes")


def observe(infer: Infer, calls: Sequence[Call], over: Callable[[], bool]) -> Observed:
    """Answers the calls one by one, those that come before the time is over. One that fails shows nothing."""
    feeds: dict[str, list[Feed]] = {}
    seconds: Counter[str] = Counter()

    def watched(node: str, runner: ModelRunner, works: Sequence[Work]) -> None:
        # the Op may use an array again after the run
        seen = [{name: value.copy() for name, value in feed.items()} for work in works for feed in work.prepared.feeds]
        before = sum(work.member.seconds for work in works)
        run_model(node, runner, works)
        feeds.setdefault(node, []).extend(seen)
        seconds[node] += sum(work.member.seconds for work in works) - before  # type: ignore[assignment]

    answers = []
    for call in calls:
        if over():
            break
        (result,) = infer([call], watched)
        if isinstance(result.outcome, Response):
            answers.append((call, result.outcome))
    return Observed(answers, {node: feeds[node] for node in sorted(feeds, key=seconds.__getitem__)})


def prove_models(
    graph: Graph, runners: Mapping[str, ModelRunner], observed: Observed, trial: Trial
) -> Mapping[str, Proof]:
    """What each model proves by what it was fed, the fastest first."""
    nodes = {node.name: node for node in graph.nodes if node.name in runners}
    order = [*observed.feeds, *(name for name in nodes if name not in observed.feeds)]
    proofs = {}
    for name in order:
        objection = _own_times(nodes[name]) or runners[name].fixed_batch
        feeds = observed.feeds.get(name, ())
        proofs[name] = refused(objection) if objection else prove(runners[name].compute, feeds, trial)
    return proofs


def require_unchanged(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raises NotSharedError where requests have changed what all of them share."""
    if place := changed(before, after):
        raise NotSharedError(f"requests change {place}, which they would share")


def compare_together(
    infer: Infer, observed: Observed, lanes: int, over: Callable[[], bool], require_as_before: Callable[[], None]
) -> None:
    """Raises NotSharedError where the calls get other answers beside each other than alone, or nothing would show it.

    Every lane is used. `require_as_before` raises it for what calls have changed, which says more than their answers.
    """
    if not observed.answers:
        raise NotSharedError("none of its golden samples is answered")
    first, *others = (alone for _, alone in observed.answers)
    if all(_alike(first, other) for other in others):
        raise NotSharedError("its golden samples have no two different answers, so that a mix-up would not show")
    tried = list(islice(cycle(observed.answers), max(lanes, len(observed.answers))))
    differs = False
    for start in range(0, len(tried), lanes):
        if over():
            raise NotSharedError("the time for the proof was over")
        members = tried[start : start + lanes]
        results = infer([call for call, _ in members], run_model)
        differs |= not all(same(result, alone) for result, (_, alone) in zip(results, members, strict=True))
    require_as_before()
    if differs:
        raise NotSharedError("golden samples that are computed beside each other get other answers than alone")


def _own_times(node: Node) -> str:
    if node.timeout_ms is None and node.retry == 1:
        return ""
    return "its timeout or retry in config.yml is for the run of one request"


def same(result: Result, alone: Response) -> bool:
    """Whether a result is this response, bit for bit."""
    return isinstance(result.outcome, Response) and _alike(result.outcome, alone)


def _alike(one: Response, other: Response) -> bool:
    return one.values == other.values and same_bits(one.tensors, other.tensors)
