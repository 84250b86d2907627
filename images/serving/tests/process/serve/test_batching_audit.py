"""A model whose rows begin to depend on each other after it was proved: the audit finds it, and batching ends."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.services import keep

CLIENTS = 8
DIFFERENCES = "paddle_serving_batch_audit_differences_total"


def body(value: float) -> bytes:
    tensor = {"name": "x", "elem_type": 1, "shape": [1, 2], "float_data": [value, value]}
    return json.dumps({"key": [], "value": [], "tensors": [tensor]}).encode()


@pytest.fixture
def package(kind: str, backend: str, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Twice x; from 100 on the rows beside one another matter, which no golden sample shows.

    The OpenVINO engine takes the old form of a program only.
    """
    root = tmp_path / "package"
    models = request.getfixturevalue("backend_models" if backend == "OpenVINO" else "special_models")
    shutil.copytree(models / "later", root / "model")
    (root / "golden").mkdir()
    for name, value in (("small", 1), ("smaller", 0.5)):
        (root / "golden" / f"{name}.json").write_bytes(body(value))
    if kind == "service":
        keep(root)
    return root


def answers(serving: Any, values: list[float]) -> list[float]:  # noqa: ANN401 - as of `serve`
    with ThreadPoolExecutor(CLIENTS) as clients:
        replies = list(clients.map(lambda value: serving.post(body(value)), values))
    assert {reply.status_code for reply in replies} == {200}
    return [first(reply.json()) for reply in replies]


def first(answer: Any) -> float:  # noqa: ANN401 - JSON
    """The first number that the model has answered."""
    if answer["key"]:
        return float(json.loads(answer["value"][answer["key"].index("answer")])[0][0])
    return float(answer["tensors"][0]["float_data"][0])


def total(serving: Any, name: str) -> float:  # noqa: ANN401 - the same
    metrics: dict[str, float] = serving.metrics()
    return sum(value for key, value in metrics.items() if key.startswith(name + "{"))


@pytest.mark.parametrize(("kind", "backend"), [("plain", "Default"), ("plain", "OpenVINO"), ("service", "Default")])
def test_a_difference_that_comes_later_is_found_by_the_audit_and_ends_batching_in_the_pod(
    package: Path, serve: Callable[..., Any], kind: str, backend: str
) -> None:
    serving = serve(package, "--workers", "2", "--batching", "16,0.05", "--backend", backend).wait_ready()
    whole = serving.get("/report").json()
    assert [model["backend"] for model in whole["switches"]["models"].values()] == [backend]
    report = whole["batching"]
    assert (report["maxRows"], report["rows"], report["notProved"]) == (16, [16, 16], [])
    model = {"model": "keeping"} if kind == "service" else {}
    assert report["proved"] == [{**model, "inputs": {"x": [2]}, "rows": [2, 4, 8, 16]}]

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
