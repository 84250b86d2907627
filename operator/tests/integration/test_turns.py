"""A runtime profile that changes is rolled out one service at a time, by the operator as a process."""

from functools import partial
from pathlib import Path

import pytest

from paddle_serving_operator.constants import ANNOTATION_VERB, DEPLOYMENT, LABEL_SERVICE, PADDLE_SERVICE

from .world import World, digest, spec

pytestmark = pytest.mark.integration

NEW_IMAGE = "runtime:2"
NAMES = ("one", "three", "two")  # in their order


@pytest.fixture
def served(world: World, tmp_path: Path) -> World:
    """Three services, one pod each, that run with the profile as it was before."""
    for number, name in enumerate(NAMES):
        world.kubelet[digest(str(number))] = "ready"
        world.create(name, spec(str(number), replicas=1))
    with world.operator(tmp_path / "before"):
        for name in NAMES:
            world.healthy(name)
    return world


def new_ones(world: World) -> set[str]:
    """The services that have a Deployment of the new image beside one of another."""
    deployments = [
        (item["metadata"]["labels"][LABEL_SERVICE], item["spec"]["template"]["spec"]["containers"][0]["image"])
        for item in world.every(DEPLOYMENT)
    ]
    return {name for name, image in deployments if image == NEW_IMAGE and (name, "runtime:1") in deployments}


def serves_new(world: World, name: str) -> bool:
    """Whether a service is through with the new image."""
    status = world.status(name)
    return status.get("phase") == "Healthy" and status["stable"]["image"] == NEW_IMAGE


def told(world: World, name: str) -> str:
    """Why a service is no further."""
    condition = world.condition(name, "Progressing")
    return f"{condition.get('reason')}: {condition.get('message')}"


def in_turn(world: World) -> list[str]:
    """Who begins, then the others by name. An operator that has just started may let one begin before it knows all."""
    world.until("one has begun", lambda: bool(new_ones(world)))
    (first,) = new_ones(world)
    return [first, *(name for name in NAMES if name != first)]


def order(world: World, name: str, verb: str) -> None:
    world.patch(PADDLE_SERVICE, name, {"metadata": {"annotations": {ANNOTATION_VERB: verb}}})


def test_services_follow_a_changed_profile_one_after_another_also_when_the_operator_is_killed(
    served: World, tmp_path: Path
) -> None:
    world = served
    seen: list[set[str]] = []

    def watched(name: str) -> bool:
        seen.append(new_ones(world))
        return serves_new(world, name)

    world.images[NEW_IMAGE] = ""
    with world.operator(tmp_path / "first", image=NEW_IMAGE) as process:
        first, *others = in_turn(world)
        world.until("the last waits for it", lambda: "It waits for" in told(world, others[-1]))
        process.kill()
        process.wait()
    with world.operator(tmp_path / "second", image=NEW_IMAGE):
        world.until("the others wait", lambda: all("WaitingForTurn" in told(world, name) for name in others))
        assert f"It waits for {world.namespace}/{first}" in told(world, others[-1])
        assert new_ones(world) == {first}
        world.change(others[-1], replicas=2)  # what needs no turn is done meanwhile
        world.until("the one that waits is scaled", lambda: world.status(others[-1]).get("readyReplicas") == 2)
        world.images[NEW_IMAGE] = "ready"
        for name in (first, *others):
            world.until(f"{name} serves with the new image", partial(watched, name))
    assert max(len(names) for names in seen) == 1, seen
    assert all("turn" not in world.status(name)["rollout"] for name in NAMES)


def test_a_service_that_fails_with_the_new_profile_holds_the_others_until_people_go_past_it(
    served: World, tmp_path: Path
) -> None:
    world = served

    world.images[NEW_IMAGE] = (
        "NotConsistent: hello.json, tensor y, element (0, 1): served 1.0, but Paddle Inference says 2.0"
    )
    with world.operator(tmp_path / "after", image=NEW_IMAGE):
        failed, *others = in_turn(world)
        world.until("the first has failed", lambda: world.status(failed).get("phase") == "Failed")
        sentence = f"{world.namespace}/{failed} has failed with it (NotConsistent)"
        world.until("both say for whom they wait", lambda: all(sentence in told(world, name) for name in others))
        assert new_ones(world) == {failed}
        order(world, others[-1], "resume go")
        world.until("the one that a person sent ahead has begun", lambda: others[-1] in new_ones(world))
        world.change(failed, image="runtime:1")
        world.until("the failed one has its image back", lambda: world.status(failed).get("phase") == "Healthy")
        world.images[NEW_IMAGE] = "ready"
        for name in others:
            world.until(f"{name} serves with the new image", partial(serves_new, world, name))
        assert world.status(failed)["stable"]["image"] == "runtime:1"


def test_a_change_of_the_spec_itself_never_waits_for_a_turn(served: World, tmp_path: Path) -> None:
    world = served
    world.images[NEW_IMAGE] = ""
    with world.operator(tmp_path / "after", namespaces="", image=NEW_IMAGE):
        *_, last = in_turn(world)
        world.until("the last waits", lambda: "WaitingForTurn" in told(world, last))
        world.change(last, resources={"limits": {"cpu": "1"}})
        world.until("it has begun", lambda: last in new_ones(world))
        world.until("nothing is said of a turn", lambda: "WaitingForPods" in told(world, last))
