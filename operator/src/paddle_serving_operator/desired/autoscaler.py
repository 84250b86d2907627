"""A HorizontalPodAutoscaler that sets the replicas of a PaddleService through its scale subresource. Pure."""

from paddle_serving_operator.api.types import Autoscaling
from paddle_serving_operator.constants import AUTOSCALER, PADDLE_SERVICE, Manifest
from paddle_serving_operator.desired import names

QUEUE_METRIC = "paddle_serving_queue_seconds"
"""A pod's average, made by a metrics adapter of the histogram that the pod exports: docs/rollouts.md has the rule."""


def autoscaler(name: str, wanted: Autoscaling) -> Manifest:
    """It follows the CPU, or the queue, of the pods that `status.selector` selects."""
    target = {"apiVersion": PADDLE_SERVICE.api_version, "kind": PADDLE_SERVICE.kind, "name": name}
    return {
        "apiVersion": AUTOSCALER.api_version,
        "kind": AUTOSCALER.kind,
        "metadata": {"name": names.traffic_service(name), "labels": names.labels(name)},
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": wanted.min_replicas,
            "maxReplicas": wanted.max_replicas,
            "metrics": [_metric(wanted)],
        },
    }


def _metric(wanted: Autoscaling) -> Manifest:
    if wanted.queue_seconds is None:
        goal: Manifest = {"type": "Utilization", "averageUtilization": wanted.cpu_utilization}
        return {"type": "Resource", "resource": {"name": "cpu", "target": goal}}
    goal = {"type": "AverageValue", "averageValue": _quantity(wanted.queue_seconds)}
    return {"type": "Pods", "pods": {"metric": {"name": QUEUE_METRIC}, "target": goal}}


def _quantity(seconds: float) -> str:
    """As the API server writes it, which else would differ from what is asked for in every pass."""
    thousandths = round(seconds * 1000)
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)
