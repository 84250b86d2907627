import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from paddle_serving_operator.api.status import Verification
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

    def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if len(self.asked) <= self.failures:
            raise requests.ConnectTimeout("no route")
        return json.dumps(self.body).encode()


def test_a_ready_pod_is_asked_at_its_admin_port() -> None:
    pods = Pods()
    found = Reports(pods).verification_of(KEY, REVISION, [pod("10.0.0.9", "False"), pod("10.0.0.8")], NOW)
    assert found == Verification(REVISION, "Recorded", 4, "3.3.1", "cpu")
    assert pods.asked == ["http://10.0.0.8:8081/report"]


def test_an_ipv6_address_is_bracketed() -> None:
    pods = Pods()
    Reports(pods).verification_of(KEY, REVISION, [pod("fd00::7")], NOW)
    assert pods.asked == ["http://[fd00::7]:8081/report"]


def test_without_a_ready_pod_nobody_is_asked() -> None:
    pods = Pods()
    assert Reports(pods).verification_of(KEY, REVISION, [pod(ready="False")], NOW) is None
    assert pods.asked == []


def test_a_pod_that_cannot_be_reached_is_asked_again_ever_more_rarely() -> None:
    pods = Pods(failures=2)
    reports = Reports(pods)
    asked_at = [
        second
        for second in range(60)
        if reports.verification_of(KEY, REVISION, [pod()], NOW + timedelta(seconds=second))
    ]
    assert asked_at[0] == 15
    assert reports.next_attempt(KEY, REVISION) is None


def test_the_next_attempt_is_known_and_forgotten_with_the_object() -> None:
    reports = Reports(Pods(failures=1))
    reports.verification_of(KEY, REVISION, [pod()], NOW)
    assert reports.next_attempt(KEY, REVISION) == NOW + timedelta(seconds=5)
    reports.forget(KEY)
    assert reports.next_attempt(KEY, REVISION) is None


@pytest.mark.parametrize("body", [[], {}, {"verdict": "Perfect"}, {"verdict": "Recorded", "samples": "many"}])
def test_what_is_no_report_is_unknown(body: object) -> None:
    with pytest.raises(ValueError, match=r"not a report|invalid literal"):
        parse_report(REVISION, json.dumps(body).encode())
    assert Reports(Pods(body=body)).verification_of(KEY, REVISION, [pod()], NOW) is None


def test_a_comparison_that_differs_names_its_sample() -> None:
    comparisons = [{"sample": "a.json", "equal": True}, {"sample": "b.json", "equal": False}]
    assert parse_report(REVISION, json.dumps(REPORT | {"comparisons": comparisons}).encode()).unequal == "b.json"
