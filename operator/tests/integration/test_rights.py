"""The operator with exactly the rights that its chart gives it, in some of its namespaces and in others not yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from paddle_serving_operator.constants import Kind

from .control_plane import RESTRICTED, ControlPlane, Object
from .gate import Gate
from .world import World, digest, spec

pytestmark = pytest.mark.integration

ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
CHART = Path(__file__).parents[3] / "charts/paddle-serving-operator/templates"


def rules_of_the_chart(template: str = "_rules.tpl") -> list[Object]:
    """The template has no expressions between its first and its last line, and is YAML there."""
    lines = (CHART / template).read_text(encoding="utf-8").strip().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("{{- define"))
    rules: list[Object] = yaml.safe_load("\n".join(lines[begin + 1 : -1]))
    return rules


def give(world: World, rules: list[Object]) -> None:
    """Gives the restricted user these rights in the namespace."""
    world.post(ROLE, {"metadata": {"name": "operator"}, "rules": rules})
    who = {"kind": "User", "name": RESTRICTED, "apiGroup": "rbac.authorization.k8s.io"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "operator"}
    world.post(BINDING, {"metadata": {"name": "operator"}, "subjects": [who], "roleRef": role})


@pytest.fixture
def other(control_plane: ControlPlane) -> Iterator[World]:
    made = World(control_plane)
    yield made
    made.close()


def test_a_namespace_without_rights_is_served_once_it_has_them_and_hinders_no_other(
    world: World, other: World, tmp_path: Path
) -> None:
    for one in (world, other):
        one.kubelet[digest("a")] = one.kubelet[digest("b")] = "ready"
        one.create("ocr", spec("a"))
    rules = rules_of_the_chart()
    give(world, rules)
    namespaces = f"{other.namespace},{world.namespace}"
    with world.operator(tmp_path, namespaces, world.plane.restricted) as process:
        old = world.healthy("ocr")
        assert other.status("ocr").keys() <= {"observedGeneration"}
        give(other, rules)
        other.until("the other namespace is served", lambda: other.status("ocr").get("phase") == "Healthy")
        world.change("ocr", **spec("b"))
        assert world.healthy("ocr") != old
        assert process.poll() is None


def test_a_right_that_is_taken_away_is_told_when_its_watch_ends_and_until_it_is_back(
    world: World, gate: Gate, tmp_path: Path
) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    rules = rules_of_the_chart()
    give(world, rules)
    with world.operator(tmp_path, kubeconfig=gate.kubeconfig(tmp_path / "gate", RESTRICTED)):
        world.healthy("ocr")
        fewer = [rule for rule in rules if "endpointslices" not in rule["resources"]]
        world.patch(ROLE, "operator", {"rules": fewer})
        gate.cut()  # the API server looks at the rights when a watch begins
        world.until("it is told", lambda: world.condition("ocr", "Ready").get("reason") == "Forbidden")
        assert "endpointslices" in world.condition("ocr", "Ready")["message"]
        world.patch(ROLE, "operator", {"rules": rules})
        world.change("ocr", replicas=3)
        world.until("three pods answer", lambda: world.status("ocr").get("readyReplicas") == 3)
        world.healthy("ocr")
