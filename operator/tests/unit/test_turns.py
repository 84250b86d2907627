"""A service whose profile changed, among others: what it does, what it says, and who is woken."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import Turn
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.status import Phase, ServiceStatus, dump_status, parse_status
from paddle_serving_operator.api.verbs import parse_verb
from paddle_serving_operator.constants import ANNOTATION_VERB, PADDLE_SERVICE, Key, Manifest
from paddle_serving_operator.desired.revision import Revision, is_profiles, revision_of
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.queue import Queue, Timing
from paddle_serving_operator.rollout.facts import Facts, Rival, TurnSeen
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan
from paddle_serving_operator.settings import Profile

from .rollouts import NEW, NOW, OLD, STABLE, TRUE, UNKNOWN, condition, goal, pods, seen

FIRST = TurnSeen(taken=(Rival("shop/a", first=True),))
FAILED = TurnSeen(taken=(Rival("shop/a", first=True, failed=True, reason="NotConsistent"),))
NOBODY = TurnSeen()


def among(others: TurnSeen | None, **revisions: object) -> Facts:
    found = {OLD: pods(2), NEW: replace(pods(0, 0), deployed=False)} | revisions
    return replace(seen(OLD, found), turn=others)  # type: ignore[arg-type]


def turn_of(plan: Plan) -> Turn | None:
    assert plan.status.rollout is not None
    return plan.status.rollout.turn


def passes(others: TurnSeen, count: int, intent: Intent | None = None, status: ServiceStatus = STABLE) -> Plan:
    for _ in range(count):
        plan = next_plan(intent or goal(), status, among(others), NOW)
        status = parse_status(dump_status(plan.status))
    return plan


def test_it_waits_first_then_takes_the_turn_and_begins_only_when_that_is_written() -> None:
    plans = [passes(NOBODY, count) for count in (1, 2, 3)]
    assert [turn_of(plan) for plan in plans] == [Turn.WAITING, Turn.TAKEN, Turn.TAKEN]
    assert [plan.pods for plan in plans] == [{OLD: 2}, {OLD: 2}, {OLD: 2, NEW: 2}]
    assert [event.reason for plan in plans for event in plan.events][-1] is Reason.ROLLOUT_STARTED


@pytest.mark.parametrize(
    ("others", "status", "sentence"),
    [
        (FIRST, TRUE, "It waits for shop/a, which is being rolled out."),
        (
            FAILED,
            UNKNOWN,
            "It waits because shop/a has failed with it (NotConsistent). See `kubectl paddle describe a -n",
        ),
        (TurnSeen(taken=(Rival("shop/a", first=True, reason="Paused"),)), UNKNOWN, "which a person holds (Paused)"),
        (TurnSeen(before=(Rival("shop/a", first=True),)), TRUE, "It waits for shop/a, which comes first."),
    ],
)
def test_it_says_for_whom_it_waits_and_what_to_do(others: TurnSeen, status: ConditionStatus, sentence: str) -> None:
    plan = passes(others, 3)
    progressing = condition(plan, ConditionType.PROGRESSING)
    assert (progressing.status, progressing.reason) == (status, Reason.WAITING_FOR_TURN)
    assert sentence in progressing.message
    assert "`kubectl paddle resume ocr-rec -n models` lets this one begin all the same." in progressing.message
    assert (plan.pods, plan.traffic, plan.status.phase) == ({OLD: 2}, OLD, Phase.PROGRESSING)
    assert condition(plan, ConditionType.READY).status is TRUE
    assert plan.look_again_in is None


def test_waiting_has_no_deadline_and_the_service_is_scaled_meanwhile() -> None:
    status = passes(FAILED, 3).status
    later = next_plan(goal(replicas=5), status, among(FAILED), NOW + timedelta(days=3))
    assert later.pods == {OLD: 5}
    assert condition(later, ConditionType.PROGRESSING).reason is Reason.WAITING_FOR_TURN


def test_what_the_spec_asks_for_and_what_has_no_pods_never_waits() -> None:
    status = passes(FAILED, 3).status
    assert next_plan(goal(), status, among(None), NOW).pods == {OLD: 2, NEW: 2}
    idle = next_plan(goal(replicas=0), status, among(FAILED), NOW)
    assert condition(idle, ConditionType.PROGRESSING).reason is Reason.SCALED_TO_ZERO
    assert turn_of(idle) is None


def test_a_paused_service_lets_the_others_go_first_and_gives_the_turn_back() -> None:
    taken = passes(NOBODY, 2).status
    plan = next_plan(goal(paused=True), taken, among(NOBODY), NOW)
    assert (turn_of(plan), plan.pods) == (Turn.WAITING, {OLD: 2})
    assert condition(plan, ConditionType.PROGRESSING).reason is Reason.PAUSED


def test_with_capacity_first_the_old_pods_stay_until_it_is_its_turn() -> None:
    assert passes(FIRST, 3, goal(capacity_first=True)).pods == {OLD: 2}
    assert passes(NOBODY, 3, goal(capacity_first=True)).pods == {OLD: 0, NEW: 0}


def ordered(verb: str) -> Intent:
    return goal(verb=parse_verb({ANNOTATION_VERB: f"{verb} t1"}))


def test_a_person_lets_it_begin_out_of_turn_by_resume() -> None:
    plan = next_plan(ordered("resume"), passes(FAILED, 2).status, among(FAILED), NOW)
    assert (turn_of(plan), plan.pods) == (Turn.AHEAD, {OLD: 2, NEW: 2})
    again = next_plan(ordered("resume"), plan.status, among(FAILED, **{NEW: pods(0)}), NOW)
    assert (turn_of(again), again.pods) == (Turn.AHEAD, {OLD: 2, NEW: 2})


def test_abort_takes_one_that_waits_out_of_the_line_and_retry_puts_it_back() -> None:
    out = next_plan(ordered("abort"), passes(FAILED, 2).status, among(FAILED), NOW)
    assert condition(out, ConditionType.PROGRESSING).reason is Reason.ABORTED
    assert woken_by(out.status) == set()
    back = next_plan(goal(verb=parse_verb({ANNOTATION_VERB: "retry t2"})), out.status, among(FAILED), NOW)
    assert condition(back, ConditionType.PROGRESSING).reason is Reason.WAITING_FOR_TURN


def test_one_that_was_stopped_while_it_had_no_pods_waits_when_it_is_tried_anew() -> None:
    aborted = goal(replicas=0, verb=parse_verb({ANNOTATION_VERB: "abort t1"}))
    stopped = next_plan(aborted, passes(FAILED, 2).status, among(FAILED), NOW)
    assert turn_of(stopped) is None
    plan = next_plan(goal(verb=parse_verb({ANNOTATION_VERB: "retry t2"})), stopped.status, among(FAILED), NOW)
    assert (turn_of(plan), plan.pods) == (Turn.WAITING, {OLD: 2})


def test_a_rollout_that_was_stopped_keeps_the_turn_and_one_that_is_through_gives_it_back() -> None:
    begun = passes(NOBODY, 3).status
    stopped = next_plan(ordered("abort"), begun, among(NOBODY, **{NEW: pods(0)}), NOW)
    assert (turn_of(stopped), stopped.status.phase) == (Turn.TAKEN, Phase.FAILED)
    through = next_plan(goal(), begun, seen(NEW, {NEW: pods(2)}), NOW)
    assert (turn_of(through), through.status.phase) == (None, Phase.HEALTHY)


CPU = Profile("runtime:1", "IfNotPresent", {"cpu": "2", "memory": "2Gi"}, {})
KEY = Key("default", "ocr")


def test_a_revision_is_the_profiles_where_the_spec_of_the_one_before_makes_it_today(make_raw_spec: Any) -> None:  # noqa: ANN401 - a function
    later = replace(CPU, image="runtime:2")

    def made(profile: Profile, **fields: object) -> Revision:
        raw = make_raw_spec(**fields)
        return revision_of("ocr", parse_spec(KEY, raw), profile, raw)

    before = made(CPU)
    assert is_profiles(KEY, before, made(later, replicas=7), "cpu", later)
    assert not is_profiles(KEY, before, made(CPU), "cpu", CPU)
    assert not is_profiles(KEY, before, made(later, resources={"limits": {"cpu": "1"}}), "cpu", later)
    assert not is_profiles(KEY, before, made(later, runtime="gpu"), "gpu", later)
    assert not is_profiles(KEY, replace(before, spec=None), made(later), "cpu", later)
    assert not is_profiles(KEY, replace(before, spec={"old": "field"}), made(later), "cpu", later)


def service(name: str, status: ServiceStatus, version: int) -> Manifest:
    metadata = {"namespace": "shop", "name": name, "uid": name, "resourceVersion": str(version)}
    return {"metadata": metadata, "status": dump_status(status)}


def woken_by(*statuses: ServiceStatus | None) -> set[str]:
    """Who is looked at after the last of these statuses of shop/a (None: it is deleted), while shop/b waits."""
    mirror, queue = Mirror(time.monotonic), Queue(Timing(lambda: 0.0, lambda: 0.0))
    hub = Hub(mirror, queue)
    hub.heard(PADDLE_SERVICE, "ADDED", service("b", passes(FIRST, 2).status, 1))
    for version, status in enumerate(statuses, start=2):
        while turn := queue.take(timedelta(0)):
            queue.finished(turn.key)
        item = service("a", status or STABLE, version)
        if status is not None:
            mirror.saw(PADDLE_SERVICE, item)  # as the operator's own write
        hub.heard(PADDLE_SERVICE, "MODIFIED" if status is not None else "DELETED", item)
    found = set()
    while turn := queue.take(timedelta(0)):
        queue.finished(turn.key)
        found.add(turn.key.name)
    return found - {"a"}


def test_those_that_wait_are_woken_at_once_when_what_they_wait_for_changes_and_only_then() -> None:
    waits, taken = passes(NOBODY, 1).status, passes(NOBODY, 2).status
    begun = passes(NOBODY, 3).status
    failed = replace(begun, phase=Phase.FAILED)
    assert woken_by(STABLE) == set()
    assert woken_by(waits) == set()
    assert woken_by(waits, taken) == {"b"}
    assert woken_by(taken, begun) == set()
    assert woken_by(begun, failed) == {"b"}
    assert woken_by(failed, STABLE) == {"b"}
    assert woken_by(waits, STABLE) == {"b"}
    assert woken_by(begun, None) == {"b"}
