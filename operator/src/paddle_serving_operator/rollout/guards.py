"""Chains of named rules. The first that objects is the reason and the message of the condition Progressing.

A rule returns None where it has nothing to object. Its Progress has the status True where time or an event will do,
False where the spec or the model must change, Unknown where a person holds the rollout.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.memory import Shifting
from paddle_serving_operator.api.verbs import VerbName
from paddle_serving_operator.rollout import analysis, commands, drift, evidence, shares
from paddle_serving_operator.rollout.facts import Facts, RevisionSeen, Trouble
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Clock, Memory, clock_of
from paddle_serving_operator.rollout.move import Progress

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Case:
    """What a rule looks at: a revision on its way, and how many pods it must have. `memory` is the written one."""

    intent: Intent
    memory: Memory
    facts: Facts
    revision: str
    needs: int
    now: datetime

    @property
    def found(self) -> RevisionSeen:
        """The revision as it is."""
        return self.facts.of(self.revision)

    @property
    def clock(self) -> Clock:
        """From when its deadline counts."""
        return clock_of(self.memory, self.found, self.now, self.revision, self.needs)

    @property
    def late(self) -> bool:
        """Whether its deadline has passed."""
        return self.now - self.clock.started >= self.intent.progress_deadline

    @property
    def deadline(self) -> str:
        """The deadline in words."""
        return f"spec.rollout.progressDeadline ({int(self.intent.progress_deadline.total_seconds())} s)"

    @property
    def count(self) -> str:
        """Its pods in words."""
        return f"{min(self.found.ready, self.needs)} of {self.needs} pods of revision {self.revision} are ready"

    @property
    def complete(self) -> bool:
        """Whether all of its pods are Ready."""
        return is_complete(self.facts, self.revision, self.needs)


Rule: TypeAlias = Callable[[Case], Progress | None]


def clock_after(case: Case, objection: Progress | None) -> Clock | None:
    """The clock to remember after a pass; none while a person holds the rollout, whose time is nobody's lateness."""
    return None if objection is not None and objection.status is UNKNOWN else case.clock


def is_complete(facts: Facts, revision: str, needs: int) -> bool:
    """Whether every pod that a revision needs is Ready. Without replicas nothing is proved."""
    found = facts.of(revision)
    return found.deployed and found.wanted >= needs and 0 < needs <= found.ready


def first_objection(rules: Sequence[Rule], case: Case) -> Progress | None:
    """What the first rule that objects says; None where none does."""
    return next((objection for rule in rules if (objection := rule(case)) is not None), None)


def has_replicas(case: Case) -> Progress | None:
    """Without pods nothing can be proved."""
    if case.intent.replicas > 0:
        return None
    text = f"spec.replicas is 0, so revision {case.revision} cannot be verified. Scale up to go on."
    return Progress(UNKNOWN, Reason.SCALED_TO_ZERO, text)


def predecessors_have_ended(case: Case) -> Progress | None:
    """Where capacity comes first, new pods wait for the end of those before."""
    stable = case.memory.stable
    if not case.intent.capacity_first or stable is None or case.complete:
        return None
    if stable not in case.facts.answering and not case.facts.of(stable).pods:
        return None
    text = f"The pods of revision {stable} finish their requests and end before revision {case.revision} is started."
    return draining(case, text, {stable})


def pods_are_ready(case: Case) -> Progress | None:
    """Every pod that is needed has proved its golden answers."""
    return None if case.complete else waiting(case)


def waiting(case: Case) -> Progress:
    """Why pods are not all Ready."""
    trouble = case.found.trouble
    if trouble is not None and trouble.terminal:
        return stuck(trouble)
    if case.late:
        cause = trouble.message if trouble else f"Look at {commands.describe_pods(case.revision, case.intent.key)}."
        text = f"{case.count}, and no further one for {case.deadline}. {cause}"
        return Progress(FALSE, Reason.PROGRESS_DEADLINE_EXCEEDED, text)
    if trouble is not None:
        return Progress(TRUE, trouble.reason, f"{case.count}. {trouble.message}")
    return Progress(TRUE, Reason.WAITING_FOR_PODS, f"{case.count}.")


def stuck(trouble: Trouble) -> Progress:
    """A rollout that cannot go on by itself."""
    return Progress(FALSE, trouble.reason, trouble.message)


def in_time(objection: Progress, case: Case) -> Progress:
    """The same, until the deadline has passed."""
    return too_late(objection, case) if objection.status is TRUE and case.late else objection


def too_late(objection: Progress, case: Case) -> Progress:
    """That what is waited for has not come within the deadline."""
    return Progress(FALSE, Reason.PROGRESS_DEADLINE_EXCEEDED, f"Not within {case.deadline}: {objection.message}")


def draining(case: Case, text: str, revisions: Iterable[str]) -> Progress:
    """Pods of these revisions are waited for; they are late only when their own grace is over, too.

    `terminationGracePeriodSeconds` may be longer than the deadline.
    """
    waits = Progress(TRUE, Reason.WAITING_FOR_DRAIN, text)
    return waits if any(name in case.facts.given_up for name in revisions) else in_time(waits, case)


def has_shown_as_much(case: Case) -> Progress | None:
    """Recorded answers are not replaced by none."""
    objection = evidence.objection(case.intent, case.facts, case.memory.stable)
    return in_time(objection, case) if objection else None


def has_not_drifted(case: Case) -> Progress | None:
    """The answers are as near to those of the revision that serves as the spec asks."""
    proved_for = case.now - case.clock.started
    objection = drift.objection(case.intent, case.facts, case.memory.stable, proved_for)
    return in_time(objection, case) if objection else None


def is_not_held(case: Case) -> Progress | None:
    """Nobody holds the traffic."""
    if case.intent.paused:
        text = f"{case.count}; spec.rollout.paused keeps the traffic where it is. Set it to false to go on."
        return Progress(UNKNOWN, Reason.PAUSED, text)
    if case.memory.held:
        resume = commands.paddle(VerbName.RESUME, case.intent.key)
        text = f"{case.count}; the rollout was paused by a person. {resume} goes on."
        return Progress(UNKNOWN, Reason.PAUSED, text)
    return None


def is_written(case: Case) -> Progress | None:
    """The written status names the revision: whatever is written next, it names what the Service selects."""
    if case.memory.candidate == case.revision:
        return None
    return Progress(TRUE, Reason.WAITING_FOR_ENDPOINTS, f"{case.count}, it gets the traffic.")


def two_can_share(case: Case) -> Progress | None:
    """A Service that selects every pod reaches exactly the two revisions that may share the traffic."""
    if not case.intent.steps or case.memory.stable is None:
        return None
    others = case.facts.answering - {case.revision, case.memory.stable}
    if not others:
        return None
    text = f"{case.count}; the pods of revision {' and '.join(sorted(others))} must end before two can share traffic."
    return draining(case, text, others)


MAY_TAKE_SHARE: tuple[Rule, ...] = (
    has_replicas,
    predecessors_have_ended,
    pods_are_ready,
    has_shown_as_much,
    has_not_drifted,
    is_not_held,
    two_can_share,
)


def stays_sound(case: Case) -> Progress | None:
    """A candidate with a share has no trouble that waiting would not mend."""
    trouble = case.found.trouble
    return stuck(trouble) if trouble is not None and trouble.terminal else None


def reads_well(case: Case) -> Progress | None:
    """Its own metrics are within the bounds of the analysis."""
    return analysis.objection(case.intent, case.facts, case.memory.stable, case.revision)


def share_is_seen(case: Case) -> Progress | None:
    """The pods that make the share are Ready, those of the other revision as few as planned, and both are asked."""
    stage = case.memory.stage
    if not isinstance(stage, Shifting):
        return None
    weight = case.intent.steps[stage.step].weight
    if share_has_arrived(case, weight):
        return None
    if not case.complete and (case.found.trouble is not None or case.late):
        return waiting(case)
    text = (
        f"Step {stage.step + 1} of {len(case.intent.steps)}: {case.count}; they are to get {weight} % of the traffic."
    )
    if case.complete and case.facts.gateway is not None and not case.facts.gateway.accepted:
        text += f" The Gateway has not taken these weights yet; {commands.describe_route(case.intent.key)} says why."
    return in_time(Progress(TRUE, Reason.SHIFTING_TRAFFIC, text), case)


def share_has_arrived(case: Case, weight: int) -> bool:
    """Whether the traffic is divided as a step says."""
    if case.facts.gateway is not None:
        taken = case.facts.gateway.accepted and case.facts.gateway.canary == case.revision
        return taken and case.facts.gateway.canary_weight == weight and case.complete
    rest, _ = shares.sizes(case.intent.replicas, weight, case.intent.surge)
    other = case.facts.of(case.memory.stable)
    return (
        case.complete and case.facts.broad and case.revision in case.facts.asked and other.wanted == other.pods == rest
    )


def has_been_held(case: Case) -> Progress | None:
    """The step's pause is over."""
    stage = case.memory.stage
    if not isinstance(stage, Shifting) or stage.resumed:
        return None
    step, number = case.intent.steps[stage.step], f"Step {stage.step + 1} of {len(case.intent.steps)}"
    share = f"revision {case.revision} has {shares.seen(case.facts).get(case.revision, 0)} % of the traffic"
    if step.pause is None:
        resume, abort = (commands.paddle(verb, case.intent.key) for verb in (VerbName.RESUME, VerbName.ABORT))
        text = f"{number}: {share}. {resume} goes on, {abort} goes back."
        return Progress(UNKNOWN, Reason.WAITING_FOR_RESUME, text)
    arrived = stage.arrived or case.now
    if case.now - arrived >= step.pause:
        return None
    text = f"{number}: {share} for {int(step.pause.total_seconds())} s."
    return Progress(TRUE, Reason.STEP_PAUSE, text)


def has_enough_requests(case: Case) -> Progress | None:
    """The analysis has seen enough to judge."""
    objection = analysis.too_little(case.intent, case.facts, case.revision)
    return in_time(objection, case) if objection else None


MUST_RETREAT: tuple[Rule, ...] = (stays_sound, reads_well)
MAY_GO_ON: tuple[Rule, ...] = (has_replicas, share_is_seen, is_not_held, has_been_held, has_enough_requests)


def left_of_pause(case: Case) -> timedelta | None:
    """How long a step is still to be held; None where no timer ends it."""
    stage = case.memory.stage
    if not isinstance(stage, Shifting) or stage.arrived is None:
        return None
    pause = case.intent.steps[stage.step].pause
    left = stage.arrived + pause - case.now if pause is not None else timedelta(0)
    return left if left > timedelta(0) else None
