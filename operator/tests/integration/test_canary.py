"""A canary against a real API server: pods and traffic move together, also where the operator dies at every write."""

from collections.abc import Callable
from typing import Any

import pytest

from paddle_serving_operator.constants import ANNOTATION_VERB, EVENT, LABEL_REVISION, PADDLE_SERVICE, SERVICE

from .control_plane import Object
from .spy import Killed, Operator
from .world import World, digest, spec

pytestmark = pytest.mark.integration

STEPS = [{"weight": 25}, {"weight": 50, "pause": "0s"}, {"weight": 75}]


def canary(letter: str, *, replicas: int = 4, steps: Any = None, **rollout: Any) -> Object:  # noqa: ANN401 - JSON
    asked = {"strategy": "Canary", "steps": STEPS if steps is None else steps, **rollout}
    return spec(letter, replicas=replicas, rollout=asked)


def selector(world: World, name: str = "ocr") -> Object:
    (found,) = [item["spec"]["selector"] for item in world.every(SERVICE) if item["metadata"]["name"] == name]
    return dict(found)


def ready_pods(world: World) -> dict[str, int]:
    """Ready pods that are not ending, by revision."""
    found: dict[str, int] = {}
    for pod in world.pods():
        conditions = {item["type"]: item["status"] for item in pod["status"].get("conditions", ())}
        if conditions.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]:
            revision = pod["metadata"]["labels"][LABEL_REVISION]
            found[revision] = found.get(revision, 0) + 1
    return found


def check(world: World, old: str) -> None:
    """What must hold at every moment: four Ready pods are behind the Service, and at most two revisions."""
    ready, selected = ready_pods(world), selector(world).get(LABEL_REVISION)
    behind = sum(ready.values()) if selected is None else ready.get(selected, 0)
    assert behind >= 4, f"{ready} behind {selector(world)}"
    assert len(world.deployments()) <= 2
    if selected is None:
        assert old in world.deployments()


def begun(world: World, **rollout: Any) -> tuple[Operator, str]:  # noqa: ANN401 - JSON
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready", digest("c"): "ready"}
    world.create("ocr", canary("a", **rollout))
    operator = Operator(world, "ocr")
    old = operator.until_healthy()
    world.change("ocr", **canary("b", **rollout))
    return operator, old


def order(world: World, verb: str) -> None:
    world.patch(PADDLE_SERVICE, "ocr", {"metadata": {"annotations": {ANNOTATION_VERB: verb}}})


def until(world: World, operator: Operator, what: str, **fields: object) -> Object:
    """Passes until the remembered rollout has these fields; returns it."""
    found: dict[str, Any] = {}

    def holds() -> bool:
        operator.once()
        found.clear()
        found.update(world.status("ocr").get("rollout", {}))
        return all(found.get(name) == value for name, value in fields.items())

    world.until(what, holds)
    return found


def passes(world: World, operator: Operator, what: str, holds: Callable[[], bool]) -> None:
    """Passes until it holds."""

    def once() -> bool:
        operator.once()
        return holds()

    world.until(what, once)


def events(world: World) -> list[tuple[str, str]]:
    return [(item["reason"], item["note"]) for item in world.every(EVENT)]


def test_a_revision_goes_through_its_steps_and_gets_everything(world: World) -> None:
    operator, old = begun(world)
    seen: list[tuple[str, int]] = []

    def healthy() -> bool:
        operator.once()
        check(world, old)
        status = world.status("ocr")
        seen.append((status.get("step", ""), status.get("canary", {}).get("weight", 0)))
        return bool(status["phase"] == "Healthy" and status["stable"]["revision"] != old)

    world.until("the canary is promoted", healthy)
    assert {"0/3", "1/3", "2/3", "3/3"} <= {step for step, _ in seen}
    assert {25, 50, 75} <= {weight for _, weight in seen}
    new = world.status("ocr")["stable"]["revision"]
    assert selector(world)[LABEL_REVISION] == new
    assert world.deployments() == {new}
    assert LABEL_REVISION in selector(world, "ocr-canary")


@pytest.mark.parametrize("before", [False, True], ids=["after a write", "before a write"])
def test_an_operator_that_dies_at_every_write_finishes_the_steps_and_the_service_never_lacks_pods(
    world: World, *, before: bool
) -> None:
    _, old = begun(world)
    kills = 0

    def healthy() -> bool:
        nonlocal kills
        operator = Operator(world, "ocr")
        # the first write of a pass; before it, every other pass must get somewhere
        operator.spy.before, operator.spy.dies_at = before, 1 + kills % 4 if before else 1
        try:
            operator.once()
        except Killed:
            kills += 1
        check(world, old)
        status = world.status("ocr")
        return bool(not operator.spy.writes and status["phase"] == "Healthy" and status["stable"]["revision"] != old)

    world.until("the canary is promoted", healthy)
    assert kills > 8
    assert len(world.deployments()) == 1


def test_a_candidate_that_is_refuted_in_a_step_loses_its_share_and_the_report_stays(world: World) -> None:
    operator, old = begun(world, steps=[{"weight": 25, "pause": {}}])
    until(world, operator, "the first step is held", stage="Shifting", step=0)
    passes(world, operator, "the share has arrived", lambda: "arrived" in world.status("ocr")["rollout"])
    assert LABEL_REVISION not in selector(world)
    world.kubelet[digest("b")] = "NotConsistent: sample hello.json: tensor score[0] is 2, Paddle Inference says 1"
    found = until(world, operator, "the candidate is stopped", stage="Halted")
    assert found["why"]["reason"] == "NotConsistent"
    ready = "True"
    passes(world, operator, "its pod is replaced", lambda: world.condition("ocr", "Ready")["status"] == ready)
    assert ready_pods(world) == {old: 4}
    assert selector(world)[LABEL_REVISION] == old
    assert world.status("ocr")["phase"] == "Failed"
    assert "score[0] is 2" in world.condition("ocr", "Progressing")["message"]
    operator.once()
    operator.spy.writes.clear()
    for _ in range(3):
        operator.once()
    assert operator.spy.writes == []


def test_verbs_are_obeyed_once_and_told(world: World) -> None:
    operator, old = begun(world, steps=[{"weight": 50, "pause": {}}])
    until(world, operator, "the step is held", stage="Shifting", step=0)
    order(world, "abort t1")
    until(world, operator, "the candidate is stopped", stage="Halted", heard="t1")
    check(world, old)
    order(world, "retry t2")
    until(world, operator, "it is tried anew", stage="Shifting", heard="t2")
    order(world, "explode t3")
    until(world, operator, "the wrong verb is heard", heard="explode t3")
    order(world, "promote t4")
    until(world, operator, "it is promoted", stage="Idle", heard="t4")
    told = events(world)
    assert [reason for reason, _ in told].count("VerbObeyed") == 3
    (refusal,) = [note for reason, note in told if reason == "VerbRefused"]
    assert "explode" in refusal
    assert "promote" in refusal


def test_a_spec_that_is_taken_back_and_one_that_is_scaled_to_nothing_in_mid_rollout_come_to_rest(world: World) -> None:
    operator, old = begun(world, steps=[{"weight": 50, "pause": {}}])
    until(world, operator, "the step is held", stage="Shifting", step=0)
    world.change("ocr", **canary("a", steps=[{"weight": 50, "pause": {}}]))
    until(world, operator, "the old revision has everything", stage="Idle")
    passes(world, operator, "nothing else is left", lambda: world.deployments() == {old})
    world.change("ocr", **canary("c", steps=[{"weight": 50, "pause": {}}]))
    until(world, operator, "the next step is held", stage="Shifting", step=0)
    world.change("ocr", replicas=0)
    passes(world, operator, "no pod is left", lambda: not world.pods())
    world.change("ocr", replicas=4)
    order(world, "promote t1")
    assert operator.until_healthy() != old
