"""Exact shares through a real Gateway: Envoy Gateway divides requests by the weights of the operator's HTTPRoute."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.gateway import make_gateway, require_gateway_class
from e2e.lib.model import bias_raised
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from e2e.lib.given import Given
    from e2e.lib.load import Load

pytestmark = [pytest.mark.e2e, pytest.mark.by_hand]

PER_SECOND = 100
STEPS = [{"weight": 10, "pause": {}}, {"weight": 50, "pause": "2s"}]


def share_of(answer: str, load: Load, requests: int) -> float:
    """What part of the requests has this answer, a second after Envoy Gateway has accepted the weights."""
    load.sends(PER_SECOND, within=minutes(1))
    before = load.seen()
    load.sends(requests, within=minutes(2))
    after = load.seen()
    return (after.answers.get(answer, 0) - before.answers.get(answer, 0)) / (after.requests - before.requests)


def test_a_tenth_of_the_requests_is_a_tenth_and_none_fails_on_any_way_through_the_steps(given: Given) -> None:
    require_gateway_class(given.namespace.cluster)
    gateway = make_gateway(given.namespace)
    service = given.service(
        "uci-housing",
        replicas=2,
        model=given.model("uci-housing"),
        rollout={"strategy": "Canary", "steps": STEPS},
        traffic={"mode": "Gateway", "parentRefs": [gateway.parent_ref]},
    ).is_healthy()
    before, first = service.when.asked("house.json"), service.revision
    with service.under_load("house.json", requests_per_second=PER_SECOND, gateway=gateway) as load:
        service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
        service.then.condition_becomes("Progressing", "Unknown", "WaitingForResume", within=minutes(3))
        load.sends(200, within=minutes(1))
        after = next(answer for answer in load.seen().answers if answer != before)
        assert 0.07 < share_of(after, load, 2000) < 0.13  # 10 %: with 2,000 requests four standard deviations are 2.7 %
        service.when.ordered("abort")
        service.then.fails("Aborted", says=("retry",), within=minutes(2))
        assert share_of(after, load, 500) == 0
        service.when.ordered("retry")
        service.then.condition_becomes("Progressing", "Unknown", "WaitingForResume", within=minutes(3))
        service.when.ordered("resume")
        service.then.phase_becomes("Healthy", within=minutes(3), not_over="Failed")
        assert share_of(after, load, 500) == 1
    assert service.revision != first
    assert ("18.901152" in before, "19.901152" in after) == (True, True)
    load.saw_only({before, after})
    assert service.when.asked("house.json") == after
