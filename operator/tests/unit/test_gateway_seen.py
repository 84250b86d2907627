"""What an HTTPRoute says of the traffic, and when its weights are those of every Gateway."""

from typing import Any

import pytest

from paddle_serving_operator.constants import HTTP_ROUTE, SERVICE, Key
from paddle_serving_operator.observe.snapshot import Snapshot, gateway_seen

from .rollouts import NEW

KEY = Key("shop", "ocr")
PUBLIC, INNER = {"name": "public"}, {"name": "inner", "namespace": "mesh", "sectionName": "web"}


def said(kind: str, status: str = "True", generation: int = 3) -> dict[str, object]:
    return {"type": kind, "status": status, "observedGeneration": generation}


def parent(reference: dict[str, str], *conditions: dict[str, object]) -> dict[str, object]:
    return {"parentRef": {"group": "gateway.networking.k8s.io", **reference}, "conditions": conditions}


def seen(asked: list[dict[str, str]], *parents: dict[str, object]) -> Any:  # noqa: ANN401 - what the function gives
    weights = {"ocr-stable": 80, "ocr-canary": 20}
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in weights.items()]
    route = {
        "metadata": {"name": "ocr", "namespace": "shop", "generation": 3},
        "spec": {"parentRefs": asked, "rules": [{"backendRefs": backends}]},
        "status": {"parents": list(parents)},
    }
    canary = {"spec": {"selector": {"serving.paddlepaddle.org/revision": NEW}}}
    return gateway_seen(KEY, Snapshot({(HTTP_ROUTE, "ocr"): route, (SERVICE, "ocr-canary"): canary}, (), ()))


def test_weights_and_candidate_are_those_of_route_and_service() -> None:
    found = seen([PUBLIC], parent(PUBLIC, said("Accepted")))
    assert (found.stable_weight, found.canary_weight, found.canary, found.accepted) == (80, 20, NEW, True)


def test_without_a_route_everything_is_the_stable_services() -> None:
    found = gateway_seen(KEY, Snapshot({}, (), ()))
    assert (found.stable_weight, found.canary_weight, found.accepted) == (100, 0, False)


@pytest.mark.parametrize(
    ("parents", "accepted"),
    [
        ([], False),
        ([parent(PUBLIC)], False),
        ([parent(PUBLIC, said("Accepted", "False"))], False),
        ([parent(PUBLIC, said("Accepted", generation=2))], False),
        ([parent(PUBLIC, said("Accepted"), said("ResolvedRefs"))], True),
        ([parent(PUBLIC, said("Accepted"), said("ResolvedRefs", "False"))], False),
        ([parent({**PUBLIC, "namespace": "shop"}, said("Accepted"))], True),
        ([parent({**PUBLIC, "namespace": "elsewhere"}, said("Accepted"))], False),
        ([parent(INNER, said("Accepted"))], False),
        ([parent(PUBLIC, said("Accepted")), parent(PUBLIC, said("Accepted", "False"))], False),
    ],
)
def test_a_gateway_takes_the_weights_when_it_says_so_of_this_generation(
    parents: list[dict[str, object]],
    accepted: bool,  # noqa: FBT001 - a value of the table
) -> None:
    assert seen([PUBLIC], *parents).accepted is accepted


def test_every_gateway_that_is_named_must_have_taken_them() -> None:
    """One that does not exist says nothing."""
    first, second = parent(PUBLIC, said("Accepted")), parent(INNER, said("Accepted"))
    assert not seen([PUBLIC, INNER], first).accepted
    assert seen([PUBLIC, INNER], first, second).accepted
