from pathlib import Path

import pytest

from images.serving.tests.unit.front.test_log import line
from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.supervisor import metrics
from paddle_serving_runtime.supervisor.cpus import available_cpus, quota, workers_for
from paddle_serving_runtime.supervisor.crashes import CrashHistory
from paddle_serving_runtime.supervisor.readiness import Phase, readiness
from paddle_serving_runtime.supervisor.statistics import Statistics


def test_a_first_crash_restarts_at_once_and_every_further_one_waits_longer() -> None:
    history, delays = CrashHistory(), []
    for now in (0.0, 1.0, 2.0, 3.0):
        history = history.after(now)
        delays.append(history.delay)
    assert delays == [0.0, 0.25, 0.5, 1.0]
    assert not history.is_loop
    assert history.after(4.0).is_loop


def test_crashes_older_than_a_minute_are_forgotten() -> None:
    history = CrashHistory((0.0, 1.0, 2.0, 3.0)).after(62.5)
    assert history.times == (3.0, 62.5)
    assert not history.is_loop


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "200000 100000\n"}, 2.0),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "nonsense"}, None),
        ({}, None),
    ],
)
def test_the_cpu_limit_is_read_from_both_versions_of_cgroups(
    tmp_path: Path, files: dict[str, str], expected: float | None
) -> None:
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert quota(tmp_path) == expected
    assert available_cpus(tmp_path) <= (expected or float("inf"))


@pytest.mark.parametrize(
    ("cpus", "threads", "workers"), [(4.0, 1, 4), (4.0, 2, 2), (1.5, 1, 1), (0.5, 1, 1), (3.0, 4, 1)]
)
def test_workers_fit_into_the_cpus_and_there_is_always_one(cpus: float, threads: int, workers: int) -> None:
    assert workers_for(cpus, threads) == workers


def test_readiness_begins_when_every_worker_is_verified_and_lasts_while_one_serves() -> None:
    starting = readiness([Phase.SERVING, Phase.LOADING], verified_once=False, draining=False)
    assert not starting.ready
    assert starting.reason == "starting: workers 1 loading, 1 serving"
    assert readiness([Phase.SERVING, Phase.DEAD], verified_once=True, draining=False).ready
    assert readiness([Phase.DEAD, Phase.SUSPECT], verified_once=True, draining=False).reason == "no worker is alive"
    assert readiness([Phase.SERVING], verified_once=True, draining=True).reason == "draining"


def test_log_lines_of_the_front_are_counted_by_code() -> None:
    statistics = Statistics()
    refused = {"measured": "-"}
    for text in (line(), line(code="429", microseconds="", **refused), line(code="503"), line(queued="-1")):
        record = RequestRecord.parse(text)
        assert record is not None
        statistics.add(record)
    assert statistics.requests == {(200, "pipeline_json"): 2, (429, "pipeline_json"): 1, (503, "pipeline_json"): 1}
    assert {code: sum(failed.counts) for code, failed in statistics.failed.items()} == {429: 1, 503: 1}
    assert (sum(statistics.inference.counts), sum(statistics.batches.counts)) == (3, 3)
    assert sum(statistics.latency.counts) == 2
    assert statistics.latency.total == pytest.approx(0.003)
    assert statistics.queued.total == pytest.approx(0.002)


def test_metrics_are_prometheus_text_with_accumulated_buckets() -> None:
    statistics = Statistics()
    for microseconds in ("500", "20000", "90000000"):
        record = RequestRecord.parse(line(microseconds=microseconds))
        assert record is not None
        statistics.add(record)
    statistics.restarts[1] += 2
    text = metrics.render(
        metrics.Snapshot(
            statistics,
            {"serving": 2},
            standby=True,
            queue=3,
            ready=True,
            verdict="Recorded",
            model={"name": "m", "digest": "d"},
        )
    ).decode()
    for expected in (
        'paddle_serving_requests_total{code="200",protocol="pipeline_json"} 3.0',
        'paddle_serving_inference_duration_seconds_bucket{le="0.001"} 3.0',
        'paddle_serving_batch_size_bucket{le="1.0"} 3.0',
        "paddle_serving_batch_size_sum 3.0",
        'paddle_serving_worker_restarts_total{worker="1"} 2.0',
        'paddle_serving_workers{phase="serving"} 2.0',
        'paddle_serving_request_duration_seconds_bucket{le="0.001"} 1.0',
        'paddle_serving_request_duration_seconds_bucket{le="0.025"} 2.0',
        'paddle_serving_request_duration_seconds_bucket{le="+Inf"} 3.0',
        "paddle_serving_request_duration_seconds_count 3.0",
        "paddle_serving_standby 1.0",
        "paddle_serving_queue_length 3.0",
        "paddle_serving_ready 1.0",
        'paddle_serving_golden_verified{verdict="Recorded"} 1.0',
        'paddle_serving_model_info{digest="d",name="m"} 1.0',
    ):
        assert f"{expected}\n" in text, expected
