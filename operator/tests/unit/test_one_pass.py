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
    SERVICE,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.one_pass import Pass, ReadAgainError, from_mirror, moves_of


def made(kind: Kind, name: str, spec: Manifest | None = None, **metadata: object) -> tuple[Kind, Manifest]:
    return kind, {"metadata": {"name": name, **metadata}} | ({} if spec is None else {"spec": spec})


def live(*objects: tuple[Kind, Manifest]) -> dict[tuple[Kind, str], Manifest]:
    return {(kind, manifest["metadata"]["name"]): manifest for kind, manifest in objects}


SELECTED, BROAD = {"service": "ocr", "revision": "a"}, {"service": "ocr"}
THREE = made(DEPLOYMENT, "ocr-a", {"replicas": 3, "paused": False})
TRAFFIC = made(SERVICE, "ocr", {"selector": SELECTED})
RECORD = made(CONTROLLER_REVISION, "ocr-a")
ROUTE = made(HTTP_ROUTE, "ocr", {"rules": []})
EXISTING = live(THREE, TRAFFIC, RECORD, ROUTE)


@pytest.mark.parametrize(
    ("desired", "kept", "moves"),
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
    moves: list[str],
) -> None:
    assert moves_of(EXISTING, desired, kept) == moves


def test_what_is_ending_already_is_not_moves_of() -> None:
    assert moves_of(live(made(DISRUPTION_BUDGET, "ocr", {}, deletionTimestamp="now")), [], ()) == []


class Server:
    """An API server that nobody asks here."""

    def within(self, _budget: Budget) -> Any:  # noqa: ANN401 - stands in for a cluster
        return self


@pytest.fixture
def this() -> Pass:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    mirror, budget = Mirror(time.monotonic), Budget(time.monotonic, 1)
    return from_mirror(Key("default", "ocr"), now, Server(), mirror, budget)


def test_a_plan_from_the_mirror_that_makes_or_takes_something_is_not_carried_out(this: Pass) -> None:
    this.allow(EXISTING, [THREE], EXISTING)
    with pytest.raises(ReadAgainError, match="Deployment ocr-a is deleted"):
        this.allow(EXISTING, [], live(TRAFFIC, RECORD))


def test_the_same_plan_from_the_api_server_is(this: Pass) -> None:
    again = this.afresh()
    assert again.reader is again.cluster
    again.allow(EXISTING, [], ())
