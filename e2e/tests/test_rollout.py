"""A new version of a model takes over without a failed request and without a wrong answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib import measurements
from e2e.lib.model import bias_raised, scores_rounded
from e2e.lib.wait import minutes
from e2e.lib.watch import endpoints_of

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e


def test_a_new_model_version_takes_over_under_load_without_a_failed_request(given: Given) -> None:
    service = given.service("ocr-rec", replicas=2, model=given.model("ocr-rec")).is_healthy()
    before, first = service.when.asked("hello.json"), service.revision

    with endpoints_of(given.namespace, service.name) as endpoints:
        endpoints.settles_on(2, within=60)
        with service.under_load("hello.json", requests_per_second=8) as load:
            service.when.model_is_replaced_by(given.model("ocr-rec", scores_rounded))
            seconds = service.then.phase_becomes("Healthy", within=minutes(3))
            service.then.only_one_revision_is_left(within=minutes(1.5))
            after = service.when.asked("hello.json")
            load.has_seen(after, times=20, within=60)
        assert endpoints.fewest() >= 2

    measurements.record("ocr-rec_rollout_of_two_replicas", seconds)
    assert after != before
    assert service.revision != first
    load.saw_only({before, after})


def test_the_wait_command_waits_for_the_change_made_just_before(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing"))
    wait = ("wait", f"paddleservice/{service.name}", "--for=condition=Healthy", "--timeout=180s")
    given.namespace.kubectl(*wait, timeout=200)
    assert "18.901152" in service.when.asked("house.json")

    service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
    given.namespace.kubectl(*wait, timeout=200)
    assert "19.901152" in service.when.asked("house.json")


def test_going_back_is_a_rollout_like_any_other(given: Given) -> None:
    old, new = given.model("uci-housing"), given.model("uci-housing", bias_raised)
    service = given.service("uci-housing", model=old).is_healthy()
    before, first = service.when.asked("house.json"), service.revision
    service.when.model_is_replaced_by(new)
    service.is_healthy()
    after = service.when.asked("house.json")

    with service.under_load("house.json", requests_per_second=20) as load:
        service.when.model_is_replaced_by(old)
        service.is_healthy()
        load.has_seen(before, times=20, within=60)

    assert "19.901152" in after
    assert service.revision == first
    load.saw_only({before, after})


def test_a_paused_rollout_is_verified_but_gets_no_traffic_until_it_goes_on(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    before, first = service.when.asked("house.json"), service.revision
    history = service.manifest["spec"].get("rollout", {})

    with service.under_load("house.json", requests_per_second=20) as load:
        service.manifest["spec"]["rollout"] = {**history, "paused": True}
        service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
        service.then.condition_becomes("Progressing", "Unknown", "Paused", within=minutes(2))
        load.sends(40, within=60)
        assert set(load.seen().answers) == {before}
        assert service.revision == first
        service.when.spec_is_changed(rollout={**history, "paused": False})
        service.is_healthy()
        after = service.when.asked("house.json")
        load.has_seen(after, times=20, within=60)

    load.saw_only({before, after})


def test_scaling_up_and_down_under_load_fails_no_request(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    answer, revision = service.when.asked("house.json"), service.revision

    with service.under_load("house.json", requests_per_second=20) as load:
        service.when.scaled_to(2)
        service.then.pods_are_ready(2, within=minutes(2))
        service.when.scaled_to(1)
        service.then.pods_are_ready(1, within=minutes(1))
        load.sends(100, within=60)

    assert service.revision == revision
    load.saw_only({answer})
