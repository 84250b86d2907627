"""What a rollout remembers from pass to pass, all of it in the status: stage, promises, progress, pods that leave."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from paddle_serving_operator.api.memory import Idle, RolloutStatus, Shifting, Stage, Turn, Verifying, candidate_of
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.rollout.facts import Facts, RevisionSeen
from paddle_serving_operator.rollout.intent import Intent

IDLE = Idle()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """From when the progress deadline counts, and how many pods were Ready at most since."""

    started: datetime
    most: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the written status says of the rollout.

    `stable` has the traffic. `promised`: pods that must answer, as many as were once Ready. `leaving`: revisions that
    had the traffic and whose pods have not ended. `turn`: where it is among services whose profile changed. `blank`: no
    status was written yet, or none that can be read.
    """

    stable: str | None
    stage: Stage = IDLE
    held: bool = False
    heard: str = ""
    clock: Clock | None = None
    promised: int = 0
    leaving: tuple[str, ...] = ()
    turn: Turn | None = None
    blank: bool = False

    @property
    def candidate(self) -> str | None:
        """The revision that is being rolled out."""
        return candidate_of(self.stage)

    def without(self, revision: str | None) -> "Memory":
        """The memory once a revision has lost its traffic: its pods are waited for."""
        return replace(self, leaving=(*self.leaving, revision)) if revision else self

    def enter(self, stage: Stage) -> "Memory":
        """The memory in another stage."""
        return replace(self, stage=stage)

    def written(self) -> RolloutStatus:
        """The part that has a field of its own in the status."""
        return RolloutStatus(self.stable, self.stage, self.held, self.heard, self.turn)


def remembered(status: ServiceStatus) -> Memory:
    """What a status says; also one of a version that knew no stages, where a candidate was always being verified."""
    started = status.progress_started_at
    clock = Clock(started, status.progress_replicas) if started else None
    rollout = status.rollout
    if rollout is None:
        stage = Verifying(status.canary.revision, started or LONG_AGO) if status.canary else Idle()
        rollout = RolloutStatus(status.stable.revision if status.stable else None, stage)
    return Memory(
        rollout.stable,
        rollout.stage,
        rollout.held,
        rollout.heard,
        clock,
        status.promised_replicas,
        status.leaving,
        rollout.turn,
        blank=status.rollout is None and status.observed_generation == 0,
    )


def dated(memory: Memory, now: datetime) -> Memory:
    """The memory without moments that are still to come: after a clock was put back nobody waits for them."""
    stage, clock = memory.stage, memory.clock
    if not isinstance(stage, Idle):
        stage = replace(stage, since=min(stage.since, now))
    if isinstance(stage, Shifting) and stage.arrived is not None:
        stage = replace(stage, arrived=min(stage.arrived, now))
    return replace(memory, stage=stage, clock=replace(clock, started=min(clock.started, now)) if clock else None)


def promised(intent: Intent, memory: Memory, ready: int) -> int:
    """How many pods with a share must answer: all that were once Ready, and no more than are asked for."""
    if memory.stable is None:
        return 0
    return intent.replicas if ready >= intent.replicas else min(memory.promised, intent.replicas)


def clock_of(memory: Memory, found: RevisionSeen, now: datetime, revision: str, needs: int) -> Clock:
    """The clock of a revision that needs so many pods. It starts anew when more are Ready than ever since it started.

    Pods that come and go do not move it; so a revision that crashes again and again is late all the same. One that had
    all of them, for example through a long pause, has its time from the moment when it loses one.
    """
    known = memory.candidate or memory.stable
    if known != revision or memory.clock is None:
        return Clock(now, found.ready)
    if found.ready > memory.clock.most or _has_grown(needs, found) or found.ready < needs <= memory.clock.most:
        return Clock(now, found.ready)
    return memory.clock


def _has_grown(needs: int, found: RevisionSeen) -> bool:
    """Whether more pods are wanted of a revision that had all of them: an autoscaler must not make it late."""
    return 0 < found.wanted < needs and found.ready >= found.wanted


def leaving(memory: Memory, facts: Facts) -> tuple[str, ...]:
    """The revisions that had traffic and have pods that may still answer.

    Endpoints alone do not tell: proxies follow them later, and connections that are open stay with their pod. One that
    has become the candidate again is among them: the spec may take that back, and then it must not be forgotten.
    """
    return tuple(sorted(set(memory.leaving) & facts.answering - {memory.stable}))
