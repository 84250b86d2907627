"""Prometheus text of what the supervisor knows."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from typing_extensions import override

from paddle_serving_runtime.supervisor.shared_runs import SharedRuns
from paddle_serving_runtime.supervisor.statistics import Distribution, Statistics
from paddle_serving_runtime.verdict.recheck import Rechecks


@dataclass(frozen=True)
class Snapshot:
    """Everything that one scrape shows.

    `phases` counts workers by phase, `kept` is the requests of the replay buffer with their bytes, None where none is
    kept; `standby` says whether the next one has imported Paddle, `queue` is None where it
    is not known, `shared_runs` where there are none.
    """

    statistics: Statistics
    phases: Mapping[str, int]
    standby: bool
    queue: int | None
    ready: bool
    verdict: str
    model: Mapping[str, str]
    kept: tuple[int, int] | None = None
    shared_runs: SharedRuns | None = None


def render(snapshot: Snapshot) -> bytes:
    """The text exposition format, version 0.0.4."""
    registry = CollectorRegistry()
    registry.register(_Collector(snapshot))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @override
    def collect(self) -> Iterable[Metric]:
        yield from _counters(self._snapshot.statistics)
        yield from _histograms(self._snapshot.statistics)
        yield from _state(self._snapshot)
        yield from _rechecks(self._snapshot.statistics.rechecks)
        yield from _kept(self._snapshot.kept)
        yield from _shared_runs(self._snapshot.shared_runs)


def _counters(statistics: Statistics) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "paddle_serving_requests",
        "Finished requests by HTTP status, for gRPC by the equivalent one.",
        labels=["code", "protocol"],
    )
    for (code, protocol), count in sorted(statistics.requests.items()):
        requests.add_metric([str(code), protocol], count)
    restarts = CounterMetricFamily("paddle_serving_worker_restarts", "Workers replaced.", labels=["worker"])
    for worker, count in sorted(statistics.restarts.items()):
        restarts.add_metric([str(worker)], count)
    yield requests
    yield restarts
    yield CounterMetricFamily("paddle_serving_front_restarts", "HAProxy replaced.", statistics.front_restarts)
    lost = "Requests that died with their worker and were answered 503."
    yield CounterMetricFamily("paddle_serving_lost_requests", lost, statistics.lost)


def _histograms(statistics: Statistics) -> Iterator[Metric]:
    for name, text, distribution in (
        ("request_duration_seconds", "Time of answered requests, queue included.", statistics.latency),
        ("queue_duration_seconds", "Time that answered requests waited for a worker.", statistics.queued),
        ("inference_duration_seconds", "Time that workers' requests spent in Paddle Inference.", statistics.inference),
        ("batch_size", "Requests that were computed together with a request.", statistics.batches),
    ):
        histogram = HistogramMetricFamily(f"paddle_serving_{name}", text)
        histogram.add_metric([], _buckets(distribution), distribution.total)
        yield histogram
    failed = HistogramMetricFamily(
        "paddle_serving_failed_request_duration_seconds", "Time of failed requests, queue included.", labels=["code"]
    )
    for code, distribution in sorted(statistics.failed.items()):
        failed.add_metric([str(code)], _buckets(distribution), distribution.total)
    yield failed


def _state(snapshot: Snapshot) -> Iterator[Metric]:
    workers = GaugeMetricFamily("paddle_serving_workers", "Workers by phase.", labels=["phase"])
    for phase, count in snapshot.phases.items():
        workers.add_metric([phase], count)
    yield workers
    standby = "1 where the next worker has imported Paddle already."
    yield GaugeMetricFamily("paddle_serving_standby", standby, snapshot.standby)
    if snapshot.queue is not None:
        yield GaugeMetricFamily("paddle_serving_queue_length", "Requests waiting.", snapshot.queue)
    yield GaugeMetricFamily("paddle_serving_ready", "1 where the pod is ready.", snapshot.ready)
    golden = GaugeMetricFamily("paddle_serving_golden_verified", "1 for the verdict.", labels=["verdict"])
    golden.add_metric([snapshot.verdict], 1)
    yield golden
    yield InfoMetricFamily("paddle_serving_model", "What is served.", dict(snapshot.model))


def _rechecks(rechecks: Rechecks) -> Iterator[Metric]:
    if not rechecks.interval:
        return
    name = "paddle_serving_recheck"
    rounds = CounterMetricFamily(
        f"{name}_rounds", "How often a worker has answered every golden sample again, rightly.", labels=["worker"]
    )
    differences = CounterMetricFamily(
        f"{name}_differences", "Workers replaced because they answered a golden sample otherwise.", labels=["worker"]
    )
    last = GaugeMetricFamily(f"{name}_last_timestamp_seconds", "The end of a worker's last round.", labels=["worker"])
    for worker in range(rechecks.workers):
        rounds.add_metric([str(worker)], rechecks.rounds[worker])
        differences.add_metric([str(worker)], rechecks.differences[worker])
        if worker in rechecks.ended:
            last.add_metric([str(worker)], rechecks.ended[worker].timestamp())
    yield from (rounds, differences, last)


def _kept(kept: tuple[int, int] | None) -> Iterator[Metric]:
    if kept is None:
        return
    requests, size = kept
    yield GaugeMetricFamily("paddle_serving_replay_requests", "Requests that are kept with their answers.", requests)
    yield GaugeMetricFamily("paddle_serving_replay_bytes", "Memory that they take.", size)


def _shared_runs(shared: SharedRuns | None) -> Iterator[Metric]:
    if shared is None:
        return
    name = "paddle_serving_batch"
    rows = GaugeMetricFamily(f"{name}_max_rows", "Rows that requests may share a run with.", labels=["worker"])
    runs = CounterMetricFamily(f"{name}_runs", "Runs that requests have shared.", labels=["worker"])
    audits = CounterMetricFamily(
        f"{name}_audits", "Shared runs that were computed again row by row.", labels=["worker"]
    )
    differences = CounterMetricFamily(
        f"{name}_audit_differences", "Shared runs that had other bits than their rows alone.", labels=["worker"]
    )
    for worker, (proved, counted) in enumerate(zip(shared.rows, shared.audits, strict=True)):
        rows.add_metric([str(worker)], proved)
        runs.add_metric([str(worker)], counted.shared)
        audits.add_metric([str(worker)], counted.audited)
        differences.add_metric([str(worker)], counted.differences)
    yield from (rows, runs, audits, differences)


def _buckets(distribution: Distribution) -> list[tuple[str, float]]:
    bounds = [*(str(float(bound)) for bound in distribution.bounds), "+Inf"]
    buckets, accumulated = [], 0
    for bound, count in zip(bounds, distribution.counts, strict=True):
        accumulated += count
        buckets.append((bound, float(accumulated)))
    return buckets
