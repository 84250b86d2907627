"""Where pods go that ask for GPUs, on nodes that say they have some: nothing here computes on a card.

A node's capacity is what its status says, and a RuntimeClass is a name: both are given to one node of the test
cluster. The image is the one for CPUs, because what is tried is the operator and the scheduler.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e.lib.pods import image
from e2e.lib.session import MIG_DEVICE
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.cluster import Cluster
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = pytest.mark.e2e

GPU = "nvidia.com/gpu"
SMALL = {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "50m", "memory": "256Mi"}}
# containerd's configuration in kind's nodes has a second handler of this name, which runs containers like the first
RUNTIME_CLASS = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "nvidia"},
    "handler": "test-handler",
}


def patched(cluster: Cluster, node: str, operation: str, amounts: dict[str, int]) -> None:
    """Adds or removes devices of a node's status; the kubelet leaves alone what it does not know."""
    patch = [
        {"op": operation, "path": f"/status/{where}/{device.replace('/', '~1')}", "value": str(amount)}
        for where in ("capacity", "allocatable")
        for device, amount in amounts.items()
    ]
    cluster.kubectl("patch", "node", node, "--subresource=status", "--type=json", "-p", json.dumps(patch))


@pytest.fixture
def gpu_node(cluster: Cluster) -> Iterator[str]:
    """A node that says it has two GPUs and one slice of another."""
    nodes = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"]
    name: str = nodes[-1]["metadata"]["name"]
    devices = {GPU: 2, MIG_DEVICE: 1}
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(RUNTIME_CLASS))
    patched(cluster, name, "add", devices)
    yield name
    patched(cluster, name, "remove", devices)
    cluster.kubectl("delete", "runtimeclass", "nvidia")


def nodes_of(service: Service) -> list[str]:
    return [pod["spec"].get("nodeName", "") for pod in service.pods()]


def test_pods_get_the_gpus_there_are_and_the_next_one_says_which_device_is_missing(given: Given, gpu_node: str) -> None:
    runtime = image("paddle-serving-runtime")
    service = given.service("uci-housing", runtime="gpu", image=runtime, resources=SMALL, replicas=2).is_healthy()
    assert nodes_of(service) == [gpu_node, gpu_node]
    for pod in service.pods():
        resources = pod["spec"]["containers"][0]["resources"]
        assert resources["limits"][GPU] == resources["requests"][GPU] == "1"
        assert pod["spec"]["runtimeClassName"] == "nvidia"
        assert all(GPU not in each["resources"].get("limits", {}) for each in pod["spec"]["initContainers"])

    service.when.scaled_to(3)
    service.then.condition_becomes("Progressing", "True", "Unschedulable", within=minutes(1))
    message = service.then.condition_becomes("Progressing", "True", within=minutes(1))
    assert GPU in message
    assert "No node takes pod" in message

    service.when.scaled_to(2)
    service.is_healthy()


def test_a_profile_for_a_slice_of_a_gpu_gets_the_slice_and_no_whole_one(given: Given, gpu_node: str) -> None:
    service = given.service("uci-housing", runtime="mig").is_healthy()
    assert nodes_of(service) == [gpu_node]
    (pod,) = service.pods()
    assert pod["spec"]["containers"][0]["resources"]["limits"][MIG_DEVICE] == "1"
    assert GPU not in pod["spec"]["containers"][0]["resources"]["limits"]
