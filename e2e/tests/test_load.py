"""A rollout under tens of thousands of requests, each of them accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.model import bias_raised
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

REQUESTS = 20_000


def test_a_rollout_under_twenty_thousand_requests_fails_none_and_answers_none_wrongly(given: Given) -> None:
    old, new = given.model("uci-housing"), given.model("uci-housing", bias_raised)
    service = given.service("uci-housing", replicas=2, model=old).is_healthy()
    before, first = service.when.asked("house.json"), service.revision

    with service.under_load("house.json", requests_per_second=300, connections=8) as load:
        load.sends(1000, within=minutes(2))
        service.when.model_is_replaced_by(new)
        service.is_healthy(within=minutes(5))
        after = service.when.asked("house.json")
        service.then.only_one_revision_is_left(within=minutes(2))
        load.has_sent(REQUESTS, within=minutes(5))

    assert service.revision != first
    assert ("18.901152" in before, "19.901152" in after) == (True, True)
    load.saw_only({before, after})
    assert load.report.sent >= REQUESTS
