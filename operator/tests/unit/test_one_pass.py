"""What a plan makes and takes, and that it is made again from the API server before it does."""

import time
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import pytest

from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    LABEL_REVISION,
    LABEL_SERVICE,
    NO_REVISION,
    PADDLE_SERVICE,
    SERVICE,
    SERVICE_ACCOUNT,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.kube.apply import Known
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.errors import Conflict
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.one_pass import Pass, ReadAgainError, effects_of, from_mirror


def made(kind: Kind, name: str, spec: Manifest | None = None, **metadata: object) -> tuple[Kind, Manifest]:
    return kind, {"metadata": {"name": name, **metadata}} | ({} if spec is None else {"spec": spec})


def live(*objects: tuple[Kind, Manifest]) -> dict[tuple[Kind, str], Manifest]:
    return {(kind, manifest["metadata"]["name"]): manifest for kind, manifest in objects}


SELECTED, BROAD = {LABEL_SERVICE: "ocr", LABEL_REVISION: "a"}, {LABEL_SERVICE: "ocr"}
THREE = made(DEPLOYMENT, "ocr-a", {"replicas": 3, "paused": False})
TRAFFIC = made(SERVICE, "ocr", {"selector": SELECTED})
RECORD = made(CONTROLLER_REVISION, "ocr-a")
ROUTE = made(HTTP_ROUTE, "ocr", {"rules": []})
EXISTING = live(THREE, TRAFFIC, RECORD, ROUTE)


@pytest.mark.parametrize(
    ("desired", "kept", "effects"),
    [
        ([THREE, TRAFFIC, RECORD], EXISTING, []),
        ([made(DEPLOYMENT, "ocr-a", {"replicas": 4})], EXISTING, []),
        ([made(DEPLOYMENT, "ocr-b", {"replicas": 1})], EXISTING, ["Deployment ocr-b is made"]),
        ([made(DEPLOYMENT, "ocr-a", {"replicas": 3, "paused": True})], EXISTING, []),
        (
            [made(DEPLOYMENT, "ocr-a", {"replicas": 2})],
            EXISTING,
            ["Deployment ocr-a has 2 pods instead of 3"],
        ),
        ([made(SERVICE, "ocr", {"selector": BROAD})], EXISTING, ["Service ocr selects other pods"]),
        ([made(HTTP_ROUTE, "ocr", {"rules": []})], EXISTING, []),
        ([made(HTTP_ROUTE, "ocr", {"rules": [{}]})], EXISTING, ["HTTPRoute ocr divides its requests otherwise"]),
        ([], live(TRAFFIC, RECORD, ROUTE), ["Deployment ocr-a is deleted"]),
        ([TRAFFIC], live(TRAFFIC, ROUTE), ["Deployment ocr-a is deleted", "ControllerRevision ocr-a is deleted"]),
    ],
)
def test_a_plan_makes_or_takes_something_where_it_makes_deletes_shrinks_or_redirects(
    desired: list[tuple[Kind, Manifest]],
    kept: Collection[tuple[Kind, str]],
    effects: list[str],
) -> None:
    assert [
        f"{effect.kind.kind} {effect.name} {effect.word}" for effect in effects_of(EXISTING, desired, kept)
    ] == effects


NOTHING_YET = live(THREE, made(SERVICE, "ocr", {"selector": SELECTED | {LABEL_REVISION: NO_REVISION}}))
FIRST = [THREE, TRAFFIC, RECORD]


@pytest.mark.parametrize(
    ("known", "desired", "light"),
    [
        ({}, FIRST, [True, True, True]),
        (live(RECORD), [THREE, TRAFFIC], [True, True]),
        (live(THREE, TRAFFIC), [RECORD], [True]),
        (live(THREE), [TRAFFIC], [False]),
        (EXISTING, [made(DEPLOYMENT, "ocr-b", {"replicas": 1})], [False]),
        (EXISTING, [made(SERVICE, "ocr", {"selector": BROAD})], [False]),
        (NOTHING_YET, [made(SERVICE, "ocr", {"selector": SELECTED})], [True]),
        (NOTHING_YET | live(made(DEPLOYMENT, "ocr-b")), [made(SERVICE, "ocr", {"selector": SELECTED})], [False]),
    ],
)
def test_what_is_made_where_nothing_answers_or_plays_no_part_in_it_is_light(
    known: dict[tuple[Kind, str], Manifest], desired: list[tuple[Kind, Manifest]], light: list[bool]
) -> None:
    assert [effect.light for effect in effects_of(known, desired, known)] == light


def test_what_is_ending_already_has_no_effect() -> None:
    assert effects_of(live(made(DISRUPTION_BUDGET, "ocr", {}, deletionTimestamp="now")), [], ()) == []


OWNER = {"metadata": {"name": "ocr", "resourceVersion": "7"}}


class Server:
    """An API server that has some objects, and notes what it is asked for."""

    def __init__(self) -> None:
        self.has: dict[tuple[Kind, str], Manifest] = {(PADDLE_SERVICE, "ocr"): OWNER}
        self.asked: list[str] = []

    def within(self, _budget: Budget) -> Any:  # noqa: ANN401 - stands in for a cluster
        return self

    def get(self, kind: Kind, _namespace: str, name: str) -> Manifest | None:
        self.asked.append(f"{kind.kind} {name}")
        return self.has.get((kind, name))


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def this(server: Server) -> Pass:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    mirror, budget = Mirror(time.monotonic), Budget(time.monotonic, 1)
    return from_mirror(Key("default", "ocr"), now, server, mirror, budget)


def test_a_plan_from_the_mirror_that_takes_something_is_not_carried_out(this: Pass, server: Server) -> None:
    assert this.allow(OWNER, EXISTING, [THREE], EXISTING) == Known()
    with pytest.raises(ReadAgainError, match="Deployment ocr-a is deleted"):
        this.allow(OWNER, EXISTING, [], live(TRAFFIC, RECORD))
    assert server.asked == []


def test_of_the_first_objects_those_are_asked_for_whose_creation_would_not_tell(this: Pass, server: Server) -> None:
    account = made(SERVICE_ACCOUNT, "ocr")
    known = this.allow(OWNER, {}, [account, RECORD, THREE, TRAFFIC], ())
    places = {(SERVICE_ACCOUNT, "ocr"), (CONTROLLER_REVISION, "ocr-a"), (DEPLOYMENT, "ocr-a"), (SERVICE, "ocr")}
    assert known == Known(absent=frozenset(places))
    assert server.asked == ["PaddleService ocr", "ServiceAccount ocr", "ControllerRevision ocr-a", "Service ocr"]


def test_a_budget_of_somebody_else_that_has_the_name_is_found_in_the_mirror(this: Pass, server: Server) -> None:
    theirs = made(DISRUPTION_BUDGET, "ocr", {}, namespace="default", resourceVersion="3")
    this.reader._mirror.listed(DISRUPTION_BUDGET, None, [theirs[1]], "5")  # type: ignore[attr-defined]
    with pytest.raises(ReadAgainError, match="PodDisruptionBudget ocr is not as the watch has told"):
        this.allow(OWNER, {}, [THREE, made(DISRUPTION_BUDGET, "ocr", {})], ())
    this.allow(OWNER, {}, [made(DISRUPTION_BUDGET, "ocr-2", {})], ())
    assert server.asked == ["PaddleService ocr", "PaddleService ocr"]


def test_the_first_traffic_is_moved_only_where_the_service_is_as_it_is_known(this: Pass, server: Server) -> None:
    assert this.allow(OWNER, NOTHING_YET, [TRAFFIC], NOTHING_YET) == Known(exact=frozenset({(SERVICE, "ocr")}))
    assert server.asked == ["PaddleService ocr"]


def test_a_conflict_in_a_plan_from_the_mirror_makes_it_again_from_the_api_server(this: Pass) -> None:
    with pytest.raises(ReadAgainError, match="it exists"), this.carrying_out():
        raise Conflict("it exists")
    with pytest.raises(Conflict), this.afresh().carrying_out():
        raise Conflict("it exists")


def test_nothing_is_made_for_a_paddleservice_that_is_gone_or_another_one(this: Pass, server: Server) -> None:
    server.has[PADDLE_SERVICE, "ocr"] = {"metadata": {"name": "ocr", "resourceVersion": "8"}}
    with pytest.raises(ReadAgainError, match="PaddleService ocr is not as the watch has told"):
        this.allow(OWNER, {}, FIRST, ())
    server.has.clear()
    with pytest.raises(ReadAgainError, match="PaddleService ocr is not as the watch has told"):
        this.allow(OWNER, {}, FIRST, ())


def test_what_exists_already_is_read_again(this: Pass, server: Server) -> None:
    server.has |= live(made(SERVICE, "ocr", {"selector": BROAD}, resourceVersion="9"))
    with pytest.raises(ReadAgainError, match="Service ocr is not as the watch has told"):
        this.allow(OWNER, {}, FIRST, ())


def test_the_same_plan_from_the_api_server_is_carried_out(this: Pass, server: Server) -> None:
    again = this.afresh()
    assert again.reader is again.cluster
    assert again.allow(OWNER, EXISTING, [], ()) == Known()
    assert server.asked == []
