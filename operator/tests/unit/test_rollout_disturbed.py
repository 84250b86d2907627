"""Canaries beside which something happens that nobody meant to happen: a clock is put back, a revision is lost."""

from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.types import Step, Strategy, TrafficMode
from paddle_serving_operator.constants import LABEL_REVISION, SERVICE
from paddle_serving_operator.desired.build import Existing, desired_objects
from paddle_serving_operator.desired.revision import Revision
from paddle_serving_operator.rollout.facts import Facts, GatewaySeen
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import after, alone, at_first_step, at_second_step, both, canary, ordered
from .rollouts import KEY, NEW, NOW, OLD, TRUE, condition, pods


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


@pytest.mark.parametrize("capacity_first", [False, True])
def test_nobody_is_left_over_of_a_service_that_is_scaled_to_nothing_while_it_is_promoted(
    capacity_first: bool,  # noqa: FBT001 - a value of the table
) -> None:
    asked = canary(steps=(), capacity_first=capacity_first)
    promoting = next_plan(asked, at_second_step(), both(2, 2), NOW).status
    nothing = canary(steps=(), capacity_first=capacity_first, replicas=0)
    assert dict(next_plan(nothing, promoting, both(2, 2), NOW).pods) == {OLD: 0, NEW: 0}
    skipped = next_plan(ordered("promote"), after((canary(), alone(4), NOW)).status, alone(4, 1), NOW).status
    assert dict(next_plan(canary(replicas=0), skipped, alone(4, 1), NOW).pods) == {OLD: 0, NEW: 0}


def through_a_gateway(old: int, new: int) -> tuple[Plan, Facts]:
    """What follows when `traffic.mode` becomes Gateway in the first step of a canary by numbers of pods."""
    stable = GatewaySeen(100, 0, accepted=False, canary=None, backed=frozenset({OLD}))
    facts = both(old, new, gateway=stable)
    return next_plan(canary(traffic=TrafficMode.GATEWAY), at_first_step(), facts, NOW), facts


def selected(plan: Plan, facts: Facts) -> str | None:
    """The revision that the Service of users selects; None for every pod."""
    traffic = {"mode": "Gateway", "parentRefs": [{"name": "public"}]}
    model = {"digest": f"sha256:{'a' * 64}", "source": {"configMap": {"name": "model"}}}
    rollout = {"strategy": Strategy.CANARY.value, "steps": [{"weight": 25}]}
    asked = parse_spec(KEY, {"model": model, "replicas": 4, "traffic": traffic, "rollout": rollout})
    template = {"metadata": {"labels": {}}, "spec": {"serviceAccountName": KEY.name}}
    existing = Existing({}, {}, {}, facts, account_missing=False)
    made = desired_objects(KEY.name, asked, Revision(NEW, template, "", ""), plan, existing)
    services = {item["metadata"]["name"]: item for kind, item in made.manifests if kind == SERVICE}
    found: str | None = services[KEY.name]["spec"]["selector"].get(LABEL_REVISION)
    return found


def test_a_gateway_that_comes_in_the_middle_of_a_step_takes_no_answering_pod_from_users() -> None:
    plan, facts = through_a_gateway(3, 1)
    assert plan.pods[OLD] == 4
    assert selected(plan, facts) is None
    assert condition(plan, ConditionType.READY).status is TRUE
    assert plan.status.canary is not None
    assert plan.status.canary.weight == 0
    assert selected(*through_a_gateway(4, 1)) == OLD
