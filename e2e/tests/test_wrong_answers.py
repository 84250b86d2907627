"""A model or a server that answers wrong never gets traffic, and the status says which answer is wrong."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from e2e.lib import measurements
from e2e.lib.altered import altered_runtime
from e2e.lib.defects import characters_shifted, one_weight_changed, pixels_not_scaled, state_kept
from e2e.lib.model import tolerance_without_limit
from e2e.lib.sightings import CUT_OFF
from e2e.lib.staying_out import only_stable_answers
from e2e.lib.trials import GROUPS, STRATEGIES, trials
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.given import Given
    from e2e.lib.model import Variant
    from e2e.lib.sightings import Sighting
    from e2e.lib.staying_out import Guard
    from e2e.lib.store import Model
    from e2e.lib.trials import Trial

pytestmark = pytest.mark.e2e


def trial_parameters() -> Iterator[object]:
    for trial in trials():
        yield pytest.param(trial, id=trial.name, marks=() if trial.always else pytest.mark.by_hand)


def tried(guard: Guard, wrong: Model, sighting: Sighting | None) -> None:
    """The model is refused, and what is kept about it names where and both values."""
    change = partial(guard.service.when.model_is_replaced_by, wrong)
    if sighting is None:
        guard.refuses(change, "ModelInvalid", CUT_OFF)
    else:
        refusal = guard.refuses(change, "NotConsistent", sighting.words)
        report = guard.service.then.report_is_kept(refusal.revision, within=60)
        assert sighting.sentence(report) in refusal.sentence


@pytest.mark.parametrize("trial", tuple(trial_parameters()))
def test_a_wrong_model_of_any_kind_gets_no_request_whatever_the_strategy(given: Given, trial: Trial) -> None:
    started, group = time.monotonic(), GROUPS[trial.group]
    right, rollout = given.model(group.example), dict(STRATEGIES[trial.strategy])
    service = given.service(group.example, rollout=rollout, model=right).is_healthy()
    with only_stable_answers(service, group.sample, gap=trial.strategy == "Recreate") as guard:
        for kind in group.kinds:
            tried(guard, given.model(group.example, kind), group.sighting(kind))
        service.when.model_is_replaced_by(right)
        service.is_healthy()
        guard.load.goes_on_seeing(guard.answer, times=10, within=60)
    assert service.revision == guard.stable
    measurements.record(f"wrong_models_{trial.name}", time.monotonic() - started)


def test_a_server_that_alters_a_value_by_one_ulp_never_gets_traffic_because_of_the_reference(given: Given) -> None:
    image = altered_runtime(given.namespace.cluster)
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    with only_stable_answers(service, "house.json") as guard:
        says = ("house.json", "price", "[0, 0]", "served", "Paddle Inference")
        guard.refuses(partial(service.when.spec_is_changed, image=image), "NotConsistent", says)
        service.then.fails("NotConsistent", condition="Consistent", says=says, within=minutes(1))


@pytest.mark.parametrize("defect", [one_weight_changed, characters_shifted, pixels_not_scaled])
def test_a_defect_in_a_model_or_its_processing_is_found_before_the_first_request(given: Given, defect: Variant) -> None:
    service = given.service("ocr-rec", model=given.model("ocr-rec", defect))
    service.then.fails("NotConsistent", condition="Consistent", says=(".json", "text", "recorded"), within=minutes(2))
    service.then.phase_becomes("Failed", within=minutes(1))
    assert "stable" not in service.resource()["status"]


def test_state_kept_between_requests_is_found_before_the_first_one(given: Given) -> None:
    service = given.service("ocr-rec", model=given.model("ocr-rec", state_kept))
    service.then.fails("NotConsistent", condition="Consistent", says=(".json", "text", "served"), within=minutes(2))
    assert "stable" not in service.resource()["status"]


def test_recorded_answers_that_tolerate_anything_prove_nothing(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing", tolerance_without_limit))
    service.then.fails("NotVerifiable", condition="Consistent", says=("rtol", "maxTolerance"), within=minutes(2))
    assert "stable" not in service.resource()["status"]


def test_a_difference_serves_only_where_the_spec_says_so_and_the_status_shows_it(given: Given) -> None:
    wrong = given.model("uci-housing", one_weight_changed)
    service = given.service("uci-housing", model=wrong, consistency={"required": False}).is_healthy()

    assert "19.2153" in service.when.asked("house.json")
    message = service.then.condition_becomes("Consistent", "False", "NotConsistent", within=minutes(1))
    assert "house.json" in message
