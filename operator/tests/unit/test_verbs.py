"""What a person orders by a verb, and what becomes of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.memory import Verifying
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import after, alone, at_first_step, both, canary, ordered
from .rollouts import (
    NEW,
    NOT_CONSISTENT,
    NOW,
    OLD,
    STABLE,
    condition,
    pods,
    seen,
)

VERBS: Mapping[str, tuple[str, ServiceStatus, Facts, Reason]] = {
    "nothing to pause": ("pause", STABLE, alone(4), Reason.VERB_REFUSED),
    "nothing to retry": ("retry", at_first_step(), both(3, 1), Reason.VERB_REFUSED),
    "no pause to end": ("resume", after((canary(), alone(4), NOW)).status, alone(4, 0), Reason.VERB_REFUSED),
    "no verb": ("explode", at_first_step(), both(3, 1), Reason.VERB_REFUSED),
    "no token": ("pause", at_first_step(), both(3, 1), Reason.VERB_REFUSED),
    "pause": ("pause", at_first_step(), both(3, 1), Reason.VERB_OBEYED),
    "promote": ("promote", at_first_step(), both(3, 1), Reason.VERB_OBEYED),
    "abort": ("abort", at_first_step(), both(3, 1), Reason.VERB_OBEYED),
}


@pytest.mark.parametrize("case", list(VERBS), ids=str)
def test_a_verb_is_obeyed_or_refused_once_with_an_event(case: str) -> None:
    verb, status, facts, reason = VERBS[case]
    revision = OLD if status is STABLE else NEW
    asked = ordered(verb, "" if case == "no token" else "t9", revision=revision)
    plan = next_plan(asked, status, facts, NOW + timedelta(seconds=5))
    (event,) = [one for one in plan.events if one.reason in {Reason.VERB_OBEYED, Reason.VERB_REFUSED}]
    assert (event.reason, event.warning) == (reason, reason is Reason.VERB_REFUSED)
    again = next_plan(asked, plan.status, facts, NOW + timedelta(seconds=6))
    assert [one for one in again.events if one.reason in {Reason.VERB_OBEYED, Reason.VERB_REFUSED}] == []


def test_a_paused_step_stays_until_it_is_resumed() -> None:
    held = next_plan(ordered("pause"), at_first_step(), both(3, 1), NOW + timedelta(seconds=5))
    days = next_plan(ordered("pause"), held.status, both(3, 1), NOW + timedelta(days=2))
    assert condition(days, ConditionType.PROGRESSING).reason is Reason.PAUSED
    assert set(days.shares) == {OLD, NEW}
    goes_on = next_plan(ordered("resume", "t2"), days.status, both(3, 1), NOW + timedelta(days=2))
    assert goes_on.status.step == "2/2"


def test_promote_skips_the_steps_and_never_the_proof() -> None:
    begun = next_plan(canary(), STABLE, alone(4), NOW)
    skipped = next_plan(ordered("promote"), begun.status, alone(4, 0), NOW)
    assert dict(skipped.shares) == {OLD: 100}
    refuted = replace(alone(4, 0), revisions={OLD: pods(4, 4), NEW: pods(0, 1, NOT_CONSISTENT)})
    failed = next_plan(ordered("promote"), skipped.status, refuted, NOW)
    assert (failed.status.phase, dict(failed.shares)) == (Phase.FAILED, {OLD: 100})
    proved = next_plan(ordered("promote"), skipped.status, alone(4, 1), NOW)
    assert (dict(proved.shares), dict(proved.pods)) == ({OLD: 100}, {OLD: 4, NEW: 4})
    grown = replace(alone(4), revisions={OLD: pods(4, 4), NEW: pods(4, 4)})
    assert dict(next_plan(ordered("promote"), proved.status, grown, NOW).shares) == {NEW: 100}


@pytest.mark.parametrize("verb", ["abort", "pause", "explode"])
def test_an_order_that_stood_there_before_any_status_was_written_is_not_obeyed(verb: str) -> None:
    """A restore, a copy or a manifest in git brings one along that was given to another rollout."""
    first = next_plan(ordered(verb), ServiceStatus(), seen(None), NOW)
    assert first.status.rollout is not None
    assert isinstance(first.status.rollout.stage, Verifying)
    assert not first.status.rollout.held
    (event,) = first.events[:1]
    assert event.reason is Reason.VERB_REFUSED
    assert "before this service had a status" in event.message
    again = next_plan(ordered(verb), first.status, seen(None), NOW)
    assert again.events == ()
    new = next_plan(ordered("abort", "t2"), first.status, seen(None), NOW)
    assert new.events[0].reason is Reason.VERB_OBEYED
