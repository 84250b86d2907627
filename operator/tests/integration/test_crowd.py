"""What tests of many pods stand on: pods are scheduled, ready, endpoints, and gone, without anybody's kubelet."""

import pytest

from paddle_serving_operator.constants import DEPLOYMENT, SERVICE, Kind

from .world import World

pytestmark = pytest.mark.integration

PODS = 200
ENDPOINT_SLICE = Kind("discovery.k8s.io/v1", "EndpointSlice", "endpointslices")


def ready_endpoints(world: World) -> int:
    endpoints = [endpoint for one in world.every(ENDPOINT_SLICE) for endpoint in one["endpoints"] or ()]
    return sum(endpoint["conditions"]["ready"] for endpoint in endpoints)


def test_the_pods_of_a_large_deployment_are_ready_endpoints_and_go_with_it(crowded: World) -> None:
    labels = {"app": "many"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "none"}]}}
    spec = {"replicas": PODS, "selector": {"matchLabels": labels}, "template": template}
    crowded.post(SERVICE, {"metadata": {"name": "many"}, "spec": {"selector": labels, "ports": [{"port": 80}]}})
    crowded.post(DEPLOYMENT, {"metadata": {"name": "many"}, "spec": spec})
    ready = lambda: crowded.get(DEPLOYMENT, "many").get("status", {}).get("readyReplicas") == PODS  # noqa: E731
    crowded.until(f"{PODS} pods are ready", ready)
    crowded.until(f"{PODS} endpoints are ready", lambda: ready_endpoints(crowded) == PODS)
    assert len({pod["status"]["podIP"] for pod in crowded.pods()}) == PODS
    crowded.delete(DEPLOYMENT, "many")
    crowded.until("they are gone", lambda: not crowded.pods())
