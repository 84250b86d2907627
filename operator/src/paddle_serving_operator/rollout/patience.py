"""When to look again at what a rollout waits for: at moments that are known, and by polls until its deadline.

What a rollout waits for is told by a watch, or by whoever asks pods. A poll stands in for a watch that is refused or
cut at that moment, so it need not last: what has not come by the deadline is told as late, and then only a watch, a
change of the spec or the resync makes a pass.
"""

from datetime import timedelta

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.rollout import drift
from paddle_serving_operator.rollout.guards import Case
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Progress

POLLED = frozenset(
    {Reason.WAITING_FOR_ENDPOINTS, Reason.WAITING_FOR_DRAIN, Reason.WAITING_FOR_DRIFT, Reason.ROLLING_BACK}
)
NOTHING = timedelta(0)


def polls(progress: Progress) -> bool:
    """Whether to look for what is awaited although nobody tells of it; not any more once it is late."""
    return progress.status is ConditionStatus.TRUE and progress.reason in POLLED


def again(case: Case, progress: Progress) -> timedelta | None:
    """The time until a moment is reached that changes what there is to say; None where only an event can."""
    return earliest(left_of_deadline(case), *_ends(case, progress))


def left_of_deadline(case: Case) -> timedelta | None:
    """How long until what is awaited is late; None where that is told already, or nothing can be late."""
    left = case.clock.started + case.intent.progress_deadline - case.now
    return left if left > NOTHING and case.intent.replicas > 0 else None


def _ends(case: Case, progress: Progress) -> tuple[timedelta | None, ...]:
    """What time alone ends: the grace of pods on a lost node, and the patience with a comparison."""
    match progress.reason:
        case Reason.WAITING_FOR_DRAIN:
            return tuple(moment - case.now for moment in case.facts.given_up.values() if moment > case.now)
        case Reason.WAITING_FOR_DRIFT:
            return (drift.left_of_patience(case.intent, case.now - case.clock.started),)
        case _:
            return ()


def earliest(*moments: timedelta | None) -> timedelta | None:
    """The first of several moments, of which some may be none."""
    return min((moment for moment in moments if moment is not None), default=None)


def next_reading(intent: Intent, objection: Progress | None) -> timedelta | None:
    """When the metrics of a candidate with a share are read again; None where that is left to the resync.

    A step that is late is not watched at its pace any more: it waits for a person, or for requests that may never come.
    """
    late = objection is not None and objection.reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    return intent.analysis.interval if intent.analysis is not None and not late else None
