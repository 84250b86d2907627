"""A canary of four pods in two steps: intents, facts, and the statuses that it goes through."""

from dataclasses import replace
from datetime import datetime, timedelta

from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import Step
from paddle_serving_operator.api.verbs import parse_verb
from paddle_serving_operator.constants import ANNOTATION_VERB
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan

from .rollouts import NEW, NOW, OLD, STABLE, goal, pods, seen

STEPS = (Step(25, timedelta(seconds=60)), Step(50, None))


def canary(**fields: object) -> Intent:
    return goal(**({"replicas": 4, "steps": STEPS, "surge": 1} | fields))  # type: ignore[arg-type]


def both(old: int, new: int, **fields: object) -> Facts:
    """Both revisions with all of their pods Ready behind a Service that selects every pod."""
    found = seen(None, {OLD: pods(old, old), NEW: pods(new, new)}, serving={OLD, NEW}, asked={OLD, NEW})
    return replace(found, broad=True, answering=frozenset({OLD, NEW}), pinned=OLD, **fields)  # type: ignore[arg-type]


def alone(old: int, new: int | None = None, **fields: object) -> Facts:
    """The stable revision has all traffic."""
    revisions = {OLD: pods(old, old)} | ({NEW: pods(new, 1)} if new is not None else {})
    found = replace(seen(OLD, revisions), pinned=OLD, answering=frozenset({OLD} | ({NEW} if new else set())))
    return replace(found, **fields)  # type: ignore[arg-type]


def after(*passes: tuple[Intent, Facts, datetime], status: ServiceStatus = STABLE) -> Plan:
    for intent, facts, now in passes:
        plan = next_plan(intent, status, facts, now)
        status = plan.status
    return plan


def at_first_step(intent: Intent | None = None) -> ServiceStatus:
    asked = intent or canary()
    return after((asked, alone(4), NOW), (asked, alone(4, 1), NOW), (asked, both(3, 1), NOW)).status


def ordered(verb: str, number: str = "t1", **fields: object) -> Intent:
    return canary(verb=parse_verb({ANNOTATION_VERB: f"{verb} {number}"}), **fields)


def at_second_step() -> ServiceStatus:
    later = NOW + timedelta(seconds=61)
    over = (canary(), both(3, 1), later)
    return after(over, over, (canary(), both(2, 2), later), status=at_first_step()).status
