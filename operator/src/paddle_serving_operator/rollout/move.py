"""What should be next. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.rollout.memory import Memory


@dataclass(frozen=True, slots=True)
class Progress:
    """How the rollout stands: one word, one sentence, and whether it moves (True), is stuck (False) or held."""

    status: ConditionStatus
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the user should find in the events of the object.

    `token`: of the verb that it answers, which tells it from the answer to the same verb a moment before.
    """

    warning: bool
    reason: Reason
    message: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """What a pass should bring about.

    `pods`: how many each revision should have; Deployments of all others go. `shares`: percent of the traffic by
    revision; empty: nobody may have any. `memory`: what is to be remembered then. `progress`: why it is no further.
    `again`: the time until a moment is reached that changes something, None where there is none. `polls`: to look
    before that, ever more rarely, because the next news may not come by a watch.
    """

    pods: Mapping[str, int]
    shares: Mapping[str, int]
    memory: Memory
    progress: Progress
    again: timedelta | None = None
    polls: bool = False
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A move, and the status that tells of it.

    `stable`: the revision that the Service of the stable revision selects, None for nothing.
    """

    pods: Mapping[str, int]
    shares: Mapping[str, int]
    stable: str | None
    status: ServiceStatus
    look_again_in: timedelta | None = None
    polls: bool = False
    events: tuple[Event, ...] = ()

    @property
    def revisions(self) -> tuple[str, ...]:
        """The revisions whose Deployments exist."""
        return tuple(sorted(self.pods))

    @property
    def traffic(self) -> str | None:
        """The one revision with all traffic; None where there is none, or where several share it."""
        return next(iter(self.shares)) if len(self.shares) == 1 else None
