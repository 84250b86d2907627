import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typing_extensions import override

from paddle_serving_operator.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import (
    Halted,
    Idle,
    Promoting,
    Retreating,
    RolloutStatus,
    Shifting,
    Stage,
    Turn,
    Verifying,
    Why,
)
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.verbs import parse_verb
from paddle_serving_operator.api.verification import Verification
from paddle_serving_operator.constants import ANNOTATION_VERB, Key
from paddle_serving_operator.reconcile.tally import Tally
from paddle_serving_operator.recorder import Unrecorded
from paddle_serving_operator.rollout.move import Event

KEY = Key("default", "ocr")
START = datetime(2026, 1, 1, tzinfo=UTC)
WHY = Why(Reason.NOT_CONSISTENT, "hello.json differs")


class Told(Unrecorded):
    def __init__(self) -> None:
        self.told: list[tuple[str | float, ...]] = []

    @override
    def rolled(self, outcome: str, seconds: float) -> None:
        self.told.append(("rolled", outcome, seconds))

    @override
    def proved(self, verdict: str) -> None:
        self.told.append(("proved", verdict))

    @override
    def ordered(self, verb: str, outcome: str) -> None:
        self.told.append(("ordered", verb, outcome))


@pytest.fixture
def told() -> Told:
    return Told()


def at(stage: Stage, stable: str | None = "a") -> ServiceStatus:
    return ServiceStatus(rollout=RolloutStatus(stable, stage))


def live(tally: Tally, *statuses: ServiceStatus) -> None:
    """One status after the other, a minute apart."""
    for number, (before, after) in enumerate(itertools.pairwise(statuses)):
        tally.wrote(KEY, before, after, START + timedelta(minutes=number))


@pytest.mark.parametrize(
    ("statuses", "outcome", "minutes"),
    [
        ([at(Idle()), at(Verifying("b", START)), at(Promoting("b", START)), at(Idle(), "b")], "promoted", 2),
        ([ServiceStatus(), at(Verifying("a", START), None), at(Idle(), "a")], "promoted", 1),
        ([at(Idle()), at(Verifying("b", START)), at(Halted("b", START, WHY))], "stopped", 1),
        (
            [
                at(Idle()),
                at(Verifying("b", START)),
                at(Shifting("b", START, 0)),
                at(Retreating("b", START, WHY)),
                at(Halted("b", START, WHY)),
            ],
            "stopped",
            3,
        ),
        ([at(Idle()), at(Verifying("b", START)), at(Verifying("c", START))], "replaced", 1),
        ([at(Idle()), at(Verifying("b", START)), at(Idle())], "replaced", 1),
    ],
)
def test_a_rollout_that_ends_is_told_once_with_its_whole_time(
    told: Told, statuses: list[ServiceStatus], outcome: str, minutes: int
) -> None:
    live(Tally(told), *statuses, statuses[-1])
    assert told.told == [("rolled", outcome, minutes * 60.0)]


def test_waiting_for_a_turn_is_no_part_of_a_rollouts_time(told: Told) -> None:
    waiting = replace(at(Verifying("b", START)), rollout=RolloutStatus("a", Verifying("b", START), turn=Turn.WAITING))
    live(Tally(told), at(Idle()), waiting, waiting, at(Verifying("b", START)), at(Idle(), "b"))
    assert told.told == [("rolled", "promoted", 60.0)]


def test_a_rollout_that_is_begun_anew_is_another_one(told: Told) -> None:
    live(Tally(told), at(Idle()), at(Verifying("b", START)), at(Halted("b", START, WHY)), at(Verifying("b", START)))
    assert told.told == [("rolled", "stopped", 60.0)]
    live(Tally(told), at(Halted("b", START, WHY)), at(Idle()))
    assert len(told.told) == 1


def test_an_operator_that_started_in_between_counts_from_the_last_stage(told: Told) -> None:
    tally = Tally(told)
    tally.wrote(KEY, at(Promoting("b", START)), at(Idle(), "b"), START + timedelta(seconds=20))
    assert told.told == [("rolled", "promoted", 20.0)]


def test_a_clock_that_is_put_back_takes_nothing_from_what_was_counted(told: Told) -> None:
    Tally(told).wrote(KEY, at(Promoting("b", START)), at(Idle(), "b"), START - timedelta(days=1))
    assert told.told == [("rolled", "promoted", 0.0)]


def verified(revision: str, verdict: str = "Recorded") -> ServiceStatus:
    return ServiceStatus(verification=Verification(revision, verdict, 3, "3.3.1", "cpu"))


def inconsistent(reason: Reason, status: ConditionStatus = ConditionStatus.FALSE) -> ServiceStatus:
    condition = Condition(ConditionType.CONSISTENT, status, reason, "hello.json differs", START, 1)
    return replace(verified("a"), conditions=(condition,))


def test_what_a_revision_proved_is_told_when_it_becomes_known(told: Told) -> None:
    proved, failed = verified("a"), inconsistent(Reason.NOT_CONSISTENT)
    live(Tally(told), ServiceStatus(), proved, proved, verified("b", "EngineOnly"), verified("b", "EngineOnly"))
    assert told.told == [("proved", "Recorded"), ("proved", "EngineOnly")]
    told.told.clear()
    unknown = inconsistent(Reason.NOT_PROVED_YET, ConditionStatus.UNKNOWN)
    live(Tally(told), proved, unknown, failed, failed, proved)
    assert told.told == [("proved", "NotConsistent")]


@pytest.mark.parametrize(
    ("annotation", "reason", "expected"),
    [
        ("pause 1", Reason.VERB_OBEYED, ("ordered", "pause", "obeyed")),
        ("abort 2", Reason.VERB_REFUSED, ("ordered", "abort", "refused")),
        ("jump 3", Reason.VERB_REFUSED, ("ordered", "unknown", "refused")),
    ],
)
def test_an_order_is_told_with_what_became_of_it(
    told: Told, annotation: str, reason: Reason, expected: tuple[str, str, str]
) -> None:
    events = [Event(warning=False, reason=reason, message="x"), Event(warning=False, reason=Reason.PAUSED, message="x")]
    Tally(told).told(parse_verb({ANNOTATION_VERB: annotation}), events)
    assert told.told == [expected]
