"""What Prometheus is told of the operator itself, under /metrics of the health port."""

from collections import Counter as Count
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from paddle_serving_operator.constants import PADDLE_SERVICE
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.queue import Queue
from paddle_serving_operator.recorder import Recorder

PREFIX = "paddle_serving_operator"
CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
PASS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROLLOUT_SECONDS = (5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600)


class Metrics(Recorder):
    """Counts what happened, in a registry of its own. `text` also tells how queue and mirror are at that moment."""

    def __init__(self, queue: Queue, mirror: Mirror) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Moment(queue, mirror))
        self._calls = self._counter("api_calls", "Requests to the API server, watches apart.", "verb", "kind", "code")
        self._call_seconds = self._histogram("api_call_duration_seconds", "How long they took.", CALL_SECONDS, "verb")
        self._passes = self._counter("passes", "Passes over a PaddleService, by their first cause.", "cause", "outcome")
        self._pass_seconds = self._histogram("pass_duration_seconds", "How long a pass took.", PASS_SECONDS, "outcome")
        self._rollouts = self._histogram(
            "rollout_duration_seconds", "From the start of a rollout to its end.", ROLLOUT_SECONDS, "outcome"
        )
        self._proofs = self._counter("proofs", "What revisions proved, or why they did not.", "verdict")
        self._verbs = self._counter("verbs", "Orders by annotation.", "verb", "outcome")

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)

    def _counter(self, name: str, says: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", says, labels, registry=self._registry)

    def _histogram(self, name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"{PREFIX}_{name}", says, labels, buckets=buckets, registry=self._registry)

    @override
    def called(self, verb: str, kind: str, code: str, seconds: float) -> None:
        """The API server was asked."""
        self._calls.labels(verb, kind, code).inc()
        self._call_seconds.labels(verb).observe(seconds)

    @override
    def passed(self, cause: str, outcome: str, seconds: float) -> None:
        """A pass ended."""
        self._passes.labels(cause, outcome).inc()
        self._pass_seconds.labels(outcome).observe(seconds)

    @override
    def rolled(self, outcome: str, seconds: float) -> None:
        """A rollout ended."""
        self._rollouts.labels(outcome).observe(seconds)

    @override
    def proved(self, verdict: str) -> None:
        """A revision told what it proved."""
        self._proofs.labels(verdict).inc()

    @override
    def ordered(self, verb: str, outcome: str) -> None:
        """A verb was obeyed, or refused."""
        self._verbs.labels(verb, outcome).inc()


class _Moment(Collector):
    """What is true when it is asked for, and nowhere counted."""

    def __init__(self, queue: Queue, mirror: Mirror) -> None:
        self._queue = queue
        self._mirror = mirror

    @override
    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        waiting = f"{PREFIX}_queue_length", "PaddleServices that are due and wait for a worker."
        yield GaugeMetricFamily(*waiting, value=self._queue.backlog())
        oldest = f"{PREFIX}_queue_oldest_seconds", "For how long the oldest due or unfinished work has been waiting."
        yield GaugeMetricFamily(*oldest, value=self._queue.oldest_age().total_seconds())
        services = GaugeMetricFamily(f"{PREFIX}_services", "PaddleServices by phase.", labels=["phase"])
        for phase, number in sorted(self._phases().items()):
            services.add_metric([phase], number)
        yield services
        objects = GaugeMetricFamily(f"{PREFIX}_mirror_objects", "Watched objects, in memory.", labels=["kind"])
        for kind, number in self._mirror.sizes().items():
            objects.add_metric([kind], number)
        yield objects
        refused = GaugeMetricFamily(
            f"{PREFIX}_watches_refused",
            "Watches that are not answered, so that the API server is read.",
            labels=["kind"],
        )
        for kind, number in self._mirror.refusals().items():
            refused.add_metric([kind], number)
        yield refused

    def _phases(self) -> Count[str]:
        services = self._mirror.known(PADDLE_SERVICE, None)
        return Count((service.get("status") or {}).get("phase") or "Unknown" for service in services)
