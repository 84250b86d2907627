"""What Prometheus reads: its own parser takes all of it, and every number is the one that was told."""

import time
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from paddle_serving_operator.constants import LABEL_SERVICE, PADDLE_SERVICE, POD, Key, Manifest
from paddle_serving_operator.metrics import PREFIX, Metrics
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.queue import TIMER, Queue, Timing


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Stage:
    def __init__(self) -> None:
        self.clock = Clock()
        self.queue = Queue(Timing(self.clock, lambda: 0.0))
        self.mirror = Mirror(time.monotonic)
        self.metrics = Metrics(self.queue, self.mirror)

    def families(self) -> dict[str, Metric]:
        text = self.metrics.text().decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

    def samples(self) -> dict[str, float]:
        """Every sample that is no bucket and no moment of creation, as name{labels without quotes}."""
        return {
            _name(sample.name, sample.labels): sample.value
            for family in self.families().values()
            for sample in family.samples
            if not sample.name.endswith(("_bucket", "_created"))
        }


def _name(name: str, labels: dict[str, str]) -> str:
    pairs = ",".join(f"{label}={value}" for label, value in sorted(labels.items()))
    return f"{name.removeprefix(PREFIX + '_')}{{{pairs}}}"


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_what_happened_is_counted(stage: Stage) -> None:
    metrics = stage.metrics
    for code in ("200", "200", "409", "none"):
        metrics.called("patch", "Service", code, 0.5)
    metrics.passed("Pod", "written", 0.25)
    metrics.passed("resync", "unchanged", 0.01)
    metrics.rolled("promoted", 90.0)
    metrics.proved("Recorded")
    metrics.ordered("pause", "obeyed")
    samples = stage.samples()
    expected = {
        "api_calls_total{code=200,kind=Service,verb=patch}": 2,
        "api_calls_total{code=409,kind=Service,verb=patch}": 1,
        "api_calls_total{code=none,kind=Service,verb=patch}": 1,
        "api_call_duration_seconds_sum{verb=patch}": 2.0,
        "passes_total{cause=Pod,outcome=written}": 1,
        "passes_total{cause=resync,outcome=unchanged}": 1,
        "pass_duration_seconds_sum{outcome=written}": 0.25,
        "rollout_duration_seconds_sum{outcome=promoted}": 90.0,
        "rollout_duration_seconds_count{outcome=promoted}": 1,
        "proofs_total{verdict=Recorded}": 1,
        "verbs_total{outcome=obeyed,verb=pause}": 1,
    }
    assert {name: samples.get(name) for name in expected} == expected


def service(name: str, status: Any = None) -> Manifest:  # noqa: ANN401 - JSON
    metadata = {"name": name, "namespace": "default", "uid": name, "resourceVersion": "3"}
    return {"metadata": metadata} | ({} if status is None else {"status": status})


def test_what_is_true_now_is_told_as_it_is(stage: Stage) -> None:
    stage.queue.add(Key("default", "a"), TIMER)
    stage.clock.seconds = 4.0
    services = [service("a", {"phase": "Healthy"}), service("b", {"phase": "Healthy"}), service("c", {}), service("d")]
    stage.mirror.listed(PADDLE_SERVICE, None, services, "5")
    pod = {"metadata": {"name": "p", "namespace": "default", "labels": {LABEL_SERVICE: "a"}, "resourceVersion": "4"}}
    stage.mirror.listed(POD, None, [pod], "5")
    stage.mirror.refused(POD, None)
    samples = stage.samples()
    expected = {
        "queue_length{}": 1,
        "queue_oldest_seconds{}": 4.0,
        "services{phase=Healthy}": 2,
        "services{phase=Unknown}": 2,
        "mirror_objects{kind=Pod}": 1,
        "mirror_objects{kind=Deployment}": 0,
        "watches_refused{kind=Pod}": 1,
        "watches_refused{kind=PaddleService}": 0,
    }
    assert {name: samples.get(name) for name in expected} == expected


def test_every_family_has_a_sentence_and_the_operators_prefix(stage: Stage) -> None:
    for name, family in stage.families().items():
        assert name.startswith(f"{PREFIX}_")
        assert family.documentation.endswith(".")


def test_two_operators_in_one_process_count_apart() -> None:
    first, second = Stage(), Stage()
    first.metrics.proved("Recorded")
    assert "proofs_total{verdict=Recorded}" in first.samples()
    assert "proofs_total{verdict=Recorded}" not in second.samples()
