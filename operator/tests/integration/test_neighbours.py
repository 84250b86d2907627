"""What else is in the namespace: accounts, disruption budgets and limits of other people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paddle_serving_operator.constants import DEPLOYMENT, DISRUPTION_BUDGET, SERVICE_ACCOUNT, Kind

from .spy import Operator
from .world import World, digest, spec

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

LIMIT_RANGE = Kind("v1", "LimitRange", "limitranges")


def accounts(world: World) -> set[str]:
    return {item["metadata"]["name"] for item in world.every(SERVICE_ACCOUNT)} - {"default"}


def evictable(world: World) -> object:
    return world.condition("ocr", "Evictable").get("status")


def test_pods_run_as_an_account_of_the_users_which_is_never_changed(world: World) -> None:
    for name in ("reader", "ocr"):  # the second has the name that the operator would give to its own
        world.post(SERVICE_ACCOUNT, {"metadata": {"name": name, "annotations": {"cloud": name}}})
    before = [world.get(SERVICE_ACCOUNT, name) for name in ("reader", "ocr")]
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    world.create("ocr", spec("a", pod={"serviceAccount": {"name": "reader"}}))
    operator = Operator(world, "ocr")
    operator.until_healthy()
    assert {pod["spec"]["serviceAccountName"] for pod in world.pods()} == {"reader"}
    world.change("ocr", pod={"serviceAccount": {"name": "ocr"}}, **spec("b"))
    operator.until_healthy()
    assert {pod["spec"]["serviceAccountName"] for pod in world.pods()} == {"ocr"}
    assert [world.get(SERVICE_ACCOUNT, name) for name in ("reader", "ocr")] == before


@pytest.mark.parametrize(
    ("kind", "content", "sentence"),
    [
        (SERVICE_ACCOUNT, {}, "To use it, name it in spec.pod.serviceAccount.name"),
        (DISRUPTION_BUDGET, {"spec": {"selector": {}}}, "To keep it, set spec.disruption.enabled to false"),
    ],
    ids=lambda value: value.kind if isinstance(value, Kind) else "",
)
def test_what_is_in_the_way_says_how_to_keep_it(
    world: World, kind: Kind, content: dict[str, object], sentence: str
) -> None:
    world.post(kind, {"metadata": {"name": "ocr"}, **content})
    world.create("ocr", spec("a"))
    Operator(world, "ocr").once()
    progressing = world.condition("ocr", "Progressing")
    assert progressing["reason"] == "NameTaken"
    assert sentence in progressing["message"]


def test_a_missing_account_is_a_condition_and_the_rollout_goes_on_when_it_is_there(world: World) -> None:
    world.create("ocr", spec("a", pod={"serviceAccount": {"name": "reader"}}))
    world.kubelet[digest("a")] = "ready"
    operator = Operator(world, "ocr")
    operator.once()
    for kind in ("Ready", "Progressing"):
        assert world.condition("ocr", kind)["reason"] == "AccountMissing"
    assert f"ServiceAccount {world.namespace}/reader does not exist" in world.condition("ocr", "Ready")["message"]
    assert world.every(DEPLOYMENT) == []  # its pods would be refused, ever more rarely
    world.post(SERVICE_ACCOUNT, {"metadata": {"name": "reader"}})
    operator.until_healthy()


def test_another_identity_is_another_revision_and_the_account_goes_when_nobody_uses_it(world: World) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    operator = Operator(world, "ocr")
    plain = operator.until_healthy()
    world.change("ocr", pod={"serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn"}}})
    assert operator.until_healthy() != plain
    assert world.get(SERVICE_ACCOUNT, "ocr")["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == "arn"
    world.post(SERVICE_ACCOUNT, {"metadata": {"name": "reader"}})
    world.change("ocr", pod={"serviceAccount": {"annotations": None, "name": "reader"}})
    operator.once()
    assert accounts(world) == {"ocr", "reader"}  # pods of the revision with the traffic still need the operator's
    operator.until_healthy()
    assert accounts(world) == {"reader"}


def test_somebody_elses_budget_over_the_same_pods_is_told_until_it_is_gone(world: World) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    operator = Operator(world, "ocr")
    operator.until_healthy()
    assert world.condition("ocr", "Evictable")["status"] == "True"
    selector = {"matchLabels": {"app.kubernetes.io/instance": "ocr"}}
    world.post(DISRUPTION_BUDGET, {"metadata": {"name": "mine"}, "spec": {"minAvailable": 1, "selector": selector}})
    operator.once()
    told = world.condition("ocr", "Evictable")
    assert (told["status"], told["reason"]) == ("False", "SeveralBudgets")
    assert "PodDisruptionBudget mine" in told["message"]
    world.change("ocr", disruption={"enabled": False})
    operator.once()
    operator.once()
    assert world.condition("ocr", "Evictable")["status"] == "True"
    assert [item["metadata"]["name"] for item in world.every(DISRUPTION_BUDGET)] == ["mine"]


def test_a_running_operator_tells_another_budget_at_once(world: World, tmp_path: Path) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path):
        world.healthy("ocr")
        world.post(DISRUPTION_BUDGET, {"metadata": {"name": "all"}, "spec": {"maxUnavailable": 1, "selector": {}}})
        world.until("the second budget is told", lambda: evictable(world) == "False")
        world.delete(DISRUPTION_BUDGET, "all")
        world.until("one budget is right again", lambda: evictable(world) == "True")


def test_a_limit_range_that_lets_the_serving_container_lets_the_pod(world: World) -> None:
    bounds = {"type": "Container", "max": {"cpu": "500m"}, "min": {"cpu": "100m"}}
    world.post(LIMIT_RANGE, {"metadata": {"name": "small"}, "spec": {"limits": [bounds]}})
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    operator = Operator(world, "ocr")

    def refused() -> bool:
        operator.once()
        return bool(world.condition("ocr", "Progressing")["reason"] == "PodsRefused")

    world.until("the cluster refuses the pods", refused)
    assert "Change spec.resources" in world.condition("ocr", "Progressing")["message"]
    world.change("ocr", resources={"limits": {"cpu": "500m"}, "requests": {"cpu": "100m"}})
    operator.until_healthy()
