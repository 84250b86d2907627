"""How far a candidate's answers are from those of the revision that serves, and whether it may be that far."""

from datetime import timedelta

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.types import DriftMode
from paddle_serving_operator.api.verification import Drift
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Progress

PATIENCE = timedelta(seconds=30)
"""For how long a comparison that is only reported may hold up a candidate whose pods are Ready."""


def must_ask(intent: Intent, current: str | None) -> bool:
    """Whether the candidate's first pod is asked to compare its answers with those of the revision that serves.

    Where capacity comes first nobody serves by then.
    """
    both = current is not None and current != intent.revision and not intent.capacity_first
    return both and intent.drift.mode is not DriftMode.IGNORE


def left_of_patience(intent: Intent, waited: timedelta) -> timedelta | None:
    """How long a comparison may still hold up a candidate; None where that has no end, or was reached."""
    left = PATIENCE - waited
    return left if intent.drift.mode is DriftMode.REPORT and left > timedelta(0) else None


def objection(intent: Intent, facts: Facts, current: str | None, waited: timedelta) -> Progress | None:
    """Why the candidate must not take traffic; None where it may.

    Fails closed where the spec requires it: what could not be compared has not been found equal. `waited`: since the
    last of its pods became Ready.
    """
    if not must_ask(intent, current):
        return None
    required = intent.drift.mode is DriftMode.REQUIRE
    known = facts.candidate
    found = known.drift if known is not None and known.revision == intent.revision else None
    if found is None or (required and not found.complete):
        if not required and (facts.unreachable or waited >= PATIENCE):
            return None
        why = f" {found.reason}" if found is not None and found.reason else ""
        text = f"Revision {intent.revision} is being compared with revision {current}, which serves.{why}"
        return Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_DRIFT, text)
    if not required or found.different + found.missing <= intent.drift.max_different:
        return None
    return Progress(ConditionStatus.FALSE, Reason.DRIFT_TOO_LARGE, _too_far(intent, found, current))


def _too_far(intent: Intent, found: Drift, current: str | None) -> str:
    limit = intent.drift.max_different
    lost = f", and {found.missing} could not be compared" if found.missing else ""
    may = f"; {limit} may" if limit else ""
    return (
        f"{found.different} of {found.asked} answers of revision {intent.revision} differ from those of revision "
        f"{current}, which goes on serving{lost}{may}.{found.worst_in_words()} If the new "
        "answers are meant, set spec.rollout.drift.mode to Report, or raise rtol, atol or maxDifferent there."
    )
