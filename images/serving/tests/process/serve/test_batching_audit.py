"""A model whose rows begin to depend on each other after it was proved: the audit finds it, and batching ends."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

CLIENTS = 8
DIFFERENCES = "paddle_serving_batch_audit_differences_total"


def body(value: float) -> bytes:
    tensor = {"name": "x", "elem_type": 1, "shape": [1, 2], "float_data": [value, value]}
    return json.dumps({"key": [], "value": [], "tensors": [tensor]}).encode()


@pytest.fixture
def package(special_models: Path, tmp_path: Path) -> Path:
    """Twice x; from 100 on the rows beside one another matter, which no golden sample shows."""
    root = tmp_path / "package"
    shutil.copytree(special_models / "later", root / "model")
    (root / "golden").mkdir()
    (root / "golden" / "small.json").write_bytes(body(1))
    return root


def answers(serving: Any, values: list[float]) -> list[float]:  # noqa: ANN401 - as of `serve`
    with ThreadPoolExecutor(CLIENTS) as clients:
        replies = list(clients.map(lambda value: serving.post(body(value)), values))
    assert {reply.status_code for reply in replies} == {200}
    return [reply.json()["tensors"][0]["float_data"][0] for reply in replies]


def total(serving: Any, name: str) -> float:  # noqa: ANN401 - the same
    metrics: dict[str, float] = serving.metrics()
    return sum(value for key, value in metrics.items() if key.startswith(name + "{"))


def test_a_difference_that_comes_later_is_found_by_the_audit_and_ends_batching_in_the_pod(
    package: Path, serve: Callable[..., Any]
) -> None:
    serving = serve(package, "--workers", "2", "--batching", "16,0.05").wait_ready()
    report = serving.get("/report").json()["batching"]
    assert (report["maxRows"], report["rows"], report["notProved"]) == (16, [16, 16], [])
    assert report["proved"] == [{"inputs": {"x": [2]}, "rows": [2, 4, 8, 16]}]

    large = [100.0 + number for number in range(4 * CLIENTS)]

    def found() -> bool:
        assert answers(serving, large) == [2 * value + (value - 100) for value in large]
        return total(serving, DIFFERENCES) > 0

    serving.wait_for(found, "difference")
    (error, *_) = [entry for entry in serving.entries() if "batching is off from now on" in entry["message"]]
    assert "had other bits than alone" in error["message"]

    runs = total(serving, "paddle_serving_batch_runs_total")
    assert answers(serving, large) == [2 * value + (value - 100) for value in large]
    assert total(serving, "paddle_serving_batch_runs_total") == runs
    report = serving.get("/report").json()["batching"]
    assert report["rows"] == [1, 1]
    assert report["audits"] >= report["differences"] > 0
    assert total(serving, "paddle_serving_batch_max_rows") == 2
