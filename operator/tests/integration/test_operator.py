"""The operator as a process, watching a real API server."""

import signal
import time
from pathlib import Path

import pytest
import requests

from paddle_serving_operator.constants import EVENT

from .world import PATIENCE_SECONDS, World, digest, spec

pytestmark = pytest.mark.integration


def test_a_rollout_moves_the_traffic_only_when_every_new_pod_is_ready_and_then_removes_the_old_ones(
    world: World, tmp_path: Path
) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path):
        old = world.healthy("ocr")
        world.change("ocr", **spec("b"))
        world.until("both revisions are deployed", lambda: len(world.deployments()) == 2)
        world.until("the candidate's pods exist", lambda: len(world.pods()) == 4)
        assert world.selected("ocr") == old
        world.kubelet[digest("b")] = "ready"
        new = world.healthy("ocr")
        assert new != old
        assert world.selected("ocr") == new
        world.until("the old Deployment is gone", lambda: world.deployments() == {new})
        world.until("the old pods are gone", lambda: len(world.pods()) == 2)


def test_a_candidate_that_is_not_consistent_never_gets_traffic_and_the_status_carries_its_sentence(
    world: World, tmp_path: Path
) -> None:
    sentence = "hello.json, tensor y, element (0, 1): served 1.0, but Paddle Inference says 2.0"
    world.kubelet |= {digest("a"): "ready", digest("b"): f"NotConsistent: {sentence}"}
    world.create("ocr", spec("a"))
    with world.operator(tmp_path):
        old = world.healthy("ocr")
        world.change("ocr", **spec("b"))
        world.until("the rollout failed", lambda: world.status("ocr").get("phase") == "Failed")
        assert world.selected("ocr") == old
        assert world.condition("ocr", "Ready")["status"] == "True"
        assert world.condition("ocr", "Consistent")["status"] == "False"
        assert sentence in world.condition("ocr", "Progressing")["message"]
        told = {event["reason"] for event in world.every(EVENT) if event["regarding"]["name"] == "ocr"}
        assert "NotConsistent" in told
        world.change("ocr", **spec("a"))
        assert world.healthy("ocr") == old


def test_an_operator_that_is_killed_in_the_middle_of_a_rollout_continues_when_it_is_back(
    world: World, tmp_path: Path
) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path / "first") as process:
        old = world.healthy("ocr")
        world.change("ocr", **spec("b"))
        world.until("both revisions are deployed", lambda: len(world.deployments()) == 2)
        process.kill()
        process.wait()
    world.kubelet[digest("b")] = "ready"
    assert world.selected("ocr") == old
    with world.operator(tmp_path / "second"):
        new = world.healthy("ocr")
    assert new != old
    assert world.selected("ocr") == new


def unchanged_for(world: World, seconds: float) -> bool:
    """Whether nobody wrote the resource in this time: two that undo each other's work would never leave it alone."""
    before = world.resource("ocr")["metadata"]["resourceVersion"]
    time.sleep(seconds)
    return bool(world.resource("ocr")["metadata"]["resourceVersion"] == before)


def test_two_operators_watching_at_once_do_no_harm(world: World, tmp_path: Path) -> None:
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    world.create("ocr", spec("a"))
    with world.operator(tmp_path / "first"), world.operator(tmp_path / "second"):
        old = world.healthy("ocr")
        world.change("ocr", **spec("b"))
        new = world.healthy("ocr")
        assert new != old
        world.until("the old Deployment is gone", lambda: world.deployments() == {new})
        world.until("both have come to rest", lambda: unchanged_for(world, seconds=3))


def test_scaling_makes_no_revision_and_is_told_in_the_status(world: World, tmp_path: Path) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path):
        revision = world.healthy("ocr")
        world.change("ocr", replicas=3)
        world.until("three pods are ready", lambda: world.status("ocr").get("readyReplicas") == 3)
        assert world.healthy("ocr") == revision


def test_pods_that_crash_later_make_the_service_degraded_and_not_ready(world: World, tmp_path: Path) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path):
        world.healthy("ocr")
        world.kubelet[digest("a")] = "WorkerCrashLoop: five workers crashed within a minute"
        world.until("it is degraded", lambda: world.condition("ocr", "Degraded").get("status") == "True")
        assert world.condition("ocr", "Ready")["status"] == "False"
        assert world.condition("ocr", "Ready")["reason"] == "WorkerCrashLoop"
        world.kubelet[digest("a")] = "ready"
        world.healthy("ocr")


def test_one_operator_for_the_whole_cluster_answers_its_probe_and_ends_on_a_signal(
    world: World, tmp_path: Path
) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path, namespaces="") as process:
        world.healthy("ocr")
        port = next(tmp_path.glob("operator-*.log")).stem.partition("-")[2]
        health = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
        assert health.status_code == requests.codes.ok
        assert health.json()["queue"]["oldestSeconds"] < 60
        resource = world.resource("ocr")
        assert "finalizers" not in resource["metadata"]
        assert "annotations" not in resource["metadata"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
