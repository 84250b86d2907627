"""What somebody changes in an object of ours is put back: every field, one by one."""

import copy
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    LABEL_MANAGED_BY,
    LABEL_SERVICE,
    OWNED_KINDS,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)

from .bending import Bend, bends, content
from .control_plane import Object, RefusedError
from .spy import Operator
from .world import World, digest, spec

pytestmark = pytest.mark.integration

PARTS = 4  # of the fields: each is a pass of the reconciler, and there are hundreds
EVERYTHING = {
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule"}],
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "imagePullSecrets": [{"name": "registry"}],
    "env": [{"name": "A", "value": "1"}],
    "annotations": {"a": "1"},
    "labels": {"b": "2"},
}
# The garbage collector deletes an object whose owner is unknown, and it is made again: that is how these are mended.
COLLECTED = "/metadata/ownerReferences/0/uid"


def ours(world: World) -> Iterator[tuple[Kind, Object]]:
    for kind in OWNED_KINDS:
        for item in world.every(kind):
            if item["metadata"].get("labels", {}).get(LABEL_SERVICE):
                yield kind, item | {"kind": kind.kind}


def bend(world: World, kind: Kind, name: str, change: Bend) -> bool:
    """Whether the API server takes it."""
    for operations in change.patches:
        try:
            world.plane.request("patch", world.path(kind, name), operations, "application/json-patch+json")
        except RefusedError as error:
            if error.status not in {400, 422, 500}:  # those are for a value that this field cannot have
                raise
        else:
            return True
    return False


@pytest.mark.parametrize("part", range(PARTS))
def test_every_field_of_every_object_that_somebody_bends_is_put_back(world: World, part: int) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a", pod=EVERYTHING))
    operator = Operator(world, "ocr")
    operator.until_healthy()
    operator.once()
    objects = [(kind, copy.deepcopy(item)) for kind, item in ours(world)]
    assert len(objects) == 6
    wrong: list[str] = []
    taken = 0
    rounds = itertools.zip_longest(*[[(kind, item, change) for change in bends(item)] for kind, item in objects])
    with world.plane.controllers_paused():  # the Deployment's controller would follow every bend with new pods
        for changes in itertools.islice(rounds, part, None, PARTS):
            bent = [
                (kind, item, change)
                for kind, item, change in filter(None, changes)
                if COLLECTED not in change.name and bend(world, kind, item["metadata"]["name"], change)
            ]
            taken += len(bent)
            if bent:
                operator.once()
            for kind, item, change in bent:
                found = world.get(kind, item["metadata"]["name"])
                if content(found) != content(item):
                    wrong.append(f"{kind.kind} {item['metadata']['name']}: {change.name}")
    assert not wrong, "\n".join(wrong)
    assert taken > 250 / PARTS
    operator.spy.writes.clear()
    operator.once()
    # the Deployment's controller is at it again, so there may be pods to tell of, and nothing to put back
    assert set(operator.spy.writes) <= {"apply_status PaddleService", "create Event"}


def test_what_somebody_bends_or_deletes_is_back_long_before_the_next_resync(world: World, tmp_path: Path) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a"))
    with world.operator(tmp_path):
        revision = world.healthy("ocr")
        objects = list(ours(world))
        marks = {"metadata": {"labels": {LABEL_MANAGED_BY: None, LABEL_SERVICE: None}, "annotations": {"x": "y"}}}
        bent: dict[Kind, Object] = {
            SERVICE: {"spec": {"selector": {"x": "y"}}},
            DISRUPTION_BUDGET: {"spec": {"selector": {"matchLabels": {"x": "y"}}}},
            CONTROLLER_REVISION: {"revision": 7},
            SERVICE_ACCOUNT: {"automountServiceAccountToken": True},
            DEPLOYMENT: {"spec": {"replicas": 5, "paused": True}},
        }
        for kind, item in objects:
            name = item["metadata"]["name"]

            def same(kind: Kind = kind, item: Object = item) -> bool:
                found = [one for one in world.every(kind) if one["metadata"]["name"] == item["metadata"]["name"]]
                return bool(found) and content(found[0]) == content(item)

            for change in (bent[kind], marks):
                world.patch(kind, name, change)
                world.until(f"{kind.kind} {name} is put back", same)
        for kind, item in objects:
            name, uid = item["metadata"]["name"], item["metadata"]["uid"]
            world.delete(kind, name)

            def back(kind: Kind = kind, name: str = name, uid: str = uid) -> bool:
                return uid not in {one["metadata"]["uid"] for one in world.every(kind)} and any(
                    one["metadata"]["name"] == name for one in world.every(kind)
                )

            world.until(f"{kind.kind} {name} is made again", back)
        assert world.healthy("ocr") == revision
