"""Prometheus text of what the supervisor knows."""

from collections.abc import Iterable, Mapping
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

from paddle_serving_runtime.supervisor.statistics import LATENCY_BUCKETS, Distribution, Statistics


@dataclass(frozen=True)
class Snapshot:
    """Everything that one scrape shows; `phases` counts workers by phase, `queue` is None where it is not known."""

    statistics: Statistics
    phases: Mapping[str, int]
    queue: int | None
    ready: bool
    verdict: str
    model: Mapping[str, str]


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
        statistics = self._snapshot.statistics
        requests = CounterMetricFamily("paddle_serving_requests", "Finished requests.", labels=["code"])
        for code, count in sorted(statistics.requests.items()):
            requests.add_metric([str(code)], count)
        restarts = CounterMetricFamily("paddle_serving_worker_restarts", "Workers replaced.", labels=["worker"])
        for worker, count in sorted(statistics.restarts.items()):
            restarts.add_metric([str(worker)], count)
        workers = GaugeMetricFamily("paddle_serving_workers", "Workers by phase.", labels=["phase"])
        for phase, count in self._snapshot.phases.items():
            workers.add_metric([phase], count)
        yield from (requests, restarts, workers)
        yield _histogram("request_duration", "Time of answered requests, queue included.", statistics.latency)
        yield _histogram("queue_duration", "Time that answered requests waited for a worker.", statistics.queued)
        if self._snapshot.queue is not None:
            yield GaugeMetricFamily("paddle_serving_queue_length", "Requests waiting.", self._snapshot.queue)
        yield GaugeMetricFamily("paddle_serving_ready", "1 where the pod is ready.", self._snapshot.ready)
        golden = GaugeMetricFamily("paddle_serving_golden_verified", "1 for the verdict.", labels=["verdict"])
        golden.add_metric([self._snapshot.verdict], 1)
        yield golden
        yield InfoMetricFamily("paddle_serving_model", "What is served.", dict(self._snapshot.model))


def _histogram(name: str, text: str, distribution: Distribution) -> HistogramMetricFamily:
    bounds = [*(str(bound) for bound in LATENCY_BUCKETS), "+Inf"]
    buckets, accumulated = [], 0
    for bound, count in zip(bounds, distribution.counts, strict=True):
        accumulated += count
        buckets.append((bound, accumulated))
    return HistogramMetricFamily(f"paddle_serving_{name}_seconds", text, buckets=buckets, sum_value=distribution.total)
