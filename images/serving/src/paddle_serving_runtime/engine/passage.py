"""Calls on their way through a graph, node by node, each in a lane of its own where it may be beside others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from paddle_serving_runtime.engine.failure import OpFailed
from paddle_serving_runtime.engine.packing import Pack
from paddle_serving_runtime.engine.running import ModelRunner
from paddle_serving_runtime.engine.step import Prepared, Step
from paddle_serving_runtime.engine.unpacking import Unpack
from paddle_serving_runtime.protocol.call import Call

_T = TypeVar("_T")


@dataclass(frozen=True)
class Lane:
    """The steps of a service by node, and what makes inputs of a request and a response of an output.

    Calls in different lanes share nothing but models.
    """

    steps: Mapping[str, Step]
    unpack: Unpack
    pack: Pack


@dataclass
class Member:
    """A call on its way through the graph."""

    call: Call
    lane: Lane
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
class Work:
    """A member at one node; `fetched` is what the model has answered so far."""

    member: Member
    step: Step
    given: dict[str, Any]
    prepared: Prepared
    fetched: list[dict[str, Any]] = field(default_factory=list)

    def finish(self, name: str) -> None:
        """Makes the node's output of what the model has answered."""
        member, prepared = self.member, self.prepared
        fetched: Any = self.fetched if prepared.several else next(iter(self.fetched), prepared.instead)
        output = member.attempt(self.step.finish, self.given, fetched, member.data_id, member.log_id)
        if output is not None:
            member.outputs[name] = output


RunModel = Callable[[str, ModelRunner, Sequence[Work]], None]
"""Runs the model of the node with this name for what was prepared."""


def run_model(_node: str, runner: ModelRunner, works: Sequence[Work]) -> None:
    """Together, but every part of a mini batch alone, as Paddle Serving does; proved runs have parts as well."""
    together, alone = [], []
    for work in works:
        parts = [(work, feed) for feed in work.prepared.feeds]
        if work.prepared.several and not runner.is_proved:
            alone += parts
        else:
            together += parts
    for group in (together, *([part] for part in alone)):
        for (work, _), run in zip(group, runner.run([feed for _, feed in group]), strict=True):
            work.member.seconds += run.seconds
            # a run of parts has no more requests than there are
            work.member.batch = max(work.member.batch, min(run.batch, len(works)))
            if isinstance(run.outcome, OpFailed):
                work.member.failure = work.member.failure or run.outcome
            else:
                work.fetched.append(run.outcome)
