"""While the newest spec cannot be used, the revision that serves is healed and scaled."""

from collections.abc import Callable
from typing import Any, Self

import pytest

from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    PADDLE_SERVICE,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
)
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.errors import Forbidden
from paddle_serving_operator.kube.rest import RestCluster

from .spy import Operator
from .world import World, digest, spec

pytestmark = pytest.mark.integration

Break = Callable[[World], None]


def break_profile(world: World) -> None:
    """As if a profile had been removed from the operator's chart."""
    world.change("ocr", runtime="tpu")


def break_pod(world: World) -> None:
    """The API server refuses the next revision's Deployment."""
    world.change("ocr", pod={"affinity": {"nodeAfinity": {}}})


def break_name(world: World) -> None:
    """The next revision's Deployment would have somebody else's name."""
    world.delete(DISRUPTION_BUDGET, "ocr")
    limits = {"maxUnavailable": 1, "selector": {"matchLabels": {"a": "b"}}}
    world.post(DISRUPTION_BUDGET, {"metadata": {"name": "ocr"}, "spec": limits})


@pytest.mark.parametrize("broken", [break_profile, break_pod, break_name])
def test_what_somebody_deletes_comes_back_while_the_spec_is_invalid(world: World, broken: Break) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    operator = Operator(world, "ocr")
    old = operator.until_healthy()
    operator.once()
    broken(world)
    operator.once()
    assert world.status("ocr")["phase"] == "Invalid"
    kinds = [SERVICE, SERVICE_ACCOUNT, *([] if broken is break_name else [DISRUPTION_BUDGET])]
    for kind in kinds:
        world.delete(kind, "ocr")
    world.delete(SERVICE, "ocr-stable")
    world.delete(CONTROLLER_REVISION, f"ocr-{old}")
    world.delete(DEPLOYMENT, f"ocr-{old}")
    operator.once()
    assert world.selected("ocr") == world.selected("ocr-stable") == old
    assert old in world.deployments()
    for kind in kinds:
        assert world.get(kind, "ocr")
    assert world.get(CONTROLLER_REVISION, f"ocr-{old}")
    assert world.status("ocr")["phase"] == "Invalid"
    assert world.status("ocr")["stable"]["revision"] == old


def test_what_serves_is_healed_by_an_operator_that_started_while_the_spec_is_invalid(world: World) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    old = Operator(world, "ocr").until_healthy()
    break_profile(world)
    operator = Operator(world, "ocr")
    operator.once()
    world.delete(CONTROLLER_REVISION, f"ocr-{old}")
    operator.once()
    assert world.get(CONTROLLER_REVISION, f"ocr-{old}")
    world.delete(DEPLOYMENT, f"ocr-{old}")
    world.delete(SERVICE_ACCOUNT, "ocr")
    operator.once()
    assert old in world.deployments()
    assert world.get(SERVICE_ACCOUNT, "ocr")


def test_a_budget_of_the_users_is_told_while_the_spec_is_invalid(world: World) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    operator = Operator(world, "ocr")
    operator.until_healthy()
    break_profile(world)
    world.post(DISRUPTION_BUDGET, {"metadata": {"name": "mine"}, "spec": {"maxUnavailable": 1, "selector": {}}})
    operator.once()
    evictable = world.condition("ocr", "Evictable")
    assert (evictable["status"], evictable["reason"]) == ("False", "SeveralBudgets")
    assert "the operator's own budget" in evictable["message"]
    world.change("ocr", disruption={"enabled": False})
    world.delete(DISRUPTION_BUDGET, "ocr")
    operator.once()
    assert world.condition("ocr", "Evictable")["status"] == "True"


def test_the_revision_that_serves_is_scaled_while_the_spec_is_invalid(world: World) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    operator = Operator(world, "ocr")
    old = operator.until_healthy()
    break_profile(world)
    world.patch(PADDLE_SERVICE, "ocr/scale", {"spec": {"replicas": 3}})
    operator.once()
    assert world.get(DEPLOYMENT, f"ocr-{old}")["spec"]["replicas"] == 3

    def answers() -> bool:
        operator.once()
        status = world.status("ocr")
        return bool(status["readyReplicas"] == 3 and world.condition("ocr", "Ready")["status"] == "True")

    world.until("three pods answer", answers)
    assert world.status("ocr")["phase"] == "Invalid"


def test_a_spec_that_never_was_right_makes_nothing(world: World) -> None:
    world.create("ocr", spec("a", runtime="tpu"))
    Operator(world, "ocr").once()
    assert world.deployments() == set()
    assert world.every(SERVICE) == []


class Blind:
    """A cluster that does not let the operator look at one kind."""

    def __init__(self, cluster: RestCluster, hidden: list[Kind]) -> None:
        self._cluster = cluster
        self._hidden = hidden

    def within(self, budget: Budget) -> Self:
        return type(self)(self._cluster.within(budget), self._hidden)

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        if kind in self._hidden:
            raise Forbidden(f"get {kind.kind} {namespace}/: {kind.plural} is forbidden: User cannot list")
        return self._cluster.list(kind, namespace, selector)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - passed on
        return getattr(self._cluster, name)


def test_rights_that_are_taken_away_are_told_and_come_back_by_themselves(world: World) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    Operator(world, "ocr").until_healthy()
    hidden: list[Kind] = [POD]
    once = world.reconciler(lambda cluster: Blind(cluster, hidden))
    once("ocr")
    ready = world.condition("ocr", "Ready")
    assert (ready["status"], ready["reason"]) == ("Unknown", "Forbidden")
    assert "pods is forbidden" in ready["message"]
    assert world.condition("ocr", "Stalled")["status"] == "True"
    hidden.clear()
    once("ocr")
    assert world.condition("ocr", "Ready")["status"] == "True"
    assert world.status("ocr")["phase"] == "Healthy"
