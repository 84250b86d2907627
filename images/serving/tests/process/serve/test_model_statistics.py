"""The statistics of the models behind a real front: true, whoever asked, and kept when a worker dies."""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests
from tritonclient import grpc as triton_grpc

from images.serving.tests.process.serve.conftest import request_body
from images.serving.tests.services import ROW as X

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving, Start

PERF_ANALYZER = "perf-analyzer==2.60.0"
PERF_ANALYZER_GLIBC = (2, 38)
TENSOR = {"name": "x", "datatype": "FP32", "shape": [1, 13], "data": X}


def statistics(serving: "Serving", model: str) -> dict[str, Any]:
    (told,) = requests.get(f"{serving.http}/v2/models/{model}/stats", timeout=30).json()["model_stats"]
    return dict(told)


def counts(serving: "Serving", model: str) -> tuple[int, int, int, int]:
    """Inferences, executions, successes and failures."""
    told = statistics(serving, model)
    success, fail = (told["inference_stats"][name]["count"] for name in ("success", "fail"))
    return told["inference_count"], told["execution_count"], success, fail


def ask_in_every_protocol(serving: "Serving") -> None:
    """Once the service by its own protocol, and twice the model of its Op."""
    assert serving.post(request_body()).status_code == 200
    body = json.dumps({"inputs": [TENSOR]})
    assert requests.post(f"{serving.http}/v2/models/price/infer", body, timeout=30).status_code == 200
    x = triton_grpc.InferInput("x", [1, 13], "FP32").set_data_from_numpy(np.array([X], np.float32))
    with triton_grpc.InferenceServerClient(serving.grpc) as client:
        client.infer("price", [x], client_timeout=30)


def test_statistics_add_up_over_protocols_and_workers_and_outlive_a_worker(
    serve: "Start", make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--workers", "2").wait_ready()
    # golden samples are no requests
    assert counts(serving, "svc") == (0, 0, 0, 0)
    for _ in range(3):
        ask_in_every_protocol(serving)
    assert serving.post(request_body(fail="1")).status_code == 500
    assert serving.post(b"{").status_code == 400
    serving.wait_for(lambda: counts(serving, "svc")[3] == 1, "the failure in the statistics")
    assert counts(serving, "svc") == (3, 3, 3, 1)
    assert counts(serving, "price") == (6, 6, 6, 0)

    assert serving.post(request_body(exit="1")).status_code == 503
    alive = 'paddle_serving_workers{phase="serving"}'
    serving.wait_for(lambda: serving.metrics().get(alive) == 2, "a new worker")
    ask_in_every_protocol(serving)
    serving.wait_for(lambda: counts(serving, "price")[0] == 8, "two more in the statistics")
    assert counts(serving, "svc") == (4, 4, 4, 1)
    told = statistics(serving, "price")
    durations = told["inference_stats"]
    assert 0 < durations["compute_infer"]["ns"] < durations["success"]["ns"]
    assert told["last_inference"] > 1_700_000_000_000


def test_perf_analyzer_measures_the_service(serve: "Start", make_package: Callable[..., Path], tmp_path: Path) -> None:
    _, version = platform.libc_ver()
    if tuple(map(int, version.split("."))) < PERF_ANALYZER_GLIBC:
        pytest.skip(f"{PERF_ANALYZER} is built for glibc 2.38, this is {version}")
    uv = shutil.which("uv")
    assert uv is not None, "uv is missing: run the tests by make"
    serving = serve(make_package(), "--workers", "1").wait_ready()
    report = tmp_path / "report.csv"
    target = ("-m", "price", "-i", "grpc", "-u", serving.grpc, "--shape", "x:1,13")
    measured = ("-p", "500", "--stability-percentage", "999", "-f", str(report))
    command = (uv, "tool", "run", "--from", PERF_ANALYZER, "perf_analyzer", *target, *measured)
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=dict(os.environ))
    assert done.returncode == 0, done.stdout + done.stderr
    head, row = report.read_text().splitlines()[:2]
    columns = dict(zip(head.split(","), map(float, row.split(",")), strict=True))
    assert columns["Inferences/Second"] > 0
    assert columns["Server Compute Infer"] > 0
