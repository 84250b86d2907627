import math
from datetime import UTC, datetime, timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Finding, Reason, set_conditions
from paddle_serving_operator.api.memory import Halted, Retreating, RolloutStatus, Why
from paddle_serving_operator.api.status import Phase, ServiceStatus, Track, dump_status, parse_status
from paddle_serving_operator.api.verification import Difference, Verification

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=7)


def found(status: ConditionStatus, message: str = "m") -> Finding:
    return Finding(ConditionType.READY, status, Reason.WAITING_FOR_PODS, message)


def test_a_status_is_the_same_after_writing_and_reading() -> None:
    status = ServiceStatus(
        observed_generation=3,
        phase=Phase.PROGRESSING,
        conditions=set_conditions((), [found(ConditionStatus.TRUE)], 3, NOW),
        stable=Track("a" * 10, "sha256:1", "i", 2, 2, 100),
        canary=Track("b" * 10, "sha256:2", "i", 2, 0, 0),
        verification=Verification(
            "a" * 10,
            "Recorded",
            4,
            "3.3.1",
            "cpu",
            "hello.json",
            recorded=3,
            difference=Difference(1.2e-7, math.inf, "hello.json", "score"),
            warnings=("One sample.",),
        ),
        progress_started_at=NOW,
        url="http://ocr.default.svc",
        replicas=2,
        ready_replicas=1,
        selector="a=b",
    )
    assert parse_status(dump_status(status)) == status


WHY = Why(Reason.NOT_CONSISTENT, "hello.json differs")


@pytest.mark.parametrize(
    "stage", [kind("b" * 10, NOW, WHY, step) for kind in (Retreating, Halted) for step in (None, 0, 2)]
)
def test_the_step_of_a_stopped_candidate_is_the_same_after_writing_and_reading(stage: Retreating | Halted) -> None:
    status = ServiceStatus(rollout=RolloutStatus("a" * 10, stage), step="1/3")
    assert parse_status(dump_status(status)) == status


def test_an_absent_status_is_an_empty_one() -> None:
    assert parse_status(None) == ServiceStatus()
    assert parse_status({}) == ServiceStatus()


def test_a_status_of_another_version_still_tells_who_has_the_traffic() -> None:
    raw = {"phase": "Verifying", "stable": {"revision": "a" * 10}, "conditions": [{"type": "New"}]}
    status = parse_status(raw)
    assert status.stable is not None
    assert status.stable.revision == "a" * 10
    assert status.phase is None


def test_the_time_of_a_condition_moves_only_when_its_status_flips() -> None:
    first = set_conditions((), [found(ConditionStatus.FALSE)], 1, NOW)
    same = set_conditions(first, [found(ConditionStatus.FALSE, "another sentence")], 2, LATER)
    flipped = set_conditions(same, [found(ConditionStatus.TRUE)], 2, LATER)
    assert same[0].last_transition_time == NOW
    assert same[0].message == "another sentence"
    assert same[0].observed_generation == 2
    assert flipped[0].last_transition_time == LATER


def test_conditions_keep_one_order_and_those_without_a_finding_stay() -> None:
    degraded = Finding(ConditionType.DEGRADED, ConditionStatus.FALSE, Reason.AVAILABLE, "m")
    first = set_conditions((), [degraded], 1, NOW)
    both = set_conditions(first, [found(ConditionStatus.TRUE)], 1, LATER)
    assert [condition.type for condition in both] == [ConditionType.READY, ConditionType.DEGRADED]


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_a_word_that_the_definition_allows(reason: Reason) -> None:
    assert reason.value.isalpha()
    assert reason.value[0].isupper()
