"""The OCR example: what `serve` reports is confirmed bit for bit, and is not on a processor that computes otherwise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from images.serving.tests.process.serve.conftest import start_serving

pytestmark = pytest.mark.timeout(600)
BUILD = Path(__file__).parents[5] / "examples/build.py"
VERIFY = (sys.executable, "-m", "paddle_serving_runtime.cli.main", "verify")


def verified(report: Path, package: Path, **environment: str) -> tuple[int, list[str]]:
    """Exit status of `verify` and the lines that it printed."""
    command = [*VERIFY, str(report), "--model-dir", str(package)]
    variables = {**os.environ, "TERMINATION_LOG": os.devnull, **environment}
    done = subprocess.run(command, env=variables, stdout=subprocess.PIPE, text=True, timeout=300, check=False)
    return done.returncode, done.stdout.splitlines()


def test_the_report_of_the_example_is_confirmed_here_and_not_with_other_kernels(tmp_path: Path) -> None:
    package, report = tmp_path / "package", tmp_path / "report.json"
    subprocess.run([sys.executable, str(BUILD), "ocr-rec", str(package)], check=True, timeout=300)
    serving = start_serving(tmp_path, package, "--workers", "2")
    try:
        report.write_bytes(serving.wait_ready().get("/report").content)
    finally:
        serving.kill()

    status, lines = verified(report, package)
    assert status == 0, lines
    assert lines[-1] == "Confirmed, verdict Recorded, 3 samples, 12 comparisons: the same answers, bit for bit."

    status, lines = verified(report, package, DNNL_MAX_CPU_ISA="SSE41")
    assert status == 3, lines
    assert "differs: switches: environment.DNNL_MAX_CPU_ISA: nothing in the report, SSE41 here." in lines
    scores = [line for line in lines if line.startswith("differs: answers: sample ") and "tensor score" in line]
    assert any(", element [0], against recorded: the report expected 0.9" in line for line in scores), lines
