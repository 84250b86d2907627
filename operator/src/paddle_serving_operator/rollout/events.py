"""Which transitions of a status deserve an event."""

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import Turn
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.rollout import findings
from paddle_serving_operator.rollout.move import Event


def events_between(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    """Events for what changed; equal statuses give none, so a repeated pass is silent."""
    return (
        *_rollout_began(before, after),
        *_phase_changed(before, after),
        *_pods_lost(before, after),
        *_not_required(before, after),
        *_budgets(before, after),
        *_batching(before, after),
        *_verified(before, after),
    )


def _rollout_began(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    if (candidate := _begun(after)) is None or candidate == _begun(before):
        return ()
    text = f"Revision {candidate} is started; it gets traffic once its pods are proved."
    return (Event(warning=False, reason=Reason.ROLLOUT_STARTED, message=text),)


def _begun(status: ServiceStatus) -> str | None:
    """The candidate, unless it still waits for its turn."""
    waits = status.rollout is not None and status.rollout.turn is Turn.WAITING
    return status.canary.revision if status.canary is not None and not waits else None


def _phase_changed(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    progressing = after.condition(ConditionType.PROGRESSING)
    if (
        before.phase == after.phase
        or progressing is None
        or after.phase not in {Phase.HEALTHY, Phase.FAILED, Phase.INVALID}
    ):
        return ()
    return (Event(warning=after.phase is not Phase.HEALTHY, reason=progressing.reason, message=progressing.message),)


def _pods_lost(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    old, new = before.condition(ConditionType.DEGRADED), after.condition(ConditionType.DEGRADED)
    was = old is not None and old.status is ConditionStatus.TRUE
    if new is None or new.status is not ConditionStatus.TRUE or was or after.phase is Phase.FAILED:
        return ()  # a failed phase has its own event
    return (Event(warning=True, reason=new.reason, message=new.message),)


def _not_required(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    old, new = before.condition(ConditionType.CONSISTENT), after.condition(ConditionType.CONSISTENT)
    if new is None or new.reason is not Reason.NOT_REQUIRED or (old is not None and old.reason is Reason.NOT_REQUIRED):
        return ()
    return (Event(warning=True, reason=Reason.NOT_REQUIRED, message=new.message),)


def _budgets(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    old, new = before.condition(ConditionType.EVICTABLE), after.condition(ConditionType.EVICTABLE)
    was = old is not None and old.status is ConditionStatus.FALSE
    if new is None or new.status is not ConditionStatus.FALSE or was:
        return ()
    return (Event(warning=True, reason=new.reason, message=new.message),)


def _batching(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    """A pod more in which an audit found a difference is told too: the message names the pods."""
    old, new = before.condition(ConditionType.BATCHING), after.condition(ConditionType.BATCHING)
    if new is None or (old is not None and (old.status, old.message) == (new.status, new.message)):
        return ()
    return (Event(warning=new.status is ConditionStatus.FALSE, reason=new.reason, message=new.message),)


def _verified(before: ServiceStatus, after: ServiceStatus) -> tuple[Event, ...]:
    """What a revision proved, when it is known, with a warning for what it could not."""
    old, new = before.verification, after.verification
    if new is None or new.unequal or (old is not None and old.revision == new.revision):
        return ()  # a sample that differs where nothing is required is a condition of its own
    text = f"Revision {new.revision}: {findings.proved(new)}"
    return (Event(warning=bool(new.warnings), reason=Reason.GOLDEN_ANSWERS_MATCH, message=text),)
