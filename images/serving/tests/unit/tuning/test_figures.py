"""What follows from figures."""

from dataclasses import replace

import numpy as np
import pytest

from paddle_serving_runtime.consistency import Tolerance
from paddle_serving_runtime.package.golden import Recorded
from paddle_serving_runtime.tuning.figures import Agreement, Row, agreement, best, memory_mib, yaml_of
from paddle_serving_runtime.tuning.plan import Setting

ONE = {"a.json": {"y": np.array([1.0, 2.0], np.float32)}}


def moved(by: float) -> dict[str, dict[str, np.ndarray]]:
    return {"a.json": {"y": ONE["a.json"]["y"] + np.float32(by)}}


@pytest.mark.parametrize(("by", "word"), [(0.0, "same bits"), (1e-6, "within tolerance"), (0.1, "differs")])
def test_without_recorded_answers_default_is_what_is_compared_with(by: float, word: str) -> None:
    found, sentence = agreement(moved(by), ONE, {})
    assert found == word
    assert ("a.json, tensor y" in sentence) == (word == "differs")


@pytest.mark.parametrize(
    ("by", "recorded", "word"), [(0.1, 0.1, "within tolerance"), (0.0, 0.0, "same bits"), (0.0, 0.1, "differs")]
)
def test_recorded_answers_decide_where_there_are_any(by: float, recorded: float, word: str) -> None:
    expected = {"a.json": Recorded(moved(recorded)["a.json"], Tolerance(1e-3, 1e-5), {})}
    assert agreement(moved(by), ONE, expected)[0] == word


def row(
    rate: float | None,
    workers: int = 1,
    backend: str = "Default",
    word: Agreement | None = "same bits",
    p50: float = 1.0,
) -> Row:
    setting = Setting(backend, 1, workers)  # type: ignore[arg-type] # one of them
    return Row(setting, requests_per_second=rate, p50_ms=p50, worker_mib=300.0, agreement=word)


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        ([row(100), row(190, workers=2)], 1),
        ([row(100), row(300, word="differs"), row(190, workers=2)], 2),
        ([row(98), row(100, workers=2)], 0),
        ([row(100, backend="OpenVINO", word="within tolerance"), row(99)], 1),
        ([row(100, p50=2.0), row(99, p50=1.0)], 1),
        ([row(None, word=None), row(1)], 1),
    ],
)
def test_the_fastest_right_one_is_taken_and_of_equals_the_one_that_takes_least(rows: list[Row], chosen: int) -> None:
    assert best(rows) is rows[chosen]


def test_where_nothing_is_right_nothing_is_taken() -> None:
    assert best([row(100, word="differs"), row(None, word=None)]) is None


def test_the_advice_has_room_for_the_reference_and_what_is_beside_the_workers() -> None:
    found = replace(row(100), setting=Setting("NewExecutor", 2, 3, batched=True))
    assert memory_mib(found) == 1792
    assert yaml_of(found, batches=True) == (
        "engine:\n  backend: Auto\n  workers: 3\n  threadsPerWorker: 2\n  batching: {mode: Auto}\n"
        'resources:\n  requests: {cpu: "6"}\n  limits: {cpu: "6", memory: 1792Mi}\n'
    )
    assert "batching" not in yaml_of(found, batches=False)
