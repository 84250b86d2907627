"""Requests of many shapes at once, those of proved shapes in shared runs: each answer has the bits of a single run."""

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from images.serving.tests.process.equality.conftest import raw_inference
from images.serving.tests.process.equality.test_many_at_once import SECONDS, answers_to
from images.serving.tests.process.serve.conftest import Serving, start_serving
from paddle_serving_runtime.protocol import pack_response

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROVED = (3, 5)
WIDTHS = (*PROVED, 7)
ROWS = (1, 1, 1, 2, 3)
pytestmark = pytest.mark.timeout(1000)


def inputs(requests: int) -> "list[NDArray[Any]]":
    """Different ones, of every width and number of rows in turn."""
    random = np.random.default_rng(1)
    shapes = tuple(product(ROWS, WIDTHS))
    return [random.normal(size=(*shapes[number % len(shapes)], 4)).astype("float32") for number in range(requests)]


@pytest.fixture
def serving(special_models: Path, tmp_path: Path) -> Iterator[Serving]:
    """A model that takes any width, with golden samples of two of them."""
    package = tmp_path / "package"
    shutil.copytree(special_models / "widths", package / "model")
    (package / "golden").mkdir()
    for width in PROVED:
        sample = np.random.default_rng(width).normal(size=(2, width, 4)).astype("float32")
        (package / "golden" / f"{width}.json").write_bytes(pack_response({}, {"x": sample}))
    flags = ("--workers", "2", "--batching", "16,0.01", "--request-timeout", str(SECONDS))
    started = start_serving(tmp_path, package, *flags)
    try:
        yield started.wait_ready()
    finally:
        started.kill()


@pytest.mark.parametrize(
    "requests", [1_000, pytest.param(100_000, marks=(pytest.mark.by_hand, pytest.mark.timeout(7200)))]
)
def test_every_request_of_any_shape_gets_the_bits_of_its_own_single_run(
    serving: Serving, requests: int, special_models: Path, tmp_path: Path
) -> None:
    proved = serving.get("/report").json()["batching"]["proved"]
    assert sorted((entry["inputs"]["x"], entry["rows"]) for entry in proved) == [
        ([width, 4], [2, 4, 8, 16]) for width in PROVED
    ]
    asked = inputs(requests)
    by_name = {f"{number:06}": {"x": values} for number, values in enumerate(asked)}
    (computed,) = raw_inference({special_models / "widths": by_name}, tmp_path)
    wanted = [next(iter(computed[name].values())) for name in by_name]
    answers = answers_to(serving, asked)
    wrong = [n for n in range(requests) if answers[n].tobytes() != wanted[n].tobytes()]
    assert not wrong, f"{len(wrong)} of {requests} answers are not their own, first {asked[wrong[0]].shape}"
    metrics = serving.metrics()
    assert metrics["paddle_serving_batch_size_sum"] > metrics["paddle_serving_batch_size_count"] * 1.1
    totals = {name: value for name, value in metrics.items() if name.startswith("paddle_serving_batch_audit")}
    assert [bool(totals[f'paddle_serving_batch_audits_total{{worker="{worker}"}}']) for worker in (0, 1)] == [
        True,
        True,
    ]
    assert not any(value for name, value in totals.items() if "differences_total" in name)
