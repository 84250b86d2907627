"""Who waits for a change (kubectl wait, Helm 4 and Flux by kstatus) waits for that change, not for the one before."""

import subprocess
from typing import Any

import pytest

from .control_plane import find_program
from .spy import Operator
from .world import PATIENCE_SECONDS, World, digest, spec

pytestmark = pytest.mark.integration


def kubectl_wait(world: World, condition: str = "Healthy", *, timeout: str) -> list[str]:
    """The command that the chart's notes print; with a time-out of 0 it looks once."""
    where = [f"--kubeconfig={world.plane.kubeconfig}", f"--namespace={world.namespace}"]
    return [str(find_program("kubectl")), *where, "wait", "psvc/ocr", f"--for=condition={condition}", timeout]


def is_met(world: World, condition: str = "Healthy") -> bool:
    """Whether the command would return at once."""
    command = kubectl_wait(world, condition, timeout="--timeout=0")
    return subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False).returncode == 0


def kstatus(resource: dict[str, Any]) -> str:
    """The rules of kstatus for a custom resource (sigs.k8s.io/cli-utils, pkg/kstatus/status, v1.2), in its order."""
    status = resource.get("status", {})
    if status.get("observedGeneration", resource["metadata"]["generation"]) != resource["metadata"]["generation"]:
        return "InProgress"
    conditions = {item["type"]: item["status"] for item in status.get("conditions", ())}
    if conditions.get("Reconciling") == "True":
        return "InProgress"
    if conditions.get("Stalled") == "True":
        return "Failed"
    return "InProgress" if conditions.get("Ready", "True") != "True" else "Current"


def waits(world: World) -> tuple[bool, str]:
    """What kubectl wait and kstatus make of the resource at this moment."""
    return is_met(world), kstatus(world.resource("ocr"))


def test_nobody_takes_a_change_that_the_operator_has_not_seen_for_done(world: World) -> None:
    world.create("ocr", spec("a"))
    assert waits(world) == (False, "InProgress")
    world.kubelet[digest("a")] = "ready"
    Operator(world, "ocr").until_healthy()
    assert waits(world) == (True, "Current")
    world.change("ocr", **spec("b"))
    assert world.condition("ocr", "Ready")["status"] == "True"
    assert waits(world) == (False, "InProgress")
    assert not is_met(world, "Reconciling=False")


def test_an_update_is_waited_for_until_it_serves_and_a_failure_is_told(world: World) -> None:
    world.create("ocr", spec("a"))
    world.kubelet |= {digest("a"): "ready", digest("c"): "NotConsistent: hello.json differs"}
    operator = Operator(world, "ocr")
    old = operator.until_healthy()
    world.change("ocr", **spec("b"))
    operator.once()
    assert waits(world) == (False, "InProgress")
    world.kubelet[digest("b")] = "ready"
    assert operator.until_healthy() != old
    assert waits(world) == (True, "Current")

    world.change("ocr", **spec("c"))

    def failed() -> bool:
        operator.once()
        return bool(world.status("ocr")["phase"] == "Failed")

    world.until("the rollout failed", failed)
    assert world.condition("ocr", "Ready")["status"] == "True"
    assert waits(world) == (False, "Failed")
    assert is_met(world, "Reconciling=False")


def test_a_command_that_waits_returns_with_the_change(world: World) -> None:
    world.create("ocr", spec("a"))
    world.kubelet[digest("a")] = "ready"
    operator = Operator(world, "ocr")
    operator.until_healthy()
    world.change("ocr", **spec("b"))
    world.kubelet[digest("b")] = "ready"
    with subprocess.Popen(kubectl_wait(world, timeout="--timeout=120s"), stdout=subprocess.DEVNULL) as waiting:
        new = operator.until_healthy()
        assert waiting.wait(PATIENCE_SECONDS) == 0
    assert world.selected("ocr") == new


def test_healthy_waits_for_the_last_pod_of_the_revision_before(world: World) -> None:
    world.create("ocr", spec("a"))
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    operator = Operator(world, "ocr")
    old = operator.until_healthy()
    world.kubelet[digest("a")] = "never ends"
    world.change("ocr", **spec("b"))

    def drains() -> bool:
        operator.once()
        reason = world.condition("ocr", "Progressing")["reason"]
        return bool(reason == "WaitingForDrain" and old not in world.deployments())

    world.until("only the old pods are left to wait for", drains)
    assert world.status("ocr")["leaving"] == [old]
    assert waits(world) == (False, "InProgress")
    world.kubelet[digest("a")] = "ready"
    operator.until_healthy()
    assert len(world.pods()) == 2
    assert waits(world) == (True, "Current")


def test_a_rollout_that_is_held_as_its_spec_asks_is_done_for_kstatus_but_not_healthy(world: World) -> None:
    world.create("ocr", spec("a"))
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    operator = Operator(world, "ocr")
    operator.until_healthy()
    world.change("ocr", rollout={"paused": True}, **spec("b"))

    def held() -> bool:
        operator.once()
        return bool(world.condition("ocr", "Progressing")["reason"] == "Paused")

    world.until("the rollout is held", held)
    assert waits(world) == (False, "Current")
