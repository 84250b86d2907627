"""What a comparison with the revision that serves may hold up, and what it must."""

from dataclasses import replace
from datetime import timedelta

import pytest

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.types import Drift as Policy
from paddle_serving_operator.api.types import DriftMode, DriftSamples
from paddle_serving_operator.api.verification import Drift, Verification
from paddle_serving_operator.rollout import drift
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent

from .rollouts import NEW, OLD, goal, seen

POLICY = Policy(DriftMode.REQUIRE, 0.0, 0.0, DriftSamples.GOLDEN, 200, 1)
COMPARED = Drift(samples="Golden", asked=3, different=0, missing=0, complete=True)
NOT_YET = timedelta(seconds=29)
PROVED = Verification(revision=NEW, verdict="Recorded", samples=3, paddle_version="3.3.1", device="cpu", recorded=3)


def objection(
    found: Drift | None, waited: timedelta = NOT_YET, **policy: object
) -> tuple[ConditionStatus, Reason] | None:
    """What is said against a candidate of which so much is known."""
    intent: Intent = goal(NEW, drift=replace(POLICY, **policy))  # type: ignore[arg-type]
    facts: Facts = replace(seen(OLD), candidate=replace(PROVED, drift=found))
    said = drift.objection(intent, facts, OLD, waited)
    return (said.status, said.reason) if said else None


WAITS = (ConditionStatus.TRUE, Reason.WAITING_FOR_DRIFT)
STOPPED = (ConditionStatus.FALSE, Reason.DRIFT_TOO_LARGE)


@pytest.mark.parametrize("waited", [NOT_YET, timedelta(hours=1)])
def test_what_could_not_be_compared_is_not_found_equal_where_the_spec_requires_it(waited: timedelta) -> None:
    assert objection(None, waited) == WAITS
    assert objection(replace(COMPARED, complete=False, reason="nobody answers"), waited) == WAITS


def test_a_comparison_that_is_only_reported_holds_nobody_up_for_longer_than_half_a_minute() -> None:
    assert objection(None, mode=DriftMode.REPORT) == WAITS
    assert objection(None, timedelta(seconds=30), mode=DriftMode.REPORT) is None
    assert objection(replace(COMPARED, complete=False), mode=DriftMode.REPORT) is None


@pytest.mark.parametrize(("different", "missing"), [(2, 0), (1, 1), (0, 2)])
def test_more_answers_that_differ_or_are_missing_than_may_stop_a_candidate(different: int, missing: int) -> None:
    found = replace(COMPARED, different=different, missing=missing)
    assert objection(found) == STOPPED
    assert objection(found, max_different=2) is None
    assert objection(found, mode=DriftMode.REPORT) is None


@pytest.mark.parametrize(
    ("missing", "words"), [(0, "goes on serving; 1 may."), (2, "goes on serving, and 2 could not be compared; 1 may.")]
)
def test_the_sentence_counts_what_could_not_be_compared(missing: int, words: str) -> None:
    found = replace(COMPARED, different=2, missing=missing)
    facts: Facts = replace(seen(OLD), candidate=replace(PROVED, drift=found))
    said = drift.objection(goal(NEW, drift=POLICY), facts, OLD, NOT_YET)
    assert said is not None
    assert words in said.message


def test_nobody_is_asked_where_nobody_serves_any_more_or_nothing_is_to_be_compared() -> None:
    intent = goal(NEW, drift=POLICY)
    assert drift.must_ask(intent, OLD)
    assert not drift.must_ask(intent, None)
    assert not drift.must_ask(intent, NEW)
    assert not drift.must_ask(replace(intent, capacity_first=True), OLD)
    assert not drift.must_ask(replace(intent, drift=replace(POLICY, mode=DriftMode.IGNORE)), OLD)
