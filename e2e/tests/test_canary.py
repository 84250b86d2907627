"""A new version takes over in steps, or loses its share again, under load and without a failed or a wrong request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from e2e.lib.model import bias_raised
from e2e.lib.wait import minutes
from e2e.lib.watch import endpoints_of

if TYPE_CHECKING:
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = pytest.mark.e2e

STEPS = [{"weight": 34, "pause": {}}, {"weight": 67, "pause": "2s"}]
CANARY: dict[str, Any] = {"strategy": "Canary", "steps": STEPS}


def canary(given: Given) -> Service:
    model = given.model("uci-housing")
    return given.service("uci-housing", replicas=3, rollout=CANARY, model=model).is_healthy()


def test_a_canary_is_held_taken_back_tried_anew_and_promoted_under_load(given: Given) -> None:
    service = canary(given)
    before, first = service.when.asked("house.json"), service.revision
    with endpoints_of(given.namespace, service.name) as endpoints:
        endpoints.settles_on(3, within=60)
        with service.under_load("house.json", requests_per_second=60) as load:
            service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
            held = service.then.condition_becomes("Progressing", "Unknown", "WaitingForResume", within=minutes(2))
            assert held.startswith("Step 1 of 2")
            load.sends(600, within=60)
            shared = load.seen()
            service.when.ordered("abort")
            service.then.fails("Aborted", says=("retry",), within=minutes(2))
            load.sends(300, within=60)
            service.when.ordered("retry")
            service.then.condition_becomes("Progressing", "Unknown", "WaitingForResume", within=minutes(2))
            service.when.ordered("resume")
            service.then.phase_becomes("Healthy", within=minutes(3), not_over="Failed")
            after = service.when.asked("house.json")
            load.sends(300, within=60)
        assert endpoints.fewest() >= 3
    assert service.revision != first
    assert "19.901152" in after
    assert set(shared.answers) == {before, after}
    assert 0.03 < shared.answers[after] / shared.requests < 0.6  # one pod of three, of what was asked in the end
    load.saw_only({before, after})


def test_answers_that_drift_stop_a_rollout_that_forbids_it(given: Given) -> None:
    rollout = {"drift": {"mode": "Require"}}
    service = given.service("uci-housing", rollout=rollout, model=given.model("uci-housing")).is_healthy()
    before = service.when.asked("house.json")
    service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
    says = ("house.json", "price", "18.901", "19.901", "spec.rollout.drift.mode")
    service.then.fails("DriftTooLarge", says=says, within=minutes(3))
    assert service.when.asked("house.json") == before
    service.when.spec_is_changed(rollout={"drift": {"mode": "Report"}})
    service.is_healthy()
    drift = service.resource()["status"]["verification"]["drift"]
    assert (drift["complete"], drift["different"] > 0, drift["worst"]["tensor"]) == (True, True, "price")


def test_requests_of_users_are_replayed_before_a_model_answers_them(given: Given) -> None:
    replay = {"drift": {"mode": "Require", "samples": "Replay", "requests": 50, "maxDifferent": 0}}
    service = given.service("uci-housing", rollout=replay, model=given.model("uci-housing")).is_healthy()
    with service.under_load("house.json", requests_per_second=50) as load:
        load.sends(300, within=60)
        before = service.when.asked("house.json")
        service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
        service.then.fails("DriftTooLarge", says=("50 of 50", "18.901", "19.901"), within=minutes(3))
    load.saw_only({before})
