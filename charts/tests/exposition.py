"""What the real /metrics of a serving pod and of the operator have: names of samples, and the labels of each."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from paddle_serving_operator.constants import LABEL_REVISION, LABEL_SERVICE, PADDLE_SERVICE
from paddle_serving_operator.metrics import Metrics
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.queue import Queue, Timing
from paddle_serving_runtime.link.ledger import Audits
from paddle_serving_runtime.supervisor.metrics import Snapshot, render
from paddle_serving_runtime.supervisor.shared_runs import SharedRuns
from paddle_serving_runtime.supervisor.statistics import Distribution, Statistics
from paddle_serving_runtime.verdict.recheck import Rechecks

TARGET = {"namespace", "pod", "container", "job", "instance", "endpoint"}
"""Labels that the Prometheus Operator gives to everything that a PodMonitor reads."""


def label_of(name: str) -> str:
    """A label of Kubernetes as Prometheus spells it."""
    return name.replace(".", "_").replace("/", "_")


SERVICE_TARGET = {label_of(LABEL_SERVICE), label_of(LABEL_REVISION)}
"""What podTargetLabels of the chart's second PodMonitor add."""


def labels_by_sample() -> dict[str, set[str]]:
    """Every sample that can be read, with the labels that it can have."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for text, target in ((_serving(), TARGET | SERVICE_TARGET), (_operator(), TARGET)):
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] |= sample.labels.keys() | target
    return dict(found)


def _serving() -> str:
    statistics = Statistics(
        requests=Counter({(200, "pipeline_json"): 1}),
        failed=defaultdict(Distribution, {500: Distribution()}),
        restarts=Counter({0: 1}),
        rechecks=Rechecks(interval=60, workers=1),
    )
    statistics.rechecks.round_ended(0, datetime(2026, 1, 1, tzinfo=UTC))
    snapshot = Snapshot(
        statistics=statistics,
        phases={"serving": 1},
        standby=True,
        queue=0,
        ready=True,
        verdict="Recorded",
        model={"name": "ocr", "digest": "", "paddle_version": "", "device": "cpu", "backend": "Default"},
        kept=(0, 0),
        shared_runs=SharedRuns(max_rows=2, proofs=({},), audits=(Audits(),), off=False),
    )
    return render(snapshot).decode()


def _operator() -> str:
    mirror = Mirror(time.monotonic)
    metrics = Metrics(Queue(Timing(time.monotonic, lambda: 0.0)), mirror)
    metrics.called("patch", "Service", "200", 0.1)
    metrics.passed("Pod", "written", 0.1)
    metrics.rolled("promoted", 1.0)
    metrics.proved("Recorded")
    metrics.ordered("pause", "obeyed")
    service = {"metadata": {"name": "ocr", "namespace": "a", "resourceVersion": "1"}, "status": {"phase": "Healthy"}}
    mirror.listed(PADDLE_SERVICE, None, [service], "1")
    return metrics.text().decode()
