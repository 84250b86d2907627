import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from paddle_serving_runtime.engine.description import describe
from paddle_serving_runtime.engine.failure import OpFailed
from paddle_serving_runtime.engine.inputs import EmptyAxes
from paddle_serving_runtime.engine.interface import ModelDescription
from paddle_serving_runtime.engine.packing import packer
from paddle_serving_runtime.engine.proof import Proof, Trial, prove
from paddle_serving_runtime.engine.running import Clock, ModelRunner
from paddle_serving_runtime.engine.sharing import Ledger, Sharing
from paddle_serving_runtime.engine.step import ModelStep, OpStep, Prepared, Step
from paddle_serving_runtime.engine.unpacking import unpacker
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.graph.config import without_channels
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

_LOG = logging.getLogger(__name__)

_T = TypeVar("_T")


class DirectEngine:
    """A graph with its models loaded and its Ops initialised. Not safe for use by two threads.

    `capacity` is the largest batch_size of a node whose model can be batched, `wait_seconds` how long an incomplete
    batch may wait for more calls (the longest auto_batching_timeout of such a node; 0 where none has one), `models`
    describes every node that has a model.
    """

    def __init__(self, graph: Graph, clock: Clock = time.perf_counter, *, shown: Collection[EmptyAxes] = ()) -> None:
        """Loads every model; `shown` are the empty inputs that it takes. Raises ModelInvalid or ServiceBroken."""
        self._graph = graph
        for sentence in without_channels(graph.config):
            _LOG.warning(sentence)
        predictors = {node.name: Predictor(node.model_dir, node.switches) for node in graph.nodes if node.model_dir}
        self._runners = {
            node.name: ModelRunner(node, predictors[node.name], clock) for node in graph.nodes if node.model_dir
        }
        self.models: tuple[ModelDescription, ...] = tuple(
            replace(describe(node, predictors[node.name]), batch_size=self._runners[node.name].capacity)
            for node in graph.nodes
            if node.model_dir
        )
        self._models: dict[str, Step] = {name: ModelStep(runner, shown) for name, runner in self._runners.items()}
        self._steps = {node.name: self._step(node) for node in graph.nodes}
        self._uses = Counter(name for node in graph.nodes for name in node.inputs)
        self._data_id = 0
        self._unpack, self._pack = unpacker(graph), packer(graph)
        batching = [
            node for node in graph.nodes if node.name in self._runners and self._runners[node.name].capacity > 1
        ]
        self.capacity = max((node.batch_size for node in batching), default=1)
        self.wait_seconds = max((node.auto_batching_timeout_ms or 0.0 for node in batching), default=0.0) / 1000

    def prove(self, calls: Sequence[Call], trial: Trial, ledger: Ledger) -> Proof:
        """Lets requests of a plain model share runs of the sizes that `calls` prove; returns what came out.

        The Ops of a service may keep something of a request between preprocess and postprocess, so only their own
        batch_size lets them have several at once.
        """
        (node, *others) = self._graph.nodes
        if others or node.op is not None or node.name not in self._runners:
            return Proof({}, ("a service with Ops lets requests share a run by batch_size in config.yml alone",))
        runner = self._runners[node.name]
        if objection := runner.fixed_batch:
            return Proof({}, (objection,))
        proof = prove(runner.compute, [feed for call in calls for feed in self._fed(node, call)], trial)
        runner.share(Sharing(proof, ledger))
        self.capacity = proof.largest
        return proof

    def _fed(self, node: Node, call: Call) -> Sequence[dict[str, Any]]:
        """What the model of a node is fed for a call that comes straight to it; nothing where it is refused."""
        member = self._member(call)
        given = member.attempt(self._given, member.outputs, node.inputs)
        prepared = member.attempt(self._steps[node.name].prepare, given, member.data_id, member.log_id)
        return prepared.feeds if prepared is not None else ()

    def infer(self, calls: Sequence[Call]) -> list[Result]:
        """The result of every call, in their order; what goes wrong with one is its own outcome. Never raises.

        At every node the calls that fit share a run of the model, see ModelRunner.
        """
        members = [self._member(call) for call in calls]
        ours = [member for member in members if member.call.target == SERVICE]
        for node in self._graph.nodes:
            self._advance(node.name, self._steps[node.name], node.inputs, ours)
        for name in {member.call.target for member in members} - {SERVICE}:
            addressed = [member for member in members if member.call.target == name]
            if name in self._models:
                self._advance(name, self._models[name], (REQUEST,), addressed)
        return [self._result(member) for member in members]

    def _member(self, call: Call) -> "_Member":
        self._data_id += 1
        member = _Member(call, self._data_id, call.log_id, {})
        if call.target == SERVICE:
            unpacked = member.attempt(self._unpack, call)
            if unpacked is not None:
                member.outputs[REQUEST], member.log_id = unpacked
        else:
            member.outputs[REQUEST] = dict(call.inputs)
        return member

    def _advance(self, name: str, step: Step, inputs: tuple[str, ...], members: Sequence["_Member"]) -> None:
        """Runs one node for all members."""
        works = []
        for member in members:
            given = member.attempt(self._given, member.outputs, inputs)
            if given is not None:
                prepared = member.attempt(step.prepare, given, member.data_id, member.log_id)
                if prepared is not None:
                    works.append(_Work(member, given, prepared))
        if step.runner is not None:
            _run(step.runner, works)
        for work in works:
            work.finish(name, step)

    def _given(self, outputs: dict[str, dict[str, Any]], inputs: tuple[str, ...]) -> dict[str, Any]:
        # Ops change their inputs in place; Paddle Serving copies for every consumer where there is more than one
        return {name: deepcopy(outputs[name]) if self._uses[name] > 1 else outputs[name] for name in inputs}

    def _result(self, member: "_Member") -> Result:
        response = member.attempt(self._response, member)
        return Result(member.failure or response or AssertionError(), member.seconds, member.batch)

    def _response(self, member: "_Member") -> Response:
        target = member.call.target
        if target == SERVICE:
            response = self._pack(member.outputs[self._graph.output])
        elif target in self._models:
            response = Response(0, "", {}, member.outputs[target])
        else:
            raise BadRequest(f"there is no model {target}", ErrorCode.NO_SERVICE)
        return _wanted(response, member.call.outputs)

    def _step(self, node: Node) -> Step:
        if node.op is not None:
            return OpStep(node, self._runners.get(node.name))
        return self._models[node.name]


@dataclass
class _Member:
    """A call on its way through the graph."""

    call: Call
    data_id: int
    log_id: int
    outputs: dict[str, dict[str, Any]]
    failure: Exception | None = None
    seconds: float = 0.0
    batch: int = 1

    def attempt(self, step: Callable[..., _T], *arguments: object) -> _T | None:
        """What the step returns for the arguments; None after a failure, now or earlier."""
        if self.failure is None:
            try:
                return step(*arguments)
            except Exception as error:  # noqa: BLE001 - one call fails, not those beside it
                self.failure = error
        return None


@dataclass
class _Work:
    """A member at one node; `fetched` is what the model has answered so far."""

    member: _Member
    given: dict[str, Any]
    prepared: Prepared
    fetched: list[dict[str, Any]] = field(default_factory=list)

    def finish(self, name: str, step: Step) -> None:
        member, prepared = self.member, self.prepared
        fetched: Any = self.fetched if prepared.several else next(iter(self.fetched), prepared.instead)
        output = member.attempt(step.finish, self.given, fetched, member.data_id, member.log_id)
        if output is not None:
            member.outputs[name] = output


def _run(runner: ModelRunner, works: Sequence[_Work]) -> None:
    """Runs the model for what was prepared: together, but every part of a mini batch alone, as Paddle Serving does."""
    together = [work for work in works if not work.prepared.several and work.prepared.feeds]
    runs = runner.run([work.prepared.feeds[0] for work in together])
    parts = list(zip(together, runs, strict=True))
    for work in works:
        if work.prepared.several:
            parts += [(work, run) for feed in work.prepared.feeds for run in runner.run([feed])]
    for work, run in parts:
        work.member.seconds += run.seconds
        work.member.batch = max(work.member.batch, run.batch)
        if isinstance(run.outcome, OpFailed):
            work.member.failure = work.member.failure or run.outcome
        else:
            work.fetched.append(run.outcome)


def _wanted(response: Response, names: Sequence[str]) -> Response:
    """The response with the outputs that the call names, in its order; all where it names none."""
    if not names:
        return response
    if missing := [name for name in names if name not in response.values and name not in response.tensors]:
        known = ", ".join(sorted([*response.values, *response.tensors]))
        raise BadRequest(f"there is no output {missing[0]}; the outputs are {known}", ErrorCode.INPUT_PARAMS_ERROR)
    values = {name: response.values[name] for name in names if name in response.values}
    return replace(response, values=values, tensors={n: response.tensors[n] for n in names if n in response.tensors})
