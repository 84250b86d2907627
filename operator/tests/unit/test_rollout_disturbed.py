"""Canaries beside which something happens that nobody meant to happen: a clock is put back, a revision is lost."""

from dataclasses import replace
from datetime import timedelta

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.types import Step
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import after, alone, at_first_step, both, canary, ordered
from .rollouts import NEW, NOW, OLD, condition, pods


def test_a_clock_that_is_put_back_makes_no_pause_and_no_deadline_longer() -> None:
    yesterday = NOW - timedelta(days=1)
    held = next_plan(canary(), at_first_step(), both(3, 1), yesterday)
    assert held.look_again_in == timedelta(seconds=60)
    over = next_plan(canary(), held.status, both(3, 1), yesterday + timedelta(seconds=60))
    assert over.status.step == "2/2"
    waits = next_plan(canary(), after((canary(), alone(4, 0), NOW)).status, alone(4, 0), yesterday)
    assert waits.look_again_in == timedelta(minutes=10)
    late = next_plan(canary(), waits.status, alone(4, 0), yesterday + timedelta(minutes=10))
    assert condition(late, ConditionType.PROGRESSING).reason is Reason.PROGRESS_DEADLINE_EXCEEDED


def test_the_first_status_of_a_step_says_what_the_ratio_of_pods_is() -> None:
    asked = canary(steps=(Step(25, timedelta(0)),))
    plan = after((asked, alone(4), NOW), (asked, alone(4, 1), NOW))
    assert dict(plan.shares) == {OLD: 75, NEW: 25}
    assert plan.status.stable is not None
    assert plan.status.canary is not None
    assert (plan.status.stable.weight, plan.status.canary.weight) == (80, 20)


def without_the_old(new: int) -> Facts:
    """Somebody has deleted Deployment and record of the revision before."""
    alone = frozenset({NEW})
    return replace(both(3, new), revisions={NEW: pods(new, new)}, asked=alone, serving=alone, answering=alone)


def test_a_candidate_whose_predecessor_is_gone_for_good_gets_everything() -> None:
    plan = next_plan(canary(), at_first_step(), without_the_old(1), NOW)
    assert dict(plan.pods) == {NEW: 4}
    again = next_plan(canary(), plan.status, without_the_old(1), NOW)
    assert dict(again.pods) == {NEW: 4}
    assert dict(next_plan(canary(), again.status, without_the_old(4), NOW).shares) == {NEW: 100}


def test_a_candidate_that_retreats_from_nobody_goes_on_answering() -> None:
    left = next_plan(ordered("abort"), at_first_step(), both(3, 1), NOW).status
    for _ in range(3):
        plan = next_plan(canary(), left, without_the_old(1), NOW)
        assert dict(plan.pods) == {NEW: 1}
        left = plan.status
