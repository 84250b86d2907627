"""A PaddleService that was stored under the definition of the version before: still valid, and still to be changed."""

import copy
from collections.abc import Iterator

import pytest
import yaml

from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.status import parse_status
from paddle_serving_operator.constants import GROUP, PADDLE_SERVICE, Key, Kind

from .control_plane import CRD, Object
from .world import World, digest, spec

pytestmark = pytest.mark.integration

DEFINITION = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
OTHER = Kind("before.example.com/v1alpha1", PADDLE_SERVICE.kind, PADDLE_SERVICE.plural)
"""The same resource in a group of its own: the other tests go on with theirs."""
STATUS = {
    "observedGeneration": 1,
    "phase": "Healthy",
    "stable": {"revision": "0123456789", "modelDigest": digest("a"), "image": "runtime:1"},
    "promisedReplicas": 2,
    "replicas": 2,
    "readyReplicas": 2,
    "selector": "app.kubernetes.io/instance=ocr",
}


def definition() -> Object:
    """The chart's definition, in the other group."""
    text = CRD.read_text(encoding="utf-8").replace(GROUP, OTHER.api_version.partition("/")[0])
    loaded: Object = yaml.safe_load(text)
    return loaded


def before(newest: Object) -> Object:
    """The definition without what came with rollouts in steps."""
    made = copy.deepcopy(newest)
    fields = made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    spec, status = fields["spec"]["properties"], fields["status"]["properties"]
    del spec["traffic"], spec["autoscaling"], status["rollout"], status["step"]
    for name in ("recheckInterval", "signingKeySecret"):
        del spec["consistency"]["properties"][name]
    del spec["rollout"]["x-kubernetes-validations"]
    known = ("strategy", "progressDeadline", "revisionHistoryLimit", "paused")
    spec["rollout"]["properties"] = {name: spec["rollout"]["properties"][name] for name in known}
    spec["rollout"]["properties"]["strategy"]["enum"] = ["BlueGreen"]
    return made


@pytest.fixture
def old(world: World) -> Iterator[World]:
    """A world whose API server serves the definition of the version before in the other group."""
    plane, place = world.plane, f"/apis/{DEFINITION.api_version}/{DEFINITION.plural}"
    made = plane.request("post", place, before(definition()))
    try:
        world.until("the definition is served", lambda: is_established(world))
        yield world
    finally:
        plane.request("delete", f"{place}/{made['metadata']['name']}")


def stored_definition(world: World) -> Object:
    name = f"{OTHER.plural}.{OTHER.api_version.partition('/')[0]}"
    return world.plane.request("get", f"/apis/{DEFINITION.api_version}/{DEFINITION.plural}/{name}")


def is_established(world: World) -> bool:
    conditions = (stored_definition(world).get("status") or {}).get("conditions") or ()
    return any(found["type"] == "Established" and found["status"] == "True" for found in conditions)


def upgrade(world: World) -> None:
    """Returns once the newest definition is what objects are read by."""
    stored = stored_definition(world)
    path = f"/apis/{DEFINITION.api_version}/{DEFINITION.plural}/{stored['metadata']['name']}"
    world.plane.request("put", path, stored | {"spec": definition()["spec"]})
    world.until("the new defaults are there", lambda: "traffic" in world.get(OTHER, "ocr")["spec"])


def test_a_service_of_the_version_before_stays_and_can_be_changed(old: World) -> None:
    created = old.post(OTHER, {"metadata": {"name": "ocr"}, "spec": spec()}, query="?fieldValidation=Strict")
    assert created["spec"]["rollout"].keys() == {"strategy", "progressDeadline", "revisionHistoryLimit", "paused"}
    old.patch(OTHER, "ocr/status", {"status": STATUS})
    upgrade(old)
    read = old.get(OTHER, "ocr")
    assert read["status"] == STATUS
    assert parse_status(read["status"]).stable is not None
    assert parse_spec(Key(old.namespace, "ocr"), read["spec"]).rollout.steps == ()
    old.patch(OTHER, "ocr", {"spec": {"model": {"digest": digest("b")}}})
    old.patch(OTHER, "ocr/scale", {"spec": {"replicas": 3}})
    old.patch(OTHER, "ocr/status", {"status": {"phase": "Progressing", "step": "1/1", "rollout": {"stage": "Idle"}}})
    old.patch(OTHER, "ocr", {"spec": {"rollout": {"strategy": "Canary", "steps": [{"weight": 20, "pause": {}}]}}})
    changed = old.get(OTHER, "ocr")
    assert (changed["spec"]["replicas"], changed["spec"]["model"]["digest"]) == (3, digest("b"))
    assert changed["status"]["step"] == "1/1"
    assert parse_spec(Key(old.namespace, "ocr"), changed["spec"]).rollout.steps[0].weight == 20
