from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.api.verification import Verification
from paddle_serving_operator.rollout.facts import Trouble
from paddle_serving_operator.rollout.plan import next_plan, refused

from .rollouts import (
    FALSE,
    NEW,
    NEXT,
    NO_MODEL,
    NOT_CONSISTENT,
    NOW,
    OLD,
    ROLLING,
    STABLE,
    TRUE,
    UNKNOWN,
    UNSCHEDULABLE,
    condition,
    goal,
    pods,
    seen,
    track,
)


def test_the_first_revision_is_started_without_traffic() -> None:
    plan = next_plan(goal(), ServiceStatus(), seen(None), NOW)
    assert plan.revisions == (NEW,)
    assert plan.traffic is None
    assert plan.status.phase is Phase.PENDING
    assert plan.status.canary is not None
    assert plan.status.progress_started_at == NOW
    assert condition(plan, ConditionType.READY).status is FALSE


def test_the_first_revision_gets_traffic_only_when_every_pod_is_ready() -> None:
    status = ServiceStatus(canary=track(NEW), progress_started_at=NOW)
    assert next_plan(goal(), status, seen(None, revisions={NEW: pods(1)}), NOW).traffic is None
    assert next_plan(goal(), status, seen(None, revisions={NEW: pods(2)}), NOW).traffic == NEW


def test_the_first_revision_is_healthy_once_the_service_and_its_endpoints_are_seen() -> None:
    status = ServiceStatus(canary=track(NEW), progress_started_at=NOW)
    before = next_plan(goal(), status, seen(NEW, serving=set(), revisions={NEW: pods(2)}), NOW)
    after = next_plan(goal(), before.status, seen(NEW, serving={NEW}, revisions={NEW: pods(2)}), NOW)
    assert before.status.phase is Phase.PROGRESSING
    assert before.polls
    assert after.status.phase is Phase.HEALTHY
    assert after.status.stable is not None
    assert after.status.stable.revision == NEW
    assert after.status.canary is None
    assert condition(after, ConditionType.READY).status is TRUE
    assert condition(after, ConditionType.PROGRESSING).reason is Reason.ROLLED_OUT


def test_endpoints_of_the_stable_service_do_not_stand_for_those_that_users_ask() -> None:
    plan = next_plan(goal(OLD), STABLE, seen(OLD, serving={OLD}, asked=set(), revisions={OLD: pods(2)}), NOW)
    ready = condition(plan, ConditionType.READY)
    assert (ready.status, ready.reason) == (FALSE, Reason.WAITING_FOR_ENDPOINTS)
    assert plan.status.phase is Phase.PROGRESSING
    assert plan.polls


def test_a_new_revision_starts_beside_the_old_one_which_keeps_all_traffic() -> None:
    plan = next_plan(goal(), STABLE, seen(OLD, revisions={OLD: pods(2)}), NOW)
    assert plan.revisions == (OLD, NEW)
    assert plan.traffic == OLD
    assert plan.status.phase is Phase.PROGRESSING
    assert condition(plan, ConditionType.READY).status is TRUE
    assert [event.warning for event in plan.events] == [False]


def test_traffic_waits_until_a_written_status_names_the_candidate() -> None:
    both = {OLD: pods(2), NEW: pods(2)}
    first = next_plan(goal(), STABLE, seen(OLD, revisions=both), NOW)
    second = next_plan(goal(), first.status, seen(OLD, revisions=both), NOW)
    assert first.traffic == OLD
    assert second.traffic == NEW


def test_traffic_moves_first_and_the_old_pods_stay() -> None:
    plan = next_plan(goal(), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), NOW)
    assert plan.traffic == NEW
    assert plan.revisions == (OLD, NEW)
    assert plan.status.stable is not None
    assert plan.status.stable.revision == OLD


def test_the_old_pods_go_only_after_the_switch_was_seen_written_and_left_by_the_endpoints() -> None:
    both = {OLD: pods(2), NEW: pods(2)}
    unwritten = next_plan(goal(), ROLLING, seen(NEW, serving={NEW}, revisions=both), NOW)
    switched = next_plan(goal(), ROLLING, seen(NEW, serving={OLD}, revisions=both), NOW)
    written = next_plan(goal(), switched.status, seen(NEW, serving={OLD, NEW}, revisions=both), NOW)
    gone = next_plan(goal(), written.status, seen(NEW, serving={NEW}, revisions=both), NOW)
    assert unwritten.revisions == switched.revisions == written.revisions == (OLD, NEW)
    assert switched.stable == NEW
    assert gone.revisions == (NEW,)
    assert gone.status.phase is Phase.HEALTHY


def test_scaling_makes_no_rollout() -> None:
    plan = next_plan(goal(OLD, replicas=5), STABLE, seen(OLD, revisions={OLD: pods(2)}), NOW)
    assert plan.revisions == (OLD,)
    assert plan.traffic == OLD
    assert plan.status.canary is None
    assert condition(plan, ConditionType.DEGRADED).status is FALSE


def test_another_change_starts_anew_from_the_stable_revision() -> None:
    plan = next_plan(goal(NEXT), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), NOW + timedelta(minutes=9))
    assert plan.revisions == (OLD, NEXT)
    assert plan.traffic == OLD
    assert plan.status.progress_started_at == NOW + timedelta(minutes=9)


def test_another_change_right_after_the_switch_starts_from_the_revision_with_the_traffic() -> None:
    plan = next_plan(goal(NEXT), ROLLING, seen(NEW, serving={OLD, NEW}, revisions={OLD: pods(2), NEW: pods(2)}), NOW)
    assert plan.traffic == NEW
    assert plan.status.stable is not None
    assert plan.status.stable.revision == NEW
    assert plan.revisions == (OLD, NEW, NEXT)


def test_going_back_to_the_stable_spec_ends_the_rollout_at_once() -> None:
    plan = next_plan(goal(OLD), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(1)}), NOW)
    assert plan.revisions == (OLD,)
    assert plan.status.phase is Phase.HEALTHY
    assert plan.status.canary is None


def test_a_paused_rollout_holds_the_traffic() -> None:
    both = {OLD: pods(2), NEW: pods(2)}
    plan = next_plan(goal(paused=True), ROLLING, seen(OLD, revisions=both), NOW + timedelta(hours=5))
    assert plan.traffic == OLD
    assert plan.status.phase is Phase.PROGRESSING
    assert condition(plan, ConditionType.PROGRESSING).reason is Reason.PAUSED


def test_with_no_replicas_nothing_is_verified_and_nothing_is_promoted() -> None:
    nobody = {OLD: pods(0, wanted=0), NEW: pods(0, wanted=0)}
    plan = next_plan(goal(replicas=0), ROLLING, seen(OLD, serving=set(), revisions=nobody), NOW + timedelta(hours=5))
    assert plan.traffic == OLD
    assert plan.status.phase is Phase.PROGRESSING
    assert plan.status.progress_started_at is None
    assert condition(plan, ConditionType.READY).reason is Reason.SCALED_TO_ZERO


def test_a_settled_service_scaled_to_zero_is_healthy_but_not_ready() -> None:
    plan = next_plan(goal(OLD, replicas=0), STABLE, seen(OLD, serving=set(), revisions={OLD: pods(0, wanted=0)}), NOW)
    assert plan.status.phase is Phase.HEALTHY
    assert condition(plan, ConditionType.READY).status is FALSE
    assert condition(plan, ConditionType.DEGRADED).status is FALSE


@pytest.mark.parametrize(
    ("trouble", "kind"), [(NOT_CONSISTENT, ConditionType.CONSISTENT), (NO_MODEL, ConditionType.MODEL_AVAILABLE)]
)
def test_a_candidate_that_fails_for_good_is_failed_and_stable_keeps_everything(
    trouble: Trouble, kind: ConditionType
) -> None:
    plan = next_plan(goal(), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(0, trouble=trouble)}), NOW)
    assert plan.status.phase is Phase.FAILED
    assert plan.traffic == OLD
    assert plan.revisions == (OLD, NEW)
    assert condition(plan, kind).status is FALSE
    assert condition(plan, kind).message == trouble.message
    assert condition(plan, ConditionType.PROGRESSING).reason is trouble.reason
    assert condition(plan, ConditionType.PROGRESSING).message == trouble.message
    assert condition(plan, ConditionType.READY).status is TRUE
    assert condition(plan, ConditionType.DEGRADED).status is FALSE
    assert [(event.warning, event.reason) for event in plan.events] == [(True, trouble.reason)]


def test_a_first_revision_that_fails_is_not_ready_for_the_same_reason() -> None:
    plan = next_plan(goal(), ServiceStatus(), seen(None, revisions={NEW: pods(0, trouble=NOT_CONSISTENT)}), NOW)
    assert plan.status.phase is Phase.FAILED
    assert condition(plan, ConditionType.READY).reason is Reason.NOT_CONSISTENT
    assert condition(plan, ConditionType.READY).message == NOT_CONSISTENT.message


def test_a_failed_candidate_goes_on_by_itself_when_the_cause_is_gone() -> None:
    failed = next_plan(goal(), ROLLING, seen(OLD, revisions={OLD: pods(2), NEW: pods(0, trouble=NOT_CONSISTENT)}), NOW)
    mended = next_plan(
        goal(), failed.status, seen(OLD, revisions={OLD: pods(2), NEW: pods(2)}), NOW + timedelta(hours=1)
    )
    assert mended.traffic == NEW
    assert mended.status.phase is Phase.PROGRESSING


def test_a_trouble_that_may_pass_keeps_progressing_until_the_deadline_and_is_named_all_the_time() -> None:
    stuck = seen(OLD, revisions={OLD: pods(2), NEW: pods(0, trouble=UNSCHEDULABLE)})
    early = next_plan(goal(), ROLLING, stuck, NOW + timedelta(minutes=9))
    late = next_plan(goal(), early.status, stuck, NOW + timedelta(minutes=10))
    assert early.status.phase is Phase.PROGRESSING
    assert early.look_again_in == timedelta(minutes=1)
    assert condition(early, ConditionType.PROGRESSING).reason is Reason.UNSCHEDULABLE
    assert late.status.phase is Phase.FAILED
    assert condition(late, ConditionType.PROGRESSING).reason is Reason.PROGRESS_DEADLINE_EXCEEDED
    assert "spec.rollout.progressDeadline (600 s)" in condition(late, ConditionType.PROGRESSING).message
    assert UNSCHEDULABLE.message in condition(late, ConditionType.PROGRESSING).message


def test_a_stable_revision_whose_pods_crash_is_degraded_and_not_ready() -> None:
    crash = Trouble(Reason.OUT_OF_MEMORY, "more memory", terminal=False)
    plan = next_plan(goal(OLD), STABLE, seen(OLD, revisions={OLD: pods(1, trouble=crash)}), NOW)
    assert condition(plan, ConditionType.READY).status is FALSE
    assert condition(plan, ConditionType.DEGRADED).status is TRUE
    assert condition(plan, ConditionType.DEGRADED).reason is Reason.OUT_OF_MEMORY
    assert plan.status.phase is Phase.FAILED
    assert plan.traffic == OLD


def test_a_stable_revision_that_crashes_during_a_rollout_is_degraded_too() -> None:
    crash = Trouble(Reason.CRASH_LOOPING, "exit code 1", terminal=False)
    plan = next_plan(goal(), ROLLING, seen(OLD, revisions={OLD: pods(1, trouble=crash), NEW: pods(0)}), NOW)
    assert condition(plan, ConditionType.READY).reason is Reason.CRASH_LOOPING
    assert condition(plan, ConditionType.DEGRADED).status is TRUE


def test_pods_that_dropped_out_without_a_word_are_lost_too() -> None:
    plan = next_plan(goal(OLD), STABLE, seen(OLD, revisions={OLD: replace(pods(1), dropped=1)}), NOW)
    assert condition(plan, ConditionType.DEGRADED).status is TRUE


@pytest.mark.parametrize(("dropped", "said"), [(1, "1 pod of revision"), (2, "2 pods of revision")])
def test_pods_that_are_lost_are_counted_in_english(dropped: int, said: str) -> None:
    plan = next_plan(goal(OLD), STABLE, seen(OLD, revisions={OLD: replace(pods(0), dropped=dropped)}), NOW)
    assert condition(plan, ConditionType.DEGRADED).message.startswith(said)


def test_a_lost_status_never_takes_the_traffic_away() -> None:
    plan = next_plan(goal(), ServiceStatus(), seen(OLD, revisions={OLD: pods(2)}), NOW)
    assert plan.traffic == OLD
    assert plan.revisions == (OLD, NEW)


def test_a_deleted_service_comes_back_to_the_stable_revision() -> None:
    plan = next_plan(goal(OLD), STABLE, seen(None, revisions={OLD: pods(2)}), NOW)
    assert plan.traffic == OLD


def test_a_service_turned_to_another_revision_by_hand_is_turned_back() -> None:
    plan = next_plan(goal(OLD), STABLE, seen(NEXT, revisions={OLD: pods(2), NEXT: pods(0)}), NOW)
    assert plan.traffic == OLD


def test_a_spec_that_cannot_be_used_changes_only_the_status() -> None:
    current = seen(OLD, revisions={OLD: pods(2)})
    status = refused(STABLE, goal(OLD), current, (Reason.UNKNOWN_RUNTIME, "use cpu"), NOW)
    assert status.phase is Phase.INVALID
    assert status.stable == track(OLD)
    progressing, ready = status.condition(ConditionType.PROGRESSING), status.condition(ConditionType.READY)
    assert progressing is not None
    assert progressing.reason is Reason.UNKNOWN_RUNTIME
    assert ready is not None
    assert ready.status is TRUE


def test_the_verification_is_told_in_the_condition() -> None:
    proof = Verification(OLD, "Recorded", 4, "3.3.1", "cpu")
    plan = next_plan(goal(OLD), STABLE, replace(seen(OLD, revisions={OLD: pods(2)}), verification=proof), NOW)
    assert plan.status.verification == proof
    assert condition(plan, ConditionType.CONSISTENT).reason is Reason.GOLDEN_ANSWERS_MATCH
    assert "4 golden samples" in condition(plan, ConditionType.CONSISTENT).message
    assert "recorded" in condition(plan, ConditionType.CONSISTENT).message


def test_a_service_that_need_not_be_consistent_says_so_and_warns() -> None:
    plan = next_plan(goal(OLD, consistency_required=False), STABLE, seen(OLD, revisions={OLD: pods(2)}), NOW)
    assert condition(plan, ConditionType.CONSISTENT).status is UNKNOWN
    assert condition(plan, ConditionType.CONSISTENT).reason is Reason.NOT_REQUIRED
    assert [event.reason for event in plan.events] == [Reason.NOT_REQUIRED]
    differs = replace(
        seen(OLD, revisions={OLD: pods(2)}), verification=Verification(OLD, "Recorded", 4, "3.3.1", "cpu", "hello.json")
    )
    again = next_plan(goal(OLD, consistency_required=False), plan.status, differs, NOW)
    assert condition(again, ConditionType.CONSISTENT).status is FALSE
    assert again.events == ()
