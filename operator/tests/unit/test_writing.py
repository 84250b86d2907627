"""The objects of events: two operators make one of the same thing, and two things have two."""

from datetime import timedelta

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.reconcile.writing import event_of
from paddle_serving_operator.rollout.move import Event
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import alone, ordered
from .rollouts import NOW, OLD, STABLE

RESOURCE = {"metadata": {"name": "ocr", "namespace": "default", "uid": "u", "generation": 3}}


def refusal(token: str) -> Event:
    """What is told of a verb that there is nothing to do for."""
    plan = next_plan(ordered("pause", token, revision=OLD), STABLE, alone(4), NOW)
    (event,) = [item for item in plan.events if item.reason is Reason.VERB_REFUSED]
    return event


def name_of(event: Event, later: timedelta = timedelta(0)) -> str:
    name: str = event_of(RESOURCE, event, NOW + later)["metadata"]["name"]
    return name


def test_the_same_verb_refused_twice_within_a_minute_is_two_events_that_say_the_same() -> None:
    first, second = refusal("t1"), refusal("t2")
    assert first.message == second.message
    assert name_of(first) != name_of(second)


def test_two_operators_that_refuse_one_verb_make_one_event() -> None:
    assert name_of(refusal("t1")) == name_of(refusal("t1"), timedelta(seconds=20))
