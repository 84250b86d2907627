"""A worker that ends in its proof, or comes to no end of it, has a successor that computes each request alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORKERS = 5
"""As many crashes as make a loop, all at once."""

CRASH = """
import os, sys

if "paddle_serving_runtime.worker" in sys.orig_argv:
    from paddle_serving_runtime.engine import direct

    direct.prove = lambda *_: os.abort()
"""
HANG = """
import sys

if "paddle_serving_runtime.worker" in sys.orig_argv:
    import time
    from paddle_serving_runtime.engine import direct

    direct.prove = lambda *_: time.sleep(3600)
elif "serve" in sys.orig_argv:
    from paddle_serving_runtime.supervisor import slot

    slot.PROOF_SECONDS = 0.0
"""
TENSOR = {"name": "x", "elem_type": 1, "shape": [1, 13], "float_data": [0.5] * 13}


@pytest.mark.timeout(600)
def test_each_worker_ends_once_and_then_batches_nothing(
    make_package: Callable[..., Path], serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    body = {"key": [], "value": [], "tensors": [TENSOR]}
    package = make_package(script="", golden={"house.json": body})
    flags = ("--workers", str(WORKERS), "--standby", "false")
    serving = serve(package, *flags, environment={"PYTHONPATH": str(tmp_path)}).wait_ready()
    ended = [entry for entry in serving.entries() if "was ended by SIGABRT while it loaded" in entry["message"]]
    assert len(ended) == WORKERS
    batching = serving.get("/report").json()["batching"]
    assert (batching["rows"], batching["proved"]) == ([1] * WORKERS, [])
    assert "ended while it computed several rows" in batching["notProved"][0]
    assert serving.post(body).status_code == 200


def test_a_worker_that_comes_to_no_end_of_its_proof_is_replaced_by_one_that_batches_nothing(
    make_package: Callable[..., Path], serve: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HANG)
    flags = ("--workers", "1", "--standby", "false", "--request-timeout", "2")
    package = make_package(script="", golden={"house.json": {"key": [], "value": [], "tensors": [TENSOR]}})
    serving = serve(package, *flags, environment={"PYTHONPATH": str(tmp_path)}).wait_ready()
    ended = [entry for entry in serving.entries() if "was killed: it did not come to an end" in entry["message"]]
    assert len(ended) == 1
    batching = serving.get("/report").json()["batching"]
    assert (batching["rows"], batching["proved"]) == ([1], [])
    assert "ended while it computed several rows" in batching["notProved"][0]
