"""Commands in conditions can be pasted: they name the PaddleService and its namespace."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionType
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import after, alone, at_first_step, at_second_step, both, canary, ordered
from .rollouts import NEW, NOW, OLD, STABLE, condition, goal, pods, seen

LATER = NOW + timedelta(minutes=1)


def aborted() -> Plan:
    retreating = next_plan(ordered("abort"), at_first_step(), both(3, 1), NOW)
    return next_plan(ordered("abort"), retreating.status, alone(4), NOW)


PLANS: Mapping[str, Callable[[], Plan]] = {
    "held step": lambda: next_plan(canary(), at_second_step(), both(2, 2), NOW + timedelta(hours=1)),
    "paused": lambda: next_plan(ordered("pause"), at_first_step(), both(3, 1), NOW),
    "aborted": aborted,
    "late": lambda: after(
        (goal(), replace(seen(OLD, {OLD: pods(2), NEW: pods(1)})), NOW),
        (goal(), replace(seen(OLD, {OLD: pods(2), NEW: pods(1)})), NOW + timedelta(hours=1)),
    ),
}
COMMANDS = {
    "held step": ("`kubectl paddle resume ocr-rec -n models`", "`kubectl paddle abort ocr-rec -n models`"),
    "paused": ("`kubectl paddle resume ocr-rec -n models`",),
    "aborted": ("`kubectl paddle retry ocr-rec -n models`",),
    "late": (f"`kubectl describe pods -n models -l serving.paddlepaddle.org/revision={NEW}`",),
}


@pytest.mark.parametrize("case", list(PLANS))
def test_a_command_in_progressing_can_be_pasted(case: str) -> None:
    message = condition(PLANS[case](), ConditionType.PROGRESSING).message
    assert all(command in message for command in COMMANDS[case]), message


def test_a_service_of_no_replicas_says_how_to_scale_it_up() -> None:
    plan = next_plan(goal(OLD, replicas=0), STABLE, seen(OLD, {OLD: pods(0, 0)}), LATER)
    text = condition(plan, ConditionType.READY).message
    assert "`kubectl scale psvc ocr-rec -n models --replicas=1`" in text
