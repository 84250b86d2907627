"""A revision that was compared with recorded answers is not replaced by one that was not, unless the spec says so."""

from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.api.types import Require
from paddle_serving_operator.api.verification import Difference, Verification
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.plan import next_plan

from .rollouts import FALSE, NEW, NOW, OLD, ROLLING, STABLE, TRUE, condition, goal, pods, seen

DIFFERENCE = Difference(1.2e-7, 3.4e-6, "hello.json", "score")


def proved(revision: str, recorded: int) -> Verification:
    verdict = "Recorded" if recorded else "EngineOnly"
    return Verification(revision, verdict, 4, "3.3.1", "cpu", recorded=recorded)


def both_ready(before: Verification | None, after: Verification | None) -> Facts:
    return replace(seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), verification=before, candidate=after)


def test_a_package_without_recorded_answers_does_not_replace_one_that_had_them() -> None:
    plan = next_plan(goal(), ROLLING, both_ready(proved(OLD, 3), proved(NEW, 0)), NOW)
    assert plan.traffic == OLD
    assert plan.revisions == (OLD, NEW)
    assert plan.status.phase is Phase.FAILED
    progressing = condition(plan, ConditionType.PROGRESSING)
    assert (progressing.status, progressing.reason) == (FALSE, Reason.RECORDED_ANSWERS_MISSING)
    for part in (NEW, OLD, "record", "spec.consistency.require to EngineOnly"):
        assert part in progressing.message
    assert condition(plan, ConditionType.READY).status is TRUE
    assert condition(plan, ConditionType.STALLED).status is TRUE
    assert next((event.warning, event.reason) for event in plan.events) == (True, Reason.RECORDED_ANSWERS_MISSING)
    again = next_plan(goal(), plan.status, both_ready(proved(OLD, 3), proved(NEW, 0)), NOW + timedelta(hours=1))
    assert (again.traffic, again.events) == (OLD, ())
    assert condition(again, ConditionType.PROGRESSING) == progressing


@pytest.mark.parametrize(
    ("before", "after", "require"),
    [
        (proved(OLD, 3), proved(NEW, 1), Require.AUTO),
        (proved(OLD, 3), proved(NEW, 0), Require.ENGINE_ONLY),
        (proved(OLD, 3), None, Require.ENGINE_ONLY),
        (proved(OLD, 3), None, Require.RECORDED),
        (proved(OLD, 0), None, Require.AUTO),
        (proved("d" * 10, 3), None, Require.AUTO),
        (None, None, Require.AUTO),
    ],
    ids=str,
)
def test_whatever_falls_behind_nothing_or_is_asked_for_gets_the_traffic(
    before: Verification | None, after: Verification | None, require: Require
) -> None:
    assert next_plan(goal(require=require), ROLLING, both_ready(before, after), NOW).traffic == NEW


def test_the_first_revision_falls_behind_nothing() -> None:
    status = ServiceStatus(canary=ROLLING.canary, progress_started_at=NOW)
    found = replace(seen(None, revisions={NEW: pods(2)}), candidate=proved(NEW, 0))
    assert next_plan(goal(), status, found, NOW).traffic == NEW


@pytest.mark.parametrize("after", [None, proved(OLD, 3)])
def test_a_candidate_that_could_not_be_asked_waits_and_is_late_in_the_end(after: Verification | None) -> None:
    found = both_ready(proved(OLD, 3), after)
    plan = next_plan(goal(), ROLLING, found, NOW + timedelta(minutes=1))
    assert (plan.traffic, plan.status.phase) == (OLD, Phase.PROGRESSING)
    progressing = condition(plan, ConditionType.PROGRESSING)
    assert (progressing.status, progressing.reason) == (TRUE, Reason.WAITING_FOR_REPORT)
    assert "8081" in progressing.message
    late = next_plan(goal(), plan.status, found, NOW + timedelta(minutes=30))
    assert (late.traffic, late.status.phase) == (OLD, Phase.FAILED)
    assert condition(late, ConditionType.PROGRESSING).reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    assert "8081" in condition(late, ConditionType.PROGRESSING).message
    heard = next_plan(goal(), late.status, both_ready(proved(OLD, 3), proved(NEW, 2)), NOW + timedelta(minutes=31))
    assert heard.traffic == NEW


def test_how_good_the_verdict_is_stands_in_the_condition_and_in_an_event_of_its_own() -> None:
    far = replace(proved(OLD, 3), difference=DIFFERENCE, warnings=("There is one golden sample.",))
    plan = next_plan(goal(OLD), STABLE, replace(seen(OLD, revisions={OLD: pods(2)}), verification=far), NOW)
    message = condition(plan, ConditionType.CONSISTENT).message
    assert message == (
        "4 golden samples agree with Paddle Inference and the recorded answers (3 of them have one). Largest "
        "difference from the recorded answers: 1.2e-07 (relative 3.4e-06) at sample hello.json, tensor score. There is "
        "one golden sample."
    )
    assert [(event.warning, event.message) for event in plan.events] == [(True, f"Revision {OLD}: {message}")]
    assert plan.status.verification == far
