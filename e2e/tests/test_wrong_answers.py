"""A model or a server that answers wrong never gets traffic, and the status says which answer is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.altered import altered_runtime
from e2e.lib.defects import characters_shifted, one_weight_changed, pixels_not_scaled, state_kept
from e2e.lib.model import tolerance_without_limit
from e2e.lib.wait import minutes
from e2e.lib.watch import endpoints_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.lib.given import Given
    from e2e.lib.model import Variant
    from e2e.lib.service import Service

pytestmark = pytest.mark.e2e


def stays_out(given: Given, service: Service, sample: str, change: Callable[[], None], says: tuple[str, ...]) -> None:
    """The change ends in NotConsistent with these words, and nobody but the healthy revision ever answers."""
    answer, stable = service.when.asked(sample), service.revision
    with (
        endpoints_of(given.namespace, service.name) as endpoints,
        service.under_load(sample, requests_per_second=10) as load,
    ):
        change()
        service.then.fails("NotConsistent", condition="Consistent", says=says, within=minutes(2))
        service.then.fails("NotConsistent", condition="Progressing", says=says, within=minutes(1))
        service.then.phase_becomes("Failed", within=minutes(1))
        load.sends(50, within=60)
        stable_pods = {pod["metadata"]["name"] for pod in service.pods(stable)}
        assert endpoints.pods() == stable_pods
        assert endpoints.fewest() == 1
    assert service.revision == stable
    assert service.then.condition_becomes("Ready", "True", "Available", within=60)
    load.saw_only({answer})


def test_a_changed_weight_never_gets_traffic_because_of_the_recorded_answers(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    wrong = given.model("uci-housing", one_weight_changed)

    def change() -> None:
        service.when.model_is_replaced_by(wrong)

    stays_out(
        given, service, "house.json", change, says=("house.json", "price", "[0, 0]", "19.215", "recorded", "18.901")
    )


def test_a_server_that_alters_a_value_by_one_ulp_never_gets_traffic_because_of_the_reference(given: Given) -> None:
    image = altered_runtime(given.namespace.cluster)
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()

    def change() -> None:
        service.when.spec_is_changed(image=image)

    stays_out(
        given, service, "house.json", change, says=("house.json", "price", "[0, 0]", "served", "Paddle Inference")
    )


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
