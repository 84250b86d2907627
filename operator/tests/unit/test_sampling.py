import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from paddle_serving_operator.constants import Key
from paddle_serving_operator.observe.sampling import Sampler, quantile
from paddle_serving_operator.rollout.facts import Reading

KEY, NOW, TEN = Key("default", "ocr"), datetime(2026, 11, 23, tzinfo=UTC), timedelta(seconds=10)
OLD, NEW = "a" * 10, "b" * 10


class Pod:
    """Counts requests as the runtime does."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.restart()

    def restart(self) -> None:
        self.registry = CollectorRegistry()
        names = ["code", "protocol"]
        self.requests = Counter("paddle_serving_requests", "", names, registry=self.registry)
        self.seconds = Histogram(
            "paddle_serving_request_duration_seconds", "", buckets=[0.01, 0.1, 1], registry=self.registry
        )

    def answers(self, count: int, code: int = 200, seconds: float = 0.005) -> None:
        self.requests.labels(str(code), "http").inc(count)
        for _ in range(count if code == 200 else 0):
            self.seconds.observe(seconds)

    def json(self) -> dict[str, Any]:
        ready = [{"type": "Ready", "status": "True"}]
        return {"metadata": {"uid": self.address}, "status": {"podIP": self.address, "conditions": ready}}


class Pods:
    """Answers /metrics of the pods that it has."""

    def __init__(self, *pods: Pod) -> None:
        self.pods = {f"http://{pod.address}:8081/metrics": pod for pod in pods}
        self.asked = 0

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        del body
        self.asked += 1
        if url not in self.pods:
            raise requests.ConnectTimeout("no route")
        return generate_latest(self.pods[url].registry)


def test_only_what_happens_within_the_step_counts() -> None:
    old, new = Pod("10.0.0.1"), Pod("10.0.0.2")
    old.answers(500, code=503)
    sampler = Sampler(Pods(old, new))
    both = {OLD: [old.json()], NEW: [new.json()]}
    assert sampler.readings(KEY, "0", both, TEN, NOW) == {OLD: Reading(0, 0, None), NEW: Reading(0, 0, None)}
    old.answers(98)
    new.answers(99)
    new.answers(1, code=500)
    found = sampler.readings(KEY, "0", both, TEN, NOW + TEN)
    assert (found[OLD].requests, found[OLD].errors) == (98, 0)
    assert (found[NEW].requests, found[NEW].errors) == (100, 1)
    assert sampler.readings(KEY, "1", both, TEN, NOW + TEN)[NEW] == Reading(0, 0, None)


def test_a_request_that_is_called_wrong_is_no_failure_and_is_counted_by_itself() -> None:
    pod = Pod("10.0.0.1")
    sampler = Sampler(Pods(pod))
    sampler.readings(KEY, "0", {NEW: [pod.json()]}, TEN, NOW)
    for code in (200, 400, 404, 429, 499, 500, 504):
        pod.answers(1, code=code)
    found = sampler.readings(KEY, "0", {NEW: [pod.json()]}, TEN, NOW + TEN)[NEW]
    assert (found.requests, found.refused, found.errors) == (7, 4, 2)


def test_a_pod_that_is_started_within_the_step_counts_from_its_start_and_one_started_anew_counts_on() -> None:
    first, second = Pod("10.0.0.1"), Pod("10.0.0.2")
    sampler = Sampler(Pods(first, second))
    sampler.readings(KEY, "0", {NEW: [first.json()]}, TEN, NOW)
    second.answers(7)
    found = sampler.readings(KEY, "0", {NEW: [first.json(), second.json()]}, TEN, NOW + TEN)
    assert found[NEW].requests == 7
    first.answers(20)
    sampler.readings(KEY, "0", {NEW: [first.json()]}, TEN, NOW + 2 * TEN)
    first.restart()
    first.answers(3)
    assert sampler.readings(KEY, "0", {NEW: [first.json()]}, TEN, NOW + 3 * TEN)[NEW].requests == 10


def test_pods_are_read_once_an_interval_and_one_that_cannot_be_read_is_no_reading() -> None:
    pods = Pods()
    sampler = Sampler(pods)
    for second in range(25):
        gone = {NEW: [Pod("10.0.0.9").json()]}
        assert sampler.readings(KEY, "0", gone, TEN, NOW + timedelta(seconds=second)) == {}
    assert pods.asked == 3


def test_the_slowest_hundredth_is_read_from_the_histogram() -> None:
    pod = Pod("10.0.0.1")
    sampler = Sampler(Pods(pod))
    sampler.readings(KEY, "0", {NEW: [pod.json()]}, TEN, NOW)
    pod.answers(90, seconds=0.005)
    pod.answers(10, seconds=0.5)
    found = sampler.readings(KEY, "0", {NEW: [pod.json()]}, TEN, NOW + TEN)[NEW]
    assert found.p99 == pytest.approx(0.1 + 0.9 * 0.9)


@pytest.mark.parametrize(
    ("buckets", "value"),
    [
        ({}, None),
        ({1.0: 0, math.inf: 0}, None),
        ({1.0: 100, math.inf: 100}, 0.99),
        ({1.0: 0, 2.0: 0, math.inf: 5}, 2.0),
        ({0.5: 50, 1.0: 100, math.inf: 100}, 0.99),
    ],
)
def test_a_quantile_is_linear_within_its_bucket(buckets: dict[float, float], value: float | None) -> None:
    assert quantile(buckets, 0.99) == (value if value is None else pytest.approx(value))


def test_a_clock_that_is_put_back_makes_nobody_wait_for_longer() -> None:
    pod = Pod("10.0.0.1")
    pods = Pods(pod)
    sampler = Sampler(pods)
    for now in (NOW, NOW - timedelta(days=1)):
        sampler.readings(KEY, "0", {NEW: [pod.json()]}, TEN, now)
    assert pods.asked == 2
