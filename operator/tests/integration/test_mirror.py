"""What the watches tell, against a real API server: it is what the API server has, and it is asked for little else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from paddle_serving_operator.constants import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    POD,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
)
from paddle_serving_operator.handlers import registry
from paddle_serving_operator.observe.mirror import EVERYBODYS, WATCHED_KINDS
from paddle_serving_operator.reconcile.queue import RESYNC
from paddle_serving_operator.reconcile.workers import RESYNC_AFTER

from .control_plane import Object
from .gate import Answer, Fault, Gate, Request
from .running import Running, running
from .world import World, digest, spec

pytestmark = pytest.mark.integration


@pytest.fixture
def operator(world: World, gate: Gate, tmp_path: Path) -> Iterator[Running]:
    with running(world, gate, tmp_path) as made:
        yield made


def deployed(operator: Running, letter: str = "a", **fields: object) -> str:
    """A service that is Healthy and at rest; returns its revision."""
    operator.world.kubelet[digest(letter)] = "ready"
    operator.world.create("ocr", spec(letter, **fields))
    return operator.healthy("ocr")


@pytest.mark.parametrize("fields", [{}, {"pod": {"serviceAccount": {"name": "reader"}}}], ids=["own", "users account"])
def test_a_service_at_rest_costs_no_call_at_all(operator: Running, fields: Object) -> None:
    operator.world.post(SERVICE_ACCOUNT, {"metadata": {"name": "reader"}})
    deployed(operator, **fields)
    operator.calls()
    for _ in range(5):
        operator.skip(RESYNC_AFTER.total_seconds())
        turn = operator.turn()
        assert turn is not None
        assert turn.causes == (RESYNC,)
        assert operator.turn() is None
    assert operator.calls() == []


def versions(items: list[Object]) -> dict[str, str]:
    return {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}


def is_the_same(operator: Running) -> list[str]:
    """The kinds of which the mirror has something else than the API server."""
    world = operator.world
    server = {
        kind: versions(
            [
                item
                for item in world.every(kind)
                if kind in EVERYBODYS or LABEL_SERVICE in item["metadata"].get("labels", {})
            ]
        )
        for kind in WATCHED_KINDS
    }
    return [
        kind.kind for kind in WATCHED_KINDS if versions(operator.mirror.known(kind, world.namespace)) != server[kind]
    ]


def test_an_operator_that_starts_anew_knows_lists_of_many_pages_as_a_whole_and_has_nothing_to_do(
    world: World, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(world, gate, tmp_path) as before:
        deployed(before)
    monkeypatch.setattr(registry, "PAGE", 1)
    gate.requests = []
    with running(world, gate, tmp_path) as anew:
        assert is_the_same(anew) == []
        assert len(anew.mirror.known(POD, world.namespace)) == 2
        assert sum(call.path.endswith("/pods") and not call.watches for call in gate.requests) == 2
        anew.calls()
        anew.rest()
        assert [call for call in anew.calls() if call.method != "GET"] == []


def test_a_list_whose_next_page_has_expired_begins_anew_and_the_other_watches_go_on(
    world: World, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(world, gate, tmp_path) as before:
        deployed(before)
    monkeypatch.setattr(registry, "PAGE", 1)
    expired: list[Request] = []

    def expire(request: Request) -> Fault | None:
        if expired or not request.goes_on or not request.path.endswith("/pods"):
            return None
        expired.append(request)
        return Answer(410, "The provided continue parameter is too old to display a consistent list result.")

    gate.rule, gate.requests = expire, []
    with running(world, gate, tmp_path) as anew:
        world.until("the pods are known", lambda: anew.mirror.holds(POD, world.namespace))
        assert is_the_same(anew) == []
        begun = [call for call in gate.requests if call.reads and not call.goes_on]
        assert len(expired) == 1
        assert sum(call.path.endswith("/pods") for call in begun) == 2
        assert sum(call.path.endswith("/services") for call in begun) == 1


def test_after_rollouts_with_watches_that_break_the_mirror_is_what_the_api_server_has(operator: Running) -> None:
    deployed(operator)
    for letter, broken in (("b", "pods"), ("c", "services"), ("d", "deployments")):
        operator.world.kubelet[digest(letter)] = "ready"
        operator.world.change("ocr", **spec(letter))
        operator.turn()
        operator.gate.cut()
        operator.turn()
        with operator.gate.missing(broken):
            operator.turn()
        operator.healthy("ocr")

    def same() -> bool:
        operator.turn()
        return not is_the_same(operator)

    operator.world.until("the mirror has what the API server has", same)
    assert all(operator.mirror.holds(kind, operator.world.namespace) for kind in WATCHED_KINDS)


def test_a_service_that_somebody_deleted_while_its_watch_was_deaf_is_made_again(operator: Running) -> None:
    deployed(operator)
    uid = operator.world.get(SERVICE, "ocr-stable")["metadata"]["uid"]
    with operator.gate.missing("services"):
        operator.world.delete(SERVICE, "ocr-stable")
        operator.rest()
        assert set(versions(operator.world.every(SERVICE))) == {"ocr"}  # nobody has told

    def made_again() -> bool:
        operator.turn()
        found = [item for item in operator.world.every(SERVICE) if item["metadata"]["name"] == "ocr-stable"]
        return bool(found) and found[0]["metadata"]["uid"] != uid

    operator.world.until("it is made again", made_again)


def test_a_paddleservice_that_went_while_its_watch_was_deaf_is_forgotten(operator: Running) -> None:
    deployed(operator)
    with operator.gate.missing("paddleservices"):
        operator.world.delete(PADDLE_SERVICE, "ocr")
        operator.world.until("its objects are collected", lambda: not operator.world.every(DEPLOYMENT))
        operator.rest()

    def forgotten() -> bool:
        operator.turn()
        return not operator.mirror.known(PADDLE_SERVICE, operator.world.namespace)

    operator.world.until("the mirror has no PaddleService", forgotten)
    assert not operator.world.every(DEPLOYMENT)


@pytest.mark.parametrize("status", [403, 429, 500])
@pytest.mark.parametrize("kind", [ENDPOINT_SLICE, POD, PADDLE_SERVICE], ids=lambda kind: kind.plural)
def test_a_kind_that_cannot_be_watched_is_read_instead_until_it_can(operator: Running, kind: Kind, status: int) -> None:
    def refuse(request: Request) -> Fault | None:
        return Answer(status) if request.watches and request.path.endswith(f"/{kind.plural}") else None

    old = deployed(operator)
    operator.world.kubelet[digest("b")] = "ready"
    operator.gate.rule = refuse
    operator.gate.cut()
    namespace = operator.world.namespace
    operator.world.until("its watch is refused", lambda: not operator.mirror.holds(kind, namespace))
    operator.calls()
    operator.world.change("ocr", **spec("b"))

    def rolled_out() -> bool:
        operator.turn()
        operator.skip(10)  # nobody tells of what is not watched: the resync does, and every poll
        return bool(operator.world.status("ocr")["stable"]["revision"] != old)

    operator.skip(RESYNC_AFTER.total_seconds())
    operator.world.until("the next revision has the traffic", rolled_out)
    assert any(call.path.endswith(f"/{kind.plural}") or f"/{kind.plural}/" in call.path for call in operator.calls())
    operator.gate.rule = lambda _: None
    operator.world.until("it is watched again", lambda: operator.mirror.holds(kind, namespace))


def test_traffic_is_not_moved_to_pods_that_are_ready_only_in_the_mirror(operator: Running) -> None:
    old = deployed(operator)
    world = operator.world
    world.kubelet[digest("b")] = "ready"
    world.change("ocr", rollout={"paused": True}, **spec("b"))

    def held() -> bool:
        operator.turn()
        return bool(world.condition("ocr", "Progressing").get("reason") == "Paused")

    world.until("the candidate waits for a word", held)
    operator.rest()
    operator.gate.deaf = {"pods", "deployments"}
    world.kubelet[digest("b")] = "NotConsistent: hello.json differs"

    def crashed() -> bool:
        return sorted(item["status"].get("readyReplicas", 0) for item in world.every(DEPLOYMENT)) == [0, 2]

    world.until("no pod of the candidate is ready", crashed)
    operator.calls()
    world.change("ocr", rollout={"paused": False})
    operator.rest()
    assert world.selected("ocr") == old
    assert [call.method for call in operator.calls() if "/services/" in call.path] == []
    assert "NotConsistent" in world.condition("ocr", "Progressing")["reason"]
    operator.gate.deaf = set()
