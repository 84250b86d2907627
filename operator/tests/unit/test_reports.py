import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from typing_extensions import override

from paddle_serving_operator.api.types import Drift, DriftMode, DriftSamples
from paddle_serving_operator.api.verification import (
    Difference,
    Verification,
    dump_verification,
    parse_verification,
)
from paddle_serving_operator.constants import Key
from paddle_serving_operator.observe.reports import Reports, parse_report

KEY, REVISION = Key("default", "ocr"), "a" * 10
NOW = datetime(2026, 11, 23, tzinfo=UTC)
REPORT = {"verdict": "Recorded", "samples": 4, "paddleVersion": "3.3.1", "device": "cpu", "comparisons": []}


def pod(address: str = "10.0.0.7", ready: str = "True") -> dict[str, Any]:
    return {"status": {"podIP": address, "conditions": [{"type": "Ready", "status": ready}]}}


class Pods:
    """Answers the reports, or fails as often as it is told; remembers what was asked."""

    def __init__(self, failures: int = 0, body: object = REPORT) -> None:
        self.failures, self.body = failures, body
        self.asked: list[str] = []

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        del body
        self.asked.append(url)
        if len(self.asked) <= self.failures:
            raise requests.ConnectTimeout("no route")
        return json.dumps(self.body).encode()


def test_a_ready_pod_is_asked_at_its_admin_port() -> None:
    pods = Pods()
    found = Reports(pods).proof_of(KEY, REVISION, [pod("10.0.0.9", "False"), pod("10.0.0.8")], NOW)
    assert found is not None
    assert found.verification == Verification(REVISION, "Recorded", 4, "3.3.1", "cpu")
    assert pods.asked == ["http://10.0.0.8:8081/report"]


def test_an_ipv6_address_is_bracketed() -> None:
    pods = Pods()
    Reports(pods).proof_of(KEY, REVISION, [pod("fd00::7")], NOW)
    assert pods.asked == ["http://[fd00::7]:8081/report"]


def test_without_a_ready_pod_nobody_is_asked() -> None:
    pods = Pods()
    assert Reports(pods).proof_of(KEY, REVISION, [pod(ready="False")], NOW) is None
    assert pods.asked == []


def test_a_pod_that_cannot_be_reached_is_asked_again_ever_more_rarely() -> None:
    pods = Pods(failures=2)
    reports = Reports(pods)
    asked_at = [
        second for second in range(60) if reports.proof_of(KEY, REVISION, [pod()], NOW + timedelta(seconds=second))
    ]
    assert asked_at[0] == 15
    assert reports.next_attempt(KEY, REVISION) is None


def test_the_next_attempt_is_known_and_forgotten_with_the_object() -> None:
    reports = Reports(Pods(failures=1))
    reports.proof_of(KEY, REVISION, [pod()], NOW)
    assert reports.next_attempt(KEY, REVISION) == NOW + timedelta(seconds=5)
    reports.forget(KEY)
    assert reports.next_attempt(KEY, REVISION) is None


@pytest.mark.parametrize("body", [[], {}, {"verdict": "Perfect"}, {"verdict": "Recorded", "samples": "many"}])
def test_what_is_no_report_is_unknown(body: object) -> None:
    with pytest.raises(ValueError, match=r"not a report|invalid literal"):
        parse_report(REVISION, json.dumps(body).encode())
    assert Reports(Pods(body=body)).proof_of(KEY, REVISION, [pod()], NOW) is None


def test_a_comparison_that_differs_names_its_sample() -> None:
    comparisons = [{"sample": "a.json", "equal": True}, {"sample": "b.json", "equal": False}]
    assert parse_report(REVISION, json.dumps(REPORT | {"comparisons": comparisons}).encode()).unequal == "b.json"


def test_how_good_a_verdict_is_comes_with_it() -> None:
    far = {"sample": "a.json", "tensor": "score", "absolute": 1.23456e-7, "relative": 3.4e-6}
    report = REPORT | {"recorded": 3, "largestDifference": far, "warnings": ["One sample."]}
    found = parse_report(REVISION, json.dumps(report).encode())
    assert (found.recorded, found.warnings) == (3, ("One sample.",))
    assert found.difference == Difference(1.23e-7, 3.4e-6, "a.json", "score")
    endless = parse_report(REVISION, json.dumps(report | {"largestDifference": far | {"relative": None}}).encode())
    assert endless.difference == Difference(1.23e-7, math.inf, "a.json", "score")


def test_what_a_revision_proved_is_asked_once() -> None:
    pods = Pods()
    reports = Reports(pods)
    found = [reports.proof_of(KEY, name, [pod()], NOW) for name in (REVISION, REVISION, "b" * 10, REVISION)]
    assert [one.verification.revision for one in found if one] == [REVISION, REVISION, "b" * 10, REVISION]
    assert len(pods.asked) == 2
    reports.forget(KEY, but=(REVISION,))
    for name in (REVISION, "b" * 10):
        reports.proof_of(KEY, name, [pod()], NOW)
    assert len(pods.asked) == 3


@pytest.mark.parametrize("part", [{"largestDifference": {"sample": 1}}, {"warnings": 7}, {"comparisons": 7}])
def test_a_report_with_a_part_of_another_form_is_unknown(part: dict[str, Any]) -> None:
    assert Reports(Pods(body=REPORT | part)).proof_of(KEY, REVISION, [pod()], NOW) is None


class Incomparable(Pods):
    """Tells its report, and cannot compare."""

    @override
    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        if body is not None:
            raise requests.HTTPError("503 the stable revision cannot be reached")
        return super().__call__(url)


QUESTION = Drift(DriftMode.REPORT, 0.0, 0.0, DriftSamples.GOLDEN, 200, 0)


def test_a_comparison_that_fails_is_told_tried_again_and_forgotten_once_it_is_not_asked_for() -> None:
    reports = Reports(Incomparable())
    proof = reports.proof_of(KEY, REVISION, [pod()], NOW, QUESTION)
    assert proof is not None
    assert proof.verification.drift is not None
    assert (proof.verification.drift.complete, proof.verification.drift.asked) == (False, 0)
    assert "cannot be reached" in proof.verification.drift.reason
    assert reports.has_failed(KEY, REVISION)
    assert reports.next_attempt(KEY, REVISION) == NOW + timedelta(seconds=5)
    assert reports.proof_of(KEY, REVISION, [pod()], NOW) == proof
    assert reports.next_attempt(KEY, REVISION) is None


def test_a_revision_of_which_nothing_is_asked_any_more_has_no_next_attempt() -> None:
    reports = Reports(Incomparable())
    reports.proof_of(KEY, REVISION, [pod()], NOW, QUESTION)
    reports.rest(KEY, REVISION)
    assert reports.next_attempt(KEY, REVISION) is None


class Comparing(Pods):
    """Compares: three answers differ unless something is tolerated."""

    @override
    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        if body is None:
            return super().__call__(url)
        self.asked.append(f"{body['rtol']}")
        return json.dumps({"asked": 3, "different": 0 if body["rtol"] else 3, "complete": True}).encode()


def different(reports: Reports, question: Drift) -> int | None:
    proof = reports.proof_of(KEY, REVISION, [pod()], NOW, question)
    assert proof is not None
    return proof.verification.drift.different if proof.verification.drift else None


def test_another_tolerance_is_another_question_which_what_is_known_does_not_answer() -> None:
    pods = Comparing()
    reports = Reports(pods)
    assert different(reports, QUESTION) == 3
    assert different(reports, replace(QUESTION, rtol=0.1)) == 0
    assert different(reports, QUESTION) == 3
    assert different(reports, replace(QUESTION, mode=DriftMode.REQUIRE, max_different=1)) == 3
    assert [asked for asked in pods.asked if "/" not in asked] == ["0.0", "0.1", "0.0"]


def test_until_the_other_question_is_answered_nothing_is_known() -> None:
    works: list[Callable[[], None]] = []
    reports = Reports(Comparing(), submit=works.append)
    assert reports.proof_of(KEY, REVISION, [pod()], NOW, replace(QUESTION, rtol=0.1)) is None
    works.pop()()
    assert different(reports, replace(QUESTION, rtol=0.1)) == 0
    assert different(reports, QUESTION) is None
    works.pop()()
    assert different(reports, QUESTION) == 3


def test_a_clock_that_is_put_back_makes_nobody_wait_for_longer() -> None:
    reports = Reports(Pods(failures=1))
    assert reports.proof_of(KEY, REVISION, [pod()], NOW) is None
    assert reports.proof_of(KEY, REVISION, [pod()], NOW - timedelta(days=1)) is not None


def test_the_status_says_what_has_computed_where_the_pod_says_it() -> None:
    found = parse_report(REVISION, json.dumps(REPORT | {"backend": "OpenVINO"}).encode())
    status = dump_verification(found)
    assert status is not None
    assert status["backend"] == "OpenVINO"
    assert parse_verification(status) == found
    assert "backend" not in (dump_verification(parse_report(REVISION, json.dumps(REPORT).encode())) or {})
