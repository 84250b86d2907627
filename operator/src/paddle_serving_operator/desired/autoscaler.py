"""A HorizontalPodAutoscaler that sets the replicas of a PaddleService through its scale subresource. Pure."""

from paddle_serving_operator.api.types import Autoscaling
from paddle_serving_operator.constants import AUTOSCALER, PADDLE_SERVICE, Manifest
from paddle_serving_operator.desired import names


def autoscaler(name: str, wanted: Autoscaling) -> Manifest:
    """It follows the CPU of the pods that `status.selector` selects."""
    target = {"apiVersion": PADDLE_SERVICE.api_version, "kind": PADDLE_SERVICE.kind, "name": name}
    goal = {"type": "Utilization", "averageUtilization": wanted.cpu_utilization}
    return {
        "apiVersion": AUTOSCALER.api_version,
        "kind": AUTOSCALER.kind,
        "metadata": {"name": names.traffic_service(name), "labels": names.labels(name)},
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": wanted.min_replicas,
            "maxReplicas": wanted.max_replicas,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": goal}}],
        },
    }
