"""A canary: proved by one pod, moved in steps, held, judged, promoted, or taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.memory import Halted, Idle, Promoting, Retreating, Shifting, Verifying, step_of
from paddle_serving_operator.api.status import Phase
from paddle_serving_operator.api.types import Analysis, Step
from paddle_serving_operator.rollout.facts import Reading
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import after, alone, at_first_step, at_second_step, both, canary, ordered
from .rollouts import (
    FALSE,
    NEW,
    NEXT,
    NOT_CONSISTENT,
    NOW,
    OLD,
    STABLE,
    TRUE,
    UNKNOWN,
    UNSCHEDULABLE,
    condition,
    goal,
    pods,
    seen,
)


def test_one_pod_is_proved_before_any_other_is_started_and_before_it_gets_a_share() -> None:
    plan = next_plan(canary(), STABLE, alone(4), NOW)
    assert (dict(plan.pods), dict(plan.shares)) == ({OLD: 4, NEW: 1}, {OLD: 100})
    assert plan.status.rollout is not None
    assert plan.status.rollout.stage == Verifying(NEW, NOW)
    assert plan.status.step == "0/2"
    unready = next_plan(canary(), plan.status, alone(4, 0), NOW)
    assert (dict(unready.pods), dict(unready.shares)) == ({OLD: 4, NEW: 1}, {OLD: 100})


def test_a_proved_candidate_gets_the_first_share_once_a_written_status_names_it() -> None:
    unnamed = next_plan(canary(), STABLE, alone(4, 1), NOW)
    assert dict(unnamed.shares) == {OLD: 100}
    named = next_plan(canary(), unnamed.status, alone(4, 1), NOW)
    assert dict(named.shares) == {OLD: 75, NEW: 25}
    assert dict(named.pods) == {OLD: 4, NEW: 1}  # no pod goes before the endpoints lead to the new one
    assert named.status.rollout is not None
    assert named.status.rollout.stage == Shifting(NEW, NOW, 0)


def test_a_step_is_held_for_its_pause_from_the_moment_when_its_share_is_seen() -> None:
    status = at_first_step()
    assert status.rollout is not None
    assert status.rollout.stage == Shifting(NEW, NOW, 0, arrived=NOW)
    early = next_plan(canary(), status, both(3, 1), NOW + timedelta(seconds=59))
    assert condition(early, ConditionType.PROGRESSING).reason is Reason.STEP_PAUSE
    assert early.look_again_in == timedelta(seconds=1)
    assert (early.status.step, early.status.canary and early.status.canary.weight) == ("1/2", 25)
    over = next_plan(canary(), early.status, both(3, 1), NOW + timedelta(seconds=60))
    assert (over.status.step, set(over.shares.values())) == ("2/2", {25, 75})
    later = next_plan(canary(), over.status, both(3, 1), NOW + timedelta(seconds=60))
    assert dict(later.shares) == {OLD: 50, NEW: 50}


def test_the_stable_revision_shrinks_only_as_the_candidate_grows() -> None:
    over = (canary(), both(3, 1), NOW + timedelta(seconds=61))
    second = after(over, over, status=at_first_step())
    assert dict(second.pods) == {OLD: 3, NEW: 2}
    starting = replace(both(3, 2), revisions={OLD: pods(3, 3), NEW: pods(1, 2)})
    assert dict(next_plan(canary(), second.status, starting, NOW + timedelta(seconds=62)).pods) == {OLD: 3, NEW: 2}
    grown = next_plan(canary(), second.status, both(3, 2), NOW + timedelta(seconds=63))
    assert dict(grown.pods) == {OLD: 2, NEW: 2}


def test_a_pause_without_an_end_waits_for_a_person_and_is_no_failure() -> None:
    plan = next_plan(canary(), at_second_step(), both(2, 2), NOW + timedelta(days=3))
    progressing = condition(plan, ConditionType.PROGRESSING)
    assert (progressing.status, progressing.reason) == (UNKNOWN, Reason.WAITING_FOR_RESUME)
    assert "50 %" in progressing.message
    assert plan.status.phase is Phase.PROGRESSING
    assert condition(plan, ConditionType.READY).status is TRUE


def test_resume_ends_the_pause_and_the_last_step_is_followed_by_everything() -> None:
    resumed = next_plan(ordered("resume"), at_second_step(), both(2, 2), NOW + timedelta(hours=1))
    assert [event.reason for event in resumed.events if not event.warning] == [Reason.VERB_OBEYED]
    assert resumed.status.rollout is not None
    assert isinstance(resumed.status.rollout.stage, Promoting)
    again = next_plan(ordered("resume"), resumed.status, both(2, 2), NOW + timedelta(hours=1))
    assert dict(again.pods) == {OLD: 2, NEW: 3}  # as many as the surge leaves room for
    assert [event.reason for event in again.events] == []
    whole = next_plan(ordered("resume"), again.status, both(1, 4), NOW + timedelta(hours=1))
    assert dict(whole.shares) == {NEW: 100}
    moved = replace(seen(NEW, {OLD: pods(1, 1), NEW: pods(4, 4)}), answering=frozenset({OLD, NEW}))
    done = next_plan(ordered("resume"), whole.status, moved, NOW + timedelta(hours=1))
    assert done.status.rollout is not None
    assert (done.status.rollout.stage, done.status.rollout.stable) == (Idle(), NEW)
    assert done.status.leaving == (OLD,)


def test_ready_counts_the_pods_of_both() -> None:
    plan = next_plan(canary(), at_second_step(), both(2, 2), NOW + timedelta(hours=1))
    assert plan.status.replicas == plan.status.ready_replicas == 4
    assert condition(plan, ConditionType.READY).message.startswith("4 of 4 pods")


@pytest.mark.parametrize("rollback", [True, False])
def test_a_candidate_that_is_refuted_while_it_has_a_share_loses_it(*, rollback: bool) -> None:
    asked = canary(rollback=rollback)
    broken = replace(both(3, 1), revisions={OLD: pods(3, 3), NEW: pods(0, 1, NOT_CONSISTENT)})
    plan = next_plan(asked, at_first_step(asked), broken, NOW + timedelta(seconds=5))
    assert plan.status.rollout is not None
    stage = plan.status.rollout.stage
    if not rollback:
        assert isinstance(stage, Shifting)
        assert plan.status.phase is Phase.FAILED
        return
    assert isinstance(stage, Retreating)
    assert stage.why.message == NOT_CONSISTENT.message
    assert plan.pods[OLD] == 4
    assert dict(plan.shares) == {OLD: 100}


def test_a_retreat_brings_the_pods_back_before_the_traffic_and_ends_halted() -> None:
    aborted = next_plan(ordered("abort"), at_second_step(), both(2, 2), NOW + timedelta(hours=1))
    assert dict(aborted.pods) == {OLD: 4, NEW: 2}
    assert set(aborted.shares) == {OLD, NEW}
    assert condition(aborted, ConditionType.PROGRESSING).reason is Reason.ROLLING_BACK
    restored = next_plan(ordered("abort"), aborted.status, both(4, 2), NOW + timedelta(hours=1))
    assert dict(restored.shares) == {OLD: 100}
    back = replace(seen(OLD, {OLD: pods(4, 4), NEW: pods(1, 1)}), answering=frozenset({OLD, NEW}), pinned=OLD)
    halted = next_plan(ordered("abort"), restored.status, back, NOW + timedelta(hours=1))
    assert dict(halted.pods) == {OLD: 4, NEW: 1}  # they end once a written status says that it was stopped
    assert halted.status.phase is Phase.FAILED
    assert condition(halted, ConditionType.PROGRESSING).reason is Reason.ABORTED
    assert halted.status.rollout is not None
    assert isinstance(halted.status.rollout.stage, Halted)
    assert [plan.status.step for plan in (aborted, restored, halted)] == ["2/2", "2/2", "2/2"]
    still = next_plan(ordered("abort"), halted.status, alone(4), NOW + timedelta(hours=2))
    assert (dict(still.pods), still.status.rollout) == ({OLD: 4}, halted.status.rollout)
    assert halted.polls
    retried = next_plan(ordered("retry", "t2"), still.status, alone(4), NOW + timedelta(hours=3))
    assert dict(retried.pods) == {OLD: 4, NEW: 1}


def test_another_spec_in_mid_rollout_takes_the_share_back_first() -> None:
    plan = next_plan(canary(revision=NEXT), at_second_step(), both(2, 2), NOW + timedelta(hours=1))
    assert NEXT not in plan.pods
    assert plan.status.rollout is not None
    assert isinstance(plan.status.rollout.stage, Retreating)
    back = replace(seen(OLD, {OLD: pods(4, 4), NEW: pods(1, 1)}), answering=frozenset({OLD}), pinned=OLD)
    gone = after((canary(revision=NEXT), back, NOW), (canary(revision=NEXT), back, NOW), status=plan.status)
    assert dict(gone.pods) == {OLD: 4, NEXT: 1}


def test_a_status_names_the_step_that_a_candidate_was_stopped_in_and_only_of_the_steps_it_went_through() -> None:
    broken = replace(both(3, 1), revisions={OLD: pods(3, 3), NEW: pods(0, 1, NOT_CONSISTENT)})
    refuted = next_plan(canary(), at_first_step(), broken, NOW)
    halted = after((canary(), broken, NOW), (canary(), alone(4), NOW), (canary(), alone(4), NOW), status=refuted.status)
    assert halted.status.rollout is not None
    assert isinstance(halted.status.rollout.stage, Halted)
    assert (refuted.status.step, halted.status.step, halted.status.rollout.stage.step) == ("1/2", "1/2", 0)
    unproved = next_plan(ordered("abort"), after((canary(), alone(4), NOW)).status, alone(4, 0), NOW)
    assert (unproved.status.step, step_of(unproved.status.rollout.stage)) == ("", None)  # type: ignore[union-attr]
    promoted = next_plan(ordered("promote"), at_second_step(), both(2, 2), NOW)
    late = next_plan(ordered("abort", "t2"), promoted.status, both(2, 2), NOW)
    assert late.status.step == ""
    other = next_plan(canary(revision=NEXT), at_second_step(), both(2, 2), NOW)
    assert (other.status.step, step_of(other.status.rollout.stage)) == ("", 1)  # type: ignore[union-attr]


def test_going_back_to_the_stable_spec_in_mid_rollout_ends_it_healthy() -> None:
    plan = next_plan(canary(revision=OLD), at_second_step(), both(2, 2), NOW + timedelta(hours=1))
    assert plan.pods[OLD] == 4
    done = after(
        (canary(revision=OLD), both(4, 1), NOW),
        (canary(revision=OLD), alone(4, 1), NOW),
        (canary(revision=OLD), alone(4), NOW),
        status=plan.status,
    )
    assert (done.status.phase, dict(done.pods)) == (Phase.HEALTHY, {OLD: 4})


ANALYSIS = Analysis(max_error_ratio=0.01, max_latency_ratio=2.0, min_requests=100, interval=timedelta(seconds=10))


@pytest.mark.parametrize(
    ("candidate", "stable", "reason"),
    [
        (Reading(1000, 11, 0.01), Reading(1000, 0, 0.01), Reason.TOO_MANY_ERRORS),
        (Reading(1000, 0, 0.021), Reading(1000, 0, 0.01), Reason.TOO_SLOW),
        (Reading(1000, 10, 0.02), Reading(1000, 0, 0.01), Reason.STEP_PAUSE),
        (Reading(99, 99, 9.0), Reading(1000, 0, 0.01), Reason.STEP_PAUSE),
        (Reading(1000, 0, 9.0), Reading(5, 0, 0.01), Reason.STEP_PAUSE),
        # requests that the new model refuses and the old one takes are its errors; what both refuse is not
        (Reading(1000, 0, 0.01, refused=60), Reading(1000, 0, 0.01, refused=20), Reason.TOO_MANY_ERRORS),
        (Reading(1000, 8, 0.01, refused=9), Reading(3000, 0, 0.01), Reason.TOO_MANY_ERRORS),
        (Reading(1000, 0, 0.01, refused=300), Reading(1000, 0, 0.01, refused=300), Reason.STEP_PAUSE),
        (Reading(1000, 0, 0.01, refused=300), Reading(1000, 0, 0.01, refused=400), Reason.STEP_PAUSE),
        (Reading(1000, 0, 0.01, refused=230), Reading(1000, 0, 0.01, refused=200), Reason.STEP_PAUSE),  # chance
        (Reading(1000, 0, 0.01, refused=1000), Reading(5, 0, 0.01), Reason.STEP_PAUSE),  # nothing to compare with
        (Reading(1000, 0, 0.01, refused=1000), Reading(1000, 0, 0.01, refused=1000), Reason.STEP_PAUSE),
    ],
)
def test_the_candidates_own_metrics_decide_beside_those_of_the_stable_revision(
    candidate: Reading, stable: Reading, reason: Reason
) -> None:
    asked, readings = canary(analysis=ANALYSIS), {NEW: candidate, OLD: stable}
    plan = next_plan(asked, at_first_step(asked), both(3, 1, readings=readings), NOW + timedelta(seconds=5))
    why = condition(plan, ConditionType.PROGRESSING)
    retreats = reason in {Reason.TOO_MANY_ERRORS, Reason.TOO_SLOW}
    assert why.reason is (Reason.ROLLING_BACK if retreats else reason)
    assert plan.status.rollout is not None
    assert isinstance(plan.status.rollout.stage, Retreating if retreats else Shifting)


def test_too_few_requests_are_neither_good_nor_bad_and_are_late_in_the_end() -> None:
    asked, few = canary(analysis=ANALYSIS), {NEW: Reading(7, 0, None)}
    waits = next_plan(asked, at_first_step(asked), both(3, 1, readings=few), NOW + timedelta(seconds=61))
    assert condition(waits, ConditionType.PROGRESSING).reason is Reason.WAITING_FOR_REQUESTS
    late = next_plan(asked, waits.status, both(3, 1, readings=few), NOW + timedelta(minutes=11))
    assert late.status.rollout is not None
    assert isinstance(late.status.rollout.stage, Retreating)


def test_a_share_that_cannot_be_staffed_is_taken_back_after_the_deadline_of_its_own_step() -> None:
    begun = NOW + timedelta(minutes=9)
    second = after((canary(), both(3, 1), begun), status=at_first_step())
    waits = replace(both(3, 2), revisions={OLD: pods(3, 3), NEW: pods(1, 2, UNSCHEDULABLE)})
    early = next_plan(canary(), second.status, waits, begun + timedelta(minutes=9))
    assert early.status.phase is Phase.PROGRESSING
    assert condition(early, ConditionType.PROGRESSING).reason is Reason.UNSCHEDULABLE
    late = next_plan(canary(), early.status, waits, begun + timedelta(minutes=10))
    assert condition(late, ConditionType.PROGRESSING).reason is Reason.ROLLING_BACK


def test_two_revisions_share_only_when_no_third_has_pods() -> None:
    third = replace(alone(4, 1), answering=frozenset({OLD, NEW, NEXT}))
    plan = after((canary(), third, NOW), (canary(), third, NOW))
    assert dict(plan.shares) == {OLD: 100}
    assert condition(plan, ConditionType.PROGRESSING).reason is Reason.WAITING_FOR_DRAIN


def recreate(**fields: object) -> Intent:
    return goal(capacity_first=True, **fields)  # type: ignore[arg-type]


def test_recreate_ends_the_old_pods_before_new_ones_are_started() -> None:
    running = replace(seen(OLD, {OLD: pods(2)}), answering=frozenset({OLD}))
    first = next_plan(recreate(), STABLE, running, NOW)
    assert dict(first.pods) == {OLD: 0, NEW: 0}
    assert dict(first.shares) == {OLD: 100}
    gone = seen(OLD, {OLD: pods(0, 0)}, serving=set())
    started = next_plan(recreate(), first.status, gone, NOW)
    assert dict(started.pods) == {OLD: 0, NEW: 2}
    ready = replace(seen(OLD, {OLD: pods(0, 0), NEW: pods(2)}, serving=set()), answering=frozenset({NEW}))
    assert dict(next_plan(recreate(), started.status, ready, NOW).shares) == {NEW: 100}


def test_a_recreated_revision_that_fails_gives_way_to_the_one_before() -> None:
    gone = seen(OLD, {OLD: pods(0, 0), NEW: pods(0, trouble=NOT_CONSISTENT)}, serving=set())
    first = next_plan(recreate(), STABLE, replace(seen(OLD, {OLD: pods(2)}), answering=frozenset({OLD})), NOW)
    stopped = next_plan(recreate(), first.status, gone, NOW)
    assert dict(stopped.pods) == {OLD: 0, NEW: 2}
    plan = next_plan(recreate(), stopped.status, gone, NOW)
    assert dict(plan.pods) == {OLD: 2}
    assert condition(plan, ConditionType.PROGRESSING).reason is Reason.NOT_CONSISTENT
    assert condition(plan, ConditionType.READY).status is FALSE


def test_a_pod_that_is_lost_after_a_long_pause_has_the_whole_deadline() -> None:
    days = NOW + timedelta(days=2)
    lost = replace(both(2, 2), revisions={OLD: pods(2, 2), NEW: pods(1, 2)})
    first = next_plan(canary(), at_second_step(), lost, days)
    assert first.status.phase is Phase.PROGRESSING
    early = next_plan(canary(), first.status, lost, days + timedelta(minutes=9))
    assert early.status.phase is Phase.PROGRESSING
    late = next_plan(canary(), early.status, lost, days + timedelta(minutes=10))
    assert condition(late, ConditionType.PROGRESSING).reason is Reason.ROLLING_BACK


def test_a_canary_never_has_more_pods_than_its_surge_allows() -> None:
    asked = canary(replicas=10, surge=3, steps=(Step(50, timedelta(0)),))
    status, old, new, most, facts = STABLE, 10, 0, 0, alone(10)
    for _ in range(40):
        plan = next_plan(asked, status, facts, NOW)
        status, old, new = plan.status, plan.pods.get(OLD, 0), plan.pods.get(NEW, 0)
        most = max(most, old + new)
        if len(plan.shares) == 1 and NEW in plan.shares:
            break
        facts = both(old, new) if len(plan.shares) > 1 else alone(old, new)
    assert dict(plan.shares) == {NEW: 100}
    assert most <= 13
