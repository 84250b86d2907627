"""Single passes of the reconciler against a real API server: what is made, not written, and survives a kill."""

import itertools

import pytest
from typing_extensions import override

from paddle_serving_operator.constants import DEPLOYMENT, OWNED_KINDS, PADDLE_SERVICE, SERVICE, Kind, Manifest
from paddle_serving_operator.kube.errors import Conflict

from .control_plane import Object
from .spy import Killed, Operator, Spy
from .world import World, spec

pytestmark = pytest.mark.integration


@pytest.fixture
def operator(world: World) -> Operator:
    world.create("ocr", spec("a"))
    return Operator(world, "ocr")


def test_the_first_pass_makes_every_object_and_gives_nobody_traffic(world: World, operator: Operator) -> None:
    operator.once()
    owner = world.resource("ocr")["metadata"]["uid"]
    made = {
        kind.kind: [item for item in world.every(kind) if item["metadata"].get("ownerReferences")]
        for kind in OWNED_KINDS
    }
    assert {kind: len(items) for kind, items in made.items()} == {
        "ServiceAccount": 1,
        "ControllerRevision": 1,
        "ConfigMap": 0,
        "Deployment": 1,
        "Service": 2,
        "PodDisruptionBudget": 1,
        "HorizontalPodAutoscaler": 0,
    }
    owners = [item["metadata"]["ownerReferences"][0]["uid"] for items in made.values() for item in items]
    assert set(owners) == {owner}
    assert world.selected("ocr") == world.selected("ocr-stable") == "none"
    assert world.status("ocr")["phase"] == "Pending"
    assert world.condition("ocr", "Ready")["status"] == "False"


def test_the_first_revision_becomes_healthy_when_its_pods_are_ready(world: World, operator: Operator) -> None:
    operator.once()
    world.kubelet["sha256:" + "a" * 64] = "ready"
    revision = operator.until_healthy()
    status = world.status("ocr")
    assert world.selected("ocr") == world.selected("ocr-stable") == revision
    assert status["replicas"] == status["readyReplicas"] == 2
    assert status["url"] == f"http://ocr.{world.namespace}.svc"
    assert status["selector"] == f"serving.paddlepaddle.org/revision={revision},serving.paddlepaddle.org/service=ocr"
    assert world.condition("ocr", "Ready")["status"] == "True"
    assert world.condition("ocr", "Consistent")["reason"] == "GoldenAnswersMatch"


# Every field that the API server stores in another spelling, or not at all where it is empty.
SPELLINGS: Object = {
    "resources": {"limits": {"cpu": "1500m", "memory": "1.0001Gi"}, "requests": {"cpu": "0.1", "memory": "1000000k"}},
    "pod": {
        "env": [{"name": "A", "value": ""}],
        "annotations": {"a": ""},
        "labels": {"b": ""},
        "nodeSelector": {"c": ""},
        "tolerations": [{"key": "", "operator": "Exists", "value": "", "tolerationSeconds": 0, "effect": "NoExecute"}],
        "affinity": {"podAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "ScheduleAnyway"}],
    },
    "disruption": {"maxUnavailable": "050%"},
}


@pytest.mark.parametrize("fields", [{}, SPELLINGS], ids=["the shortest spec", "spellings"])
def test_at_rest_nothing_is_written(world: World, fields: Object) -> None:
    world.create("ocr", spec("a", **fields))
    operator = Operator(world, "ocr")
    operator.once()
    world.kubelet["sha256:" + "a" * 64] = "ready"
    operator.until_healthy()
    operator.until_at_rest()
    with world.plane.controllers_paused():
        for _ in range(5):
            operator.once()
    assert operator.spy.writes == []


def test_a_change_made_by_hand_is_put_back(world: World, operator: Operator) -> None:
    operator.once()
    world.kubelet["sha256:" + "a" * 64] = "ready"
    revision = operator.until_healthy()
    world.patch(SERVICE, "ocr", {"spec": {"selector": {"serving.paddlepaddle.org/revision": "x"}}})
    world.delete(SERVICE, "ocr-stable")
    operator.once()
    assert world.selected("ocr") == world.selected("ocr-stable") == revision


def test_a_deployment_deleted_by_hand_comes_back_from_its_record_even_during_a_rollout(
    world: World, operator: Operator
) -> None:
    operator.once()
    world.kubelet["sha256:" + "a" * 64] = "ready"
    old = operator.until_healthy()
    world.change("ocr", **spec("b"))
    operator.once()
    world.delete(DEPLOYMENT, f"ocr-{old}")
    operator.once()
    assert old in world.deployments()
    assert len(world.deployments()) == 2


def test_a_service_of_somebody_else_is_never_taken_over(world: World, operator: Operator) -> None:
    mine = {"selector": {"app": "mine"}, "ports": [{"port": 80}]}
    world.post(SERVICE, {"metadata": {"name": "ocr"}, "spec": mine})
    operator.once()
    assert world.get(SERVICE, "ocr")["spec"]["selector"] == {"app": "mine"}
    assert world.deployments() == set()
    assert world.status("ocr")["phase"] == "Invalid"
    assert world.condition("ocr", "Progressing")["reason"] == "NameTaken"
    assert "Delete or rename it" in world.condition("ocr", "Progressing")["message"]


def test_what_the_api_server_refuses_is_a_condition_with_its_sentence(world: World) -> None:
    wrong = spec(
        "a",
        pod={
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
        },
    )
    world.create("ocr", wrong)
    Operator(world, "ocr").once()
    assert world.status("ocr")["phase"] == "Invalid"
    assert "nodeSelectorTerms" in world.condition("ocr", "Progressing")["message"]


MISTAKES: list[tuple[Object, str]] = [
    ({"affinity": {"nodeAfinity": {}}}, 'unknown field "spec.template.spec.affinity.nodeAfinity"'),
    ({"affinity": {"nodeAffinity": []}}, "spec.template.spec.affinity.nodeAffinity of type"),
    ({"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"x": 1}]}}}, '[0].x"'),
    ({"labels": {"a b": "c"}}, "a b"),
    ({"labels": {"a": "c d"}}, "c d"),
    ({"annotations": {"a b": "c"}}, "a b"),
    ({"nodeSelector": {"a": "c d"}}, "c d"),
    ({"priorityClassName": "No Such"}, "No Such"),
]


@pytest.mark.parametrize(("pod", "sentence"), MISTAKES)
def test_a_mistake_below_pod_is_told_and_what_serves_goes_on(world: World, pod: Object, sentence: str) -> None:
    world.create("ocr", spec("a", pod=pod))
    operator = Operator(world, "ocr")
    operator.once()
    told = world.condition("ocr", "Progressing")
    assert (world.status("ocr")["phase"], told["reason"]) == ("Invalid", "InvalidSpec")
    assert sentence in told["message"]


def test_an_unknown_runtime_lists_the_known_ones(world: World) -> None:
    world.create("ocr", spec("a", runtime="tpu"))
    Operator(world, "ocr").once()
    assert world.condition("ocr", "Progressing")["reason"] == "UnknownRuntime"
    assert "cpu, gpu" in world.condition("ocr", "Progressing")["message"]
    world.change("ocr", runtime="cpu")
    world.kubelet["sha256:" + "a" * 64] = "ready"
    Operator(world, "ocr").until_healthy()


def test_the_old_pods_stay_as_long_as_endpoints_name_them(world: World, operator: Operator) -> None:
    operator.once()
    world.kubelet["sha256:" + "a" * 64] = world.kubelet["sha256:" + "b" * 64] = "ready"
    old = operator.until_healthy()
    world.change("ocr", **spec("b"))
    operator.once()

    def candidate_is_ready() -> bool:
        return [item.get("status", {}).get("readyReplicas") for item in world.every(DEPLOYMENT)] == [2, 2]

    world.until("both Deployments report two ready pods", candidate_is_ready)
    with world.plane.controllers_paused():
        for _ in range(6):
            operator.once()
        assert world.selected("ocr") != old
        assert old in world.deployments()
        assert world.status("ocr")["phase"] == "Progressing"
    assert operator.until_healthy() != old


def rollout_with_kills(world: World, *, before: bool) -> int:
    """Kills the operator at every write of a rollout, one after the other; returns how many there were."""
    world.create("ocr", spec("a"))
    world.kubelet["sha256:" + "a" * 64] = world.kubelet["sha256:" + "b" * 64] = "ready"
    old = Operator(world, "ocr").until_healthy()
    world.change("ocr", **spec("b"))
    kills = 0
    for _ in range(60):
        operator = Operator(world, "ocr")
        operator.spy.before, operator.spy.dies_at = before, 1 + kills % 3
        kills += 1
        try:
            operator.once()
        except Killed:
            pass
        else:
            if not operator.spy.writes and world.status("ocr")["phase"] == "Healthy":
                break
        selected = world.selected("ocr")
        ready = [
            pod for pod in world.pods() if pod["metadata"]["labels"]["serving.paddlepaddle.org/revision"] == selected
        ]
        assert len(ready) == 2, f"the Service selects {selected}, which has {len(ready)} pods"
        assert all(condition["status"] == "True" for pod in ready for condition in pod["status"]["conditions"])
        assert len(operator.spy.writes) <= 60
    new = Operator(world, "ocr").until_healthy()
    assert new != old
    assert world.selected("ocr") == new
    return kills


@pytest.mark.parametrize("before", [False, True], ids=["after a write", "before a write"])
def test_an_operator_killed_again_and_again_finishes_the_rollout_and_the_service_never_lacks_pods(
    world: World, *, before: bool
) -> None:
    assert rollout_with_kills(world, before=before) > 5


def test_two_operators_at_once_do_no_harm(world: World) -> None:
    world.create("ocr", spec("a"))
    first, second = Operator(world, "ocr"), Operator(world, "ocr")
    world.kubelet["sha256:" + "a" * 64] = world.kubelet["sha256:" + "b" * 64] = "ready"
    first.once()
    second.once()
    old = first.until_healthy()
    world.change("ocr", **spec("b"))
    for _ in range(40):
        second.once()
        first.once()
    new = second.until_healthy()
    assert new != old
    assert world.deployments() == {new}
    first.until_at_rest()
    second.until_at_rest()
    with world.plane.controllers_paused():
        for operator in (first, second, first, second):
            operator.once()
    assert first.spy.writes == second.spy.writes == []


def test_a_stale_pass_writes_no_status(world: World) -> None:
    world.create("ocr", spec("a"))

    replicas = itertools.count(3)

    class Slow(Spy):
        """The spec changes between this pass's reads and its writes, also when it reads again."""

        @override
        def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
            found = super().list(kind, namespace, selector)
            if kind.kind == "EndpointSlice":
                world.change("ocr", replicas=next(replicas))
            return found

    once = world.reconciler(Slow)
    with pytest.raises(Conflict):
        once("ocr")
    assert world.status("ocr") == {"observedGeneration": 0}


def test_deleting_the_resource_needs_no_operator(world: World, operator: Operator) -> None:
    operator.once()
    resource = world.resource("ocr")
    assert "finalizers" not in resource["metadata"]
    assert "annotations" not in resource["metadata"]
    world.delete(PADDLE_SERVICE, "ocr")
    world.until("the garbage collector removed the Deployments", lambda: not world.deployments())
    operator.once()
    assert not world.deployments()


def test_a_namesake_of_a_deleted_resource_waits_for_the_garbage_collector(world: World, operator: Operator) -> None:
    operator.once()
    world.delete(PADDLE_SERVICE, "ocr")
    world.create("ocr", spec("a"))
    uid = world.resource("ocr")["metadata"]["uid"]
    again = world.reconciler()

    def made() -> bool:
        try:
            again("ocr")
        except Conflict:
            return False
        owners = [item["metadata"]["ownerReferences"][0]["uid"] for item in world.every(SERVICE)]
        return owners == [uid, uid]

    world.until("the new PaddleService has objects of its own", made)
