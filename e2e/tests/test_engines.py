"""What a PaddleService asks of the engine is proved by its pods like everything else, and told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e


def test_paddles_openvino_engine_answers_as_recorded_and_the_report_names_it(given: Given) -> None:
    service = given.service("ocr-rec", engine={"workers": 1, "backend": "OpenVINO"}).is_healthy()

    report = service.then.report_is_kept(service.revision, within=60)
    assert (report["backend"], report["verdict"]) == ("OpenVINO", "Recorded")
    assert service.resource()["status"]["verification"]["backend"] == "OpenVINO"
    assert "Hello Paddle" in service.when.asked("hello.json")


def test_requests_may_share_runs_of_the_sizes_that_the_pod_has_proved(given: Given) -> None:
    engine = {"workers": 1, "batching": {"mode": "Auto"}, "warmup": {"shapes": [{"inputs": {"x": [1, 13]}}]}}
    service = given.service("uci-housing", engine=engine).is_healthy()

    report = service.then.report_is_kept(service.revision, within=60)
    batching = report["batching"]
    assert batching["maxRows"] == max(batching["rows"]) > 1
    assert (report["warmup"]["shapes"], report["warmup"]["sharedSizes"] > 0) == (1, True)
    assert batching["differences"] == 0
    assert "18.9011" in service.when.asked("house.json")
