"""Pods that are being added: what Ready says of them, and how long they may take."""

from datetime import timedelta

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.status import Phase
from paddle_serving_operator.rollout.plan import next_plan

from .rollouts import (
    FALSE,
    NEW,
    NOW,
    OLD,
    ROLLING,
    TRUE,
    UNSCHEDULABLE,
    condition,
    finished,
    goal,
    pods,
    seen,
)


def test_ready_stays_true_while_pods_are_added_and_those_from_before_answer() -> None:
    status, grown = finished(2), goal(OLD, replicas=40)
    for ready in (2, 20, 39):
        plan = next_plan(grown, status, seen(OLD, revisions={OLD: pods(ready, 40)}), NOW)
        assert condition(plan, ConditionType.READY).status is TRUE
        assert f"{ready} of 40 pods" in condition(plan, ConditionType.READY).message
        assert condition(plan, ConditionType.DEGRADED).status is FALSE
        assert condition(plan, ConditionType.HEALTHY).status is FALSE
        assert plan.status.phase is Phase.PROGRESSING
        status = plan.status
    lost = next_plan(grown, status, seen(OLD, revisions={OLD: pods(1, 40)}), NOW)
    assert condition(lost, ConditionType.READY).status is FALSE
    whole = next_plan(grown, status, seen(OLD, revisions={OLD: pods(40, 40)}), NOW)
    assert whole.status.phase is Phase.HEALTHY
    again = next_plan(grown, whole.status, seen(OLD, revisions={OLD: pods(39, 40)}), NOW)
    assert condition(again, ConditionType.READY).status is FALSE


def test_a_scale_up_that_waits_for_a_node_is_under_way_until_its_deadline_and_ready_all_the_time() -> None:
    waits = seen(OLD, revisions={OLD: pods(2, 3, UNSCHEDULABLE)})
    early = next_plan(goal(OLD, replicas=3), finished(2), waits, NOW)
    late = next_plan(goal(OLD, replicas=3), early.status, waits, NOW + timedelta(minutes=10))
    assert early.status.phase is Phase.PROGRESSING
    assert condition(early, ConditionType.PROGRESSING).reason is Reason.UNSCHEDULABLE
    assert early.look_again_in == timedelta(minutes=10)
    assert late.status.phase is Phase.FAILED
    assert condition(late, ConditionType.PROGRESSING).reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    for plan in (early, late):
        assert condition(plan, ConditionType.READY).status is TRUE
        assert condition(plan, ConditionType.DEGRADED).status is FALSE


def test_a_service_scaled_up_from_nothing_is_not_ready_before_every_pod_is() -> None:
    nobody = next_plan(goal(OLD, replicas=0), finished(2), seen(OLD, set(), {OLD: pods(0, 0)}), NOW)  # type: ignore[arg-type]
    plan = next_plan(goal(OLD, replicas=2), nobody.status, seen(OLD, revisions={OLD: pods(1)}), NOW)
    assert condition(plan, ConditionType.READY).status is FALSE


def test_the_deadline_starts_anew_with_every_further_ready_pod() -> None:
    status = ROLLING
    for ready in range(1, 40):
        found = seen(OLD, revisions={OLD: pods(40, 40), NEW: pods(ready, 40)})
        plan = next_plan(goal(replicas=40), status, found, NOW + timedelta(minutes=9 * ready))
        assert plan.status.phase is Phase.PROGRESSING
        status = plan.status
    late = next_plan(goal(replicas=40), status, found, NOW + timedelta(minutes=9 * 39 + 10))
    assert late.status.phase is Phase.FAILED
    assert "39 of 40 pods" in condition(late, ConditionType.PROGRESSING).message


def test_pods_that_come_and_go_do_not_move_the_deadline() -> None:
    status, phases = ROLLING, []
    for minute in range(12):
        found = seen(OLD, revisions={OLD: pods(2), NEW: pods(minute % 2)})
        status = next_plan(goal(), status, found, NOW + timedelta(minutes=minute)).status
        phases.append(status.phase)
    assert phases[-1] is Phase.FAILED


def test_an_autoscaler_that_adds_pods_does_not_fail_a_candidate_that_had_all_of_its_pods() -> None:
    held = next_plan(goal(paused=True), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), NOW)
    hours = NOW + timedelta(hours=3)
    grown = next_plan(
        goal(paused=True, replicas=4), held.status, seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), hours
    )
    waits = seen(OLD, revisions={OLD: pods(4, 4), NEW: pods(2, 4)})
    after = next_plan(goal(paused=True, replicas=4), grown.status, waits, hours + timedelta(minutes=9))
    late = next_plan(goal(paused=True, replicas=4), after.status, waits, hours + timedelta(minutes=10))
    assert [plan.status.phase for plan in (grown, after, late)] == [Phase.PROGRESSING, Phase.PROGRESSING, Phase.FAILED]


def test_an_autoscaler_that_adds_pods_gives_a_broken_candidate_no_more_time() -> None:
    broken = seen(OLD, revisions={OLD: pods(2), NEW: pods(0, 2)})
    first = next_plan(goal(), ROLLING, broken, NOW)
    plan = next_plan(goal(replicas=4), first.status, broken, NOW + timedelta(minutes=10))
    assert plan.status.phase is Phase.FAILED
