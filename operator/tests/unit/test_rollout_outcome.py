"""What those who wait for a rollout are told, and when."""

from dataclasses import replace

import pytest

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.rollout.plan import next_plan, refused

from .rollouts import (
    FALSE,
    NEW,
    NOT_CONSISTENT,
    NOW,
    OLD,
    ROLLING,
    STABLE,
    TRUE,
    condition,
    goal,
    pods,
    seen,
)


def test_healthy_is_said_only_when_no_pod_of_a_revision_that_had_the_traffic_may_answer_any_more() -> None:
    both = {OLD: pods(2), NEW: pods(2)}
    switched = next_plan(goal(), ROLLING, replace(seen(NEW, revisions=both), answering=frozenset({OLD, NEW})), NOW)
    assert switched.status.leaving == (OLD,)
    alone = replace(seen(NEW, revisions={NEW: pods(2)}), answering=frozenset({OLD, NEW}))
    ending = next_plan(goal(), switched.status, alone, NOW)
    assert ending.status.phase is Phase.PROGRESSING
    assert condition(ending, ConditionType.PROGRESSING).reason is Reason.WAITING_FOR_DRAIN
    assert OLD in condition(ending, ConditionType.PROGRESSING).message
    assert condition(ending, ConditionType.READY).status is TRUE
    assert ending.polls
    gone = next_plan(goal(), ending.status, replace(alone, answering=frozenset({NEW})), NOW)
    assert gone.status.phase is Phase.HEALTHY
    assert gone.status.leaving == ()


def test_a_candidate_that_never_had_traffic_is_not_waited_for() -> None:
    found = replace(seen(OLD, revisions={OLD: pods(2)}), answering=frozenset({OLD, NEW}))
    plan = next_plan(goal(OLD), ROLLING, found, NOW)
    assert plan.status.phase is Phase.HEALTHY


OUTCOMES = {
    "first, waits": (goal(), ServiceStatus(), seen(None), (FALSE, TRUE, FALSE)),
    "update, waits": (goal(), STABLE, seen(OLD, revisions={OLD: pods(2)}), (FALSE, TRUE, FALSE)),
    "update, failed": (
        goal(),
        ROLLING,
        seen(OLD, revisions={OLD: pods(2), NEW: pods(0, trouble=NOT_CONSISTENT)}),
        (FALSE, FALSE, TRUE),
    ),
    "held": (goal(paused=True), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), (FALSE, FALSE, FALSE)),
    "done": (goal(OLD), STABLE, seen(OLD, revisions={OLD: pods(2)}), (TRUE, FALSE, FALSE)),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_healthy_reconciling_and_stalled_tell_whoever_waits_what_became_of_the_newest_spec(case: str) -> None:
    wanted, status, found, (healthy, reconciling, stalled) = OUTCOMES[case]
    plan = next_plan(replace(wanted, generation=7), status, found, NOW)
    assert condition(plan, ConditionType.HEALTHY).status is healthy
    assert condition(plan, ConditionType.RECONCILING).status is reconciling
    assert condition(plan, ConditionType.STALLED).status is stalled
    assert {item.observed_generation for item in plan.status.conditions} == {7}


def test_a_spec_that_cannot_be_used_is_stalled_for_its_own_generation() -> None:
    wrong = replace(goal(OLD), generation=7)
    status = refused(STABLE, wrong, seen(OLD, revisions={OLD: pods(2)}), (Reason.INVALID_SPEC, "no"), NOW)
    stalled, healthy = status.condition(ConditionType.STALLED), status.condition(ConditionType.HEALTHY)
    assert stalled is not None
    assert healthy is not None
    assert (stalled.status, healthy.status) == (TRUE, FALSE)
    assert healthy.observed_generation == 7


@pytest.mark.parametrize(
    ("budgeted", "others", "status"),
    [(True, (), TRUE), (True, ("mine",), FALSE), (False, ("mine",), TRUE), (False, ("mine", "more"), FALSE)],
)
def test_more_than_one_budget_over_the_pods_is_told(
    *, budgeted: bool, others: tuple[str, ...], status: ConditionStatus
) -> None:
    found = replace(seen(OLD, revisions={OLD: pods(2)}), budgets=others)
    plan = next_plan(goal(OLD, budgeted=budgeted), STABLE, found, NOW)
    assert condition(plan, ConditionType.EVICTABLE).status is status
    assert all(name in condition(plan, ConditionType.EVICTABLE).message for name in others if status is FALSE)
    warned = [event for event in plan.events if event.reason is Reason.SEVERAL_BUDGETS]
    assert len(warned) == (status is FALSE)
    assert next_plan(goal(OLD, budgeted=budgeted), plan.status, found, NOW).events == ()
