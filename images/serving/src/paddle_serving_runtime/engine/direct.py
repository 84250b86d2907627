import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from paddle_serving_runtime.engine.description import describe
from paddle_serving_runtime.engine.inputs import EmptyAxes
from paddle_serving_runtime.engine.interface import ModelDescription
from paddle_serving_runtime.engine.lanes import NotSharedError, copies
from paddle_serving_runtime.engine.outside import state
from paddle_serving_runtime.engine.packing import packer
from paddle_serving_runtime.engine.passage import Lane, Member, RunModel, Work, run_model
from paddle_serving_runtime.engine.plain import PlainModel, wanted
from paddle_serving_runtime.engine.proof import Proof, Trial, prove, refused
from paddle_serving_runtime.engine.running import Clock, ModelRunner
from paddle_serving_runtime.engine.service_audit import ServiceAudit
from paddle_serving_runtime.engine.service_proof import (
    Unaudited,
    compare_together,
    observe,
    prove_models,
    require_sharable,
    require_unchanged,
)
from paddle_serving_runtime.engine.sharing import GROUP_SECONDS, Ledger, Sharing
from paddle_serving_runtime.engine.step import ModelStep, OpStep, Step
from paddle_serving_runtime.engine.unpacking import unpacker
from paddle_serving_runtime.engine.warming import Warmed, warm
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.graph.config import without_channels
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.warmup import WarmShape
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.words import named

_LOG = logging.getLogger(__name__)


class DirectEngine:
    """A graph with its models loaded and its Ops initialised. Not safe for use by two threads.

    `capacity` is the largest batch_size of a node whose model can be batched, `wait_seconds` how long an incomplete
    batch may wait for more calls (the longest auto_batching_timeout of such a node; 0 where none has one), `models`
    describes every node that has a model.
    """

    def __init__(self, graph: Graph, clock: Clock = time.perf_counter, *, shown: Collection[EmptyAxes] = ()) -> None:
        """Loads every model; `shown` are the empty inputs that it takes. Raises ModelInvalid or ServiceBroken."""
        self._graph, self._clock = graph, clock
        for sentence in without_channels(graph.config):
            _LOG.warning(sentence)
        predictors = {
            node.name: Predictor(node.model_dir, node.switches, node.kept_shapes)
            for node in graph.nodes
            if node.model_dir
        }
        self._runners = {
            node.name: ModelRunner(node, predictors[node.name], clock) for node in graph.nodes if node.model_dir
        }
        self.models: tuple[ModelDescription, ...] = tuple(
            replace(describe(node, predictors[node.name]), batch_size=self._runners[node.name].capacity)
            for node in graph.nodes
            if node.model_dir
        )
        self._models = {name: ModelStep(runner, shown) for name, runner in self._runners.items()}
        steps = {node.name: self._step(node) for node in graph.nodes}
        self._lanes = [Lane(steps, unpacker(graph), packer(graph))]
        self._uses = Counter(name for node in graph.nodes for name in node.inputs)
        self._plain = self._plain_model()
        self._plain_targets = (SERVICE, graph.output)
        self._audit: ServiceAudit | None = None
        self._data_id = 0
        batching = [
            node for node in graph.nodes if node.name in self._runners and self._runners[node.name].capacity > 1
        ]
        self.capacity = max((node.batch_size for node in batching), default=1)
        self.wait_seconds = max((node.auto_batching_timeout_ms or 0.0 for node in batching), default=0.0) / 1000

    def prove(self, calls: Sequence[Call], trial: Trial, ledger: Ledger) -> Mapping[str, Proof]:
        """Lets requests share runs of the sizes that `calls` prove; what came out by node, and by "" for all of them.

        The Ops of a service may keep something of a request between preprocess and postprocess, so each of the
        requests of a run has Ops of its own.
        """
        node = self._graph.nodes[0]
        if self._plain is None:
            return self._prove_service(calls, trial, ledger)
        runner = self._runners[node.name]
        if objection := runner.fixed_batch:
            return {"": refused(objection)}
        feeds = [feed for call in calls for feed in self._fed(node, call)]
        proof = prove(runner.compute, feeds, trial)
        runner.share(Sharing(proof, ledger))
        self.capacity = proof.largest
        return {"": proof}

    def _prove_service(self, calls: Sequence[Call], trial: Trial, ledger: Ledger) -> Mapping[str, Proof]:
        try:
            require_sharable(self._graph)
            proofs = self._proved_beside(calls, trial, ledger)
            lanes = copies(self._graph, self._lanes[0], max(proof.largest for proof in proofs.values()) - 1)
        except Exception as error:  # noqa: BLE001 - code of the service is read and run: no start may fail for this
            for runner in self._runners.values():
                runner.share(None)
            return {"": refused(str(error) if isinstance(error, NotSharedError) else named(error))}
        for name, proof in proofs.items():
            self._runners[name].share(Sharing(proof, ledger) if lanes else None)
        self._lanes += lanes
        self._audit = ServiceAudit(ledger, self._clock) if lanes else None
        self.capacity = len(self._lanes)
        return proofs

    def _proved_beside(self, calls: Sequence[Call], trial: Trial, ledger: Ledger) -> Mapping[str, Proof]:
        """What copies of the Ops prove: those that serve must not have seen a request when they are verified."""
        lanes = copies(self._graph, self._lanes[0], 1)

        def infer(calls: Sequence[Call], run: RunModel) -> list[Result]:
            given = [deepcopy(call) for call in calls]  # an Op may change it, and these are asked again
            began = self._clock()
            results = self._infer(lanes, given, run)
            if len(calls) > 1 and (seconds := self._clock() - began) > GROUP_SECONDS:
                raise NotSharedError(
                    f"{len(calls)} golden requests take {seconds:.1f} s beside each other, and each waits for all; "
                    "fewer of them (engine.batching.maxRows) may take less"
                )
            return results

        before = state(self._graph)

        def require_as_before() -> None:
            require_unchanged(before, state(self._graph))

        observed = observe(infer, calls, trial.over)
        proofs = prove_models(self._graph, self._runners, observed, trial)
        lanes += copies(self._graph, self._lanes[0], max(proof.largest for proof in proofs.values()) - 1)
        if len(lanes) > 1:
            for name, proof in proofs.items():
                self._runners[name].share(Unaudited(proof, ledger))
            compare_together(infer, observed, len(lanes), trial.over, require_as_before)
        return proofs

    def warm(self, shapes: Sequence[WarmShape], progress: Callable[[int], None]) -> Warmed:
        """Computes shapes that requests will have, see warming.py. Raises InvalidOption for one that does not fit."""
        return warm(self._runners, shapes, progress)

    def _fed(self, node: Node, call: Call) -> Sequence[dict[str, Any]]:
        """What the model of a node is fed for a call that comes straight to it; nothing where it is refused."""
        member = self._member(call, self._lanes[0])
        given = member.attempt(self._given, member.outputs, node.inputs)
        prepared = member.attempt(self._models[node.name].prepare, given, member.data_id, member.log_id)
        return prepared.feeds if prepared is not None else ()

    def infer(self, calls: Sequence[Call]) -> list[Result]:
        """The result of every call, in their order; what goes wrong with one is its own outcome. Never raises.

        At every node the calls that fit share a run of the model, see ModelRunner. There are at most `capacity`.
        """
        if self._plain is not None and len(calls) == 1 and calls[0].target in self._plain_targets:
            return [self._plain.infer(calls[0])]
        if self._audit is not None and self._audit.is_due(calls):
            return self._audit.answers(calls, self._serve)
        return self._serve(calls)

    def _serve(self, calls: Sequence[Call]) -> list[Result]:
        return self._infer(self._lanes, calls, run_model)

    def _infer(self, lanes: Sequence[Lane], calls: Sequence[Call], run: RunModel) -> list[Result]:
        # a call alone, as a golden sample's, has the first lane, which all requests together use most
        members = [self._member(call, lanes[place % len(lanes)]) for place, call in enumerate(calls)]
        ours = [member for member in members if member.call.target == SERVICE]
        for node in self._graph.nodes:
            self._advance(node.name, node.inputs, [(member, member.lane.steps[node.name]) for member in ours], run)
        for name in {member.call.target for member in members} & self._models.keys():
            addressed = [(member, self._models[name]) for member in members if member.call.target == name]
            self._advance(name, (REQUEST,), addressed, run)
        return [self._result(member) for member in members]

    def _member(self, call: Call, lane: Lane) -> Member:
        self._data_id += 1
        member = Member(call, lane, self._data_id, call.log_id, {})
        if call.target == SERVICE:
            unpacked = member.attempt(member.lane.unpack, call)
            if unpacked is not None:
                member.outputs[REQUEST], member.log_id = unpacked
        else:
            member.outputs[REQUEST] = dict(call.inputs)
        return member

    def _advance(
        self, name: str, inputs: tuple[str, ...], members: Sequence[tuple[Member, Step]], run: RunModel
    ) -> None:
        """Takes all members through one node."""
        works = []
        for member, step in members:
            given = member.attempt(self._given, member.outputs, inputs)
            if given is not None:
                prepared = member.attempt(step.prepare, given, member.data_id, member.log_id)
                if prepared is not None:
                    works.append(Work(member, step, given, prepared))
        if name in self._runners:
            run(name, self._runners[name], works)
        for work in works:
            work.finish(name)

    def _given(self, outputs: dict[str, dict[str, Any]], inputs: tuple[str, ...]) -> dict[str, Any]:
        # Ops change their inputs in place; Paddle Serving copies for every consumer where there is more than one
        return {name: deepcopy(outputs[name]) if self._uses[name] > 1 else outputs[name] for name in inputs}

    def _result(self, member: Member) -> Result:
        response = member.attempt(self._response, member)
        return Result(member.failure or response or AssertionError(), member.seconds, member.batch)

    def _response(self, member: Member) -> Response:
        target = member.call.target
        if target == SERVICE:
            response = member.lane.pack(member.outputs[self._graph.output])
        elif target in self._models:
            response = Response(0, "", {}, member.outputs[target])
        else:
            raise BadRequest(f"there is no model {target}", ErrorCode.NO_SERVICE)
        return wanted(response, member.call.outputs)

    def _plain_model(self) -> PlainModel | None:
        """The one model of a graph without Ops; None for any other graph."""
        (node, *others) = self._graph.nodes
        if others or node.op is not None or node.name not in self._models or self._graph.request_op is not None:
            return None
        step = self._models[node.name]
        return PlainModel(step.runner, step.check)

    def _step(self, node: Node) -> Step:
        if node.op is not None:
            return OpStep(node, self._runners.get(node.name))
        return self._models[node.name]
