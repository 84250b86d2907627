"""The state machine of a rollout: a total function from what is wanted and seen to what should be next.

No clock, no I/O, no memory: timers are timestamps in the status. The rules that keep answers flowing:

- Traffic moves only to a revision whose every promised pod is Ready, and that a written status already names as
  candidate. So whatever is written next, the status names the revision that the Service selects.
- Traffic first, then capacity: a Deployment goes only when the written status calls another revision stable, the
  Service was seen to select that one, and no endpoint of its own pods is left.
- A candidate in trouble stays where it is. It gets no traffic, takes none away, and goes on by itself when the cause
  is gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto
from types import MappingProxyType

from paddle_serving_operator.api.conditions import ConditionStatus, Finding, Reason, set_conditions
from paddle_serving_operator.api.status import Phase, ServiceStatus, Track
from paddle_serving_operator.rollout import findings
from paddle_serving_operator.rollout.events import events_between
from paddle_serving_operator.rollout.findings import NOTHING, Progress
from paddle_serving_operator.rollout.model import Goal, Observation, Plan, Trouble

SOON = timedelta(milliseconds=150)  # endpoints change within tens of milliseconds, and nobody tells the operator


class Situation(Enum):
    """What the next move depends on."""

    STARTING = auto()  # no revision has had traffic yet
    ROLLING = auto()  # one has it, another one is wanted
    SETTLED = auto()  # the wanted one has it


def step(goal: Goal, status: ServiceStatus, seen: Observation, now: datetime) -> Plan:
    """The next plan. The same arguments give the same plan; applying it and asking again comes to rest."""
    current = holder(goal, status, seen)
    return MOVES[situation_of(goal, current)](goal, status, seen, now)


def holder(goal: Goal, status: ServiceStatus, seen: Observation) -> str | None:
    """The revision that has the traffic, by the Service where it selects what the status names, else by the status."""
    stable = status.stable.revision if status.stable else None
    canary = status.canary.revision if status.canary else None
    if seen.traffic in seen.revisions and (seen.traffic == canary or stable is None):
        return seen.traffic  # also where a status was lost, for example in a restore: what answers goes on answering
    # a stable revision of which neither Deployment nor record is left cannot have traffic again
    return stable if stable in seen.revisions or stable == goal.revision else None


def situation_of(goal: Goal, current: str | None) -> Situation:
    """Where the rollout is."""
    if current is None:
        return Situation.STARTING
    return Situation.SETTLED if current == goal.revision else Situation.ROLLING


def starting(goal: Goal, status: ServiceStatus, seen: Observation, now: datetime) -> Plan:
    """The first revision: traffic as soon as it is Ready."""
    return _toward(goal, status, seen, now, None)


def rolling(goal: Goal, status: ServiceStatus, seen: Observation, now: datetime) -> Plan:
    """A candidate beside the revision that has the traffic."""
    return _toward(goal, status, seen, now, holder(goal, status, seen))


def _toward(goal: Goal, status: ServiceStatus, seen: Observation, now: datetime, current: str | None) -> Plan:
    candidate = seen.revisions.get(goal.revision, NOTHING)
    known = status.canary is not None and status.canary.revision == goal.revision
    started = status.progress_started_at if known and status.progress_started_at else now
    complete = is_complete(goal, seen, goal.revision)
    switch = complete and known and not goal.paused
    progress, phase = _progress(goal, seen, started, now, complete=complete)
    if current is None and phase is Phase.PROGRESSING and (goal.replicas == 0 or not candidate.deployed):
        phase = Phase.PENDING
    traffic = goal.revision if switch else current
    written = replace(
        status,
        phase=phase,
        stable=_track(goal, seen, status, current, weight=0 if switch else 100),
        canary=_track(goal, seen, status, goal.revision, weight=100 if switch else 0),
        progress_started_at=None if goal.replicas == 0 else started,
    )
    # a complete candidate that no written status names yet is switched to in the next pass, right after this write
    look = SOON if complete and not goal.paused else _until_deadline(goal, started, now)
    return _plan(
        goal, status, written, seen, now, traffic=traffic, current=current, progress=progress, look_again_in=look
    )


def settled(goal: Goal, status: ServiceStatus, seen: Observation, now: datetime) -> Plan:
    """The wanted revision has the traffic: finish the switch, remove what is left, watch."""
    current = goal.revision
    revision = seen.revisions.get(current, NOTHING)
    complete = goal.replicas == 0 or revision.ready >= goal.replicas
    arrived = seen.traffic == current and (goal.replicas == 0 or current in seen.serving)
    count = f"{min(revision.ready, goal.replicas)} of {goal.replicas} pods of revision {current} are ready"
    if complete and arrived:
        phase, progress = (
            Phase.HEALTHY,
            Progress(ConditionStatus.FALSE, Reason.ROLLED_OUT, f"Revision {current} has all traffic."),
        )
    elif complete:
        text = f"{count}; the endpoints of the Service are being changed."
        phase, progress = Phase.PROGRESSING, Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_ENDPOINTS, text)
    elif revision.trouble is not None:
        phase, progress = Phase.FAILED, findings.stuck(revision.trouble)
    else:
        phase, progress = Phase.PROGRESSING, Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_PODS, f"{count}.")
    written = replace(
        status,
        phase=phase,
        stable=_track(goal, seen, status, current, weight=100),
        canary=None,
        progress_started_at=None,
    )
    leaving = any(name != current and other.deployed for name, other in seen.revisions.items())
    look = SOON if leaving or (complete and not arrived) else None
    return _plan(
        goal, status, written, seen, now, traffic=current, current=current, progress=progress, look_again_in=look
    )


MOVES: Mapping[Situation, Callable[[Goal, ServiceStatus, Observation, datetime], Plan]] = MappingProxyType(
    {Situation.STARTING: starting, Situation.ROLLING: rolling, Situation.SETTLED: settled}
)


def is_complete(goal: Goal, seen: Observation, revision: str) -> bool:
    """Whether every promised pod of a revision is Ready. Without replicas nothing is proved."""
    found = seen.revisions.get(revision, NOTHING)
    return found.deployed and found.wanted == goal.replicas and 0 < goal.replicas <= found.ready


def _progress(
    goal: Goal, seen: Observation, started: datetime, now: datetime, *, complete: bool
) -> tuple[Progress, Phase]:
    """How a rollout that is under way stands."""
    candidate = seen.revisions.get(goal.revision, NOTHING)
    count = f"{min(candidate.ready, goal.replicas)} of {goal.replicas} pods of revision {goal.revision} are ready"
    if goal.replicas == 0:
        text = f"spec.replicas is 0, so revision {goal.revision} cannot be verified. Scale up to go on."
        return Progress(ConditionStatus.UNKNOWN, Reason.SCALED_TO_ZERO, text), Phase.PROGRESSING
    if complete and goal.paused:
        text = f"{count}; spec.rollout.paused keeps the traffic where it is. Set it to false to go on."
        return Progress(ConditionStatus.UNKNOWN, Reason.PAUSED, text), Phase.PROGRESSING
    if complete:
        text = f"{count}, it gets the traffic."
        return Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_ENDPOINTS, text), Phase.PROGRESSING
    return _waiting(candidate.trouble, count, goal.progress_deadline, late=now - started >= goal.progress_deadline)


def _waiting(trouble: Trouble | None, count: str, deadline: timedelta, *, late: bool) -> tuple[Progress, Phase]:
    """How a candidate stands whose pods are not all Ready."""
    if trouble is not None and trouble.terminal:
        return findings.stuck(trouble), Phase.FAILED
    if late:
        limit = f"{count} after spec.rollout.progressDeadline ({int(deadline.total_seconds())} s)."
        cause = trouble.message if trouble else "Look at `kubectl get pods` and `kubectl describe pod`."
        return Progress(ConditionStatus.FALSE, Reason.PROGRESS_DEADLINE_EXCEEDED, f"{limit} {cause}"), Phase.FAILED
    if trouble is not None:
        return Progress(ConditionStatus.TRUE, trouble.reason, f"{count}. {trouble.message}"), Phase.PROGRESSING
    return Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_PODS, f"{count}."), Phase.PROGRESSING


def refused(
    status: ServiceStatus, goal: Goal, seen: Observation, finding: tuple[Reason, str], now: datetime
) -> ServiceStatus:
    """The status of a spec that cannot be used. Nothing else changes: what answers goes on answering.

    `goal.revision` is the revision that has the traffic, so that Ready and Degraded stay true to its pods.
    """
    reason, message = finding
    current = holder(goal, status, seen)
    progress = Progress(ConditionStatus.FALSE, reason, message)
    found = (
        findings.ready(goal, seen, current, progress),
        findings.moving(progress),
        findings.degraded(goal, seen, current),
    )
    keeps_canary = status.canary is not None and status.canary.revision != current
    written = replace(
        status,
        phase=Phase.INVALID,
        stable=_track(goal, seen, status, current, weight=100),
        canary=status.canary if keeps_canary else None,
    )
    return _written(goal, status, written, seen, found, now)


def _plan(
    goal: Goal,
    before: ServiceStatus,
    written: ServiceStatus,
    seen: Observation,
    now: datetime,
    *,
    traffic: str | None,
    current: str | None,
    progress: Progress,
    look_again_in: timedelta | None,
) -> Plan:
    found: tuple[Finding, ...] = (
        findings.ready(goal, seen, current, progress),
        findings.moving(progress),
        findings.consistent(goal, seen),
        findings.model_available(goal, seen),
        findings.degraded(goal, seen, current),
    )
    after = _written(goal, before, written, seen, found, now)
    return Plan(
        revisions=_kept(goal, before, seen, current),
        traffic=traffic,
        stable=current,
        status=after,
        look_again_in=look_again_in,
        events=events_between(before, after),
    )


def _written(
    goal: Goal,
    before: ServiceStatus,
    written: ServiceStatus,
    seen: Observation,
    found: tuple[Finding, ...],
    now: datetime,
) -> ServiceStatus:
    revision = seen.revisions.get(written.stable.revision, NOTHING) if written.stable else NOTHING
    return replace(
        written,
        observed_generation=goal.generation,
        conditions=set_conditions(before.conditions, found, goal.generation, now),
        verification=seen.verification,
        url=goal.url,
        replicas=revision.pods,
        ready_replicas=revision.ready,
    )


def _kept(goal: Goal, before: ServiceStatus, seen: Observation, current: str | None) -> tuple[str, ...]:
    """The revisions whose Deployments stay: the wanted one, and every one that has, had or may still get requests."""
    stable = before.stable.revision if before.stable else None
    needed = {goal.revision, current, stable, seen.traffic} | seen.serving
    leaving = {name for name, revision in seen.revisions.items() if revision.deployed} & needed
    return tuple(sorted(leaving | {goal.revision} | ({current} if current else set())))


def _track(goal: Goal, seen: Observation, status: ServiceStatus, revision: str | None, *, weight: int) -> Track | None:
    if revision is None:
        return None
    found = seen.revisions.get(revision, NOTHING)
    known = next((track for track in (status.stable, status.canary) if track and track.revision == revision), None)
    wanted = revision == goal.revision
    return Track(
        revision=revision,
        model_digest=goal.model_digest if wanted else found.model_digest or (known.model_digest if known else ""),
        image=goal.image if wanted else found.image or (known.image if known else ""),
        replicas=found.pods,
        ready_replicas=found.ready,
        weight=weight,
    )


def _until_deadline(goal: Goal, started: datetime, now: datetime) -> timedelta | None:
    left = started + goal.progress_deadline - now
    return left if left > timedelta(0) and goal.replicas > 0 else None
