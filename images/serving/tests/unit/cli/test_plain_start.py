"""`python web_service.py` in the runtime's environment, as Paddle Serving's documents have it."""

import subprocess
import sys
from pathlib import Path

import pytest

from images.serving.tests.services import IMPORTS, one_op

SERVICE = IMPORTS + one_op("Op", "toy", "Toy_1")


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (["web_service.py"], ""),
        (["det.py", "--config=det.yml"], " --script 'det.py --config=det.yml'"),
    ],
)
def test_a_service_says_in_one_sentence_what_serves_it(tmp_path: Path, arguments: list[str], option: str) -> None:
    (tmp_path / arguments[0]).write_text(SERVICE)
    done = python(tmp_path, *arguments)
    command = f"paddle-serving-runtime serve --model-dir . --name toy-1 --consistency-required false{option}"
    assert done.returncode == 1
    assert done.stderr == (
        f"{arguments[0]}: Paddle Serving's own server does not run here. The runtime serves this script: {command}\n"
    )


def test_a_service_with_golden_samples_is_verified(tmp_path: Path) -> None:
    (tmp_path / "golden").mkdir()
    (tmp_path / "web_service.py").write_text(SERVICE)
    assert python(tmp_path, "web_service.py").stderr.endswith(" --name toy-1\n")


def test_a_client_imports_what_it_needs(tmp_path: Path) -> None:
    done = python(tmp_path, "-c", "from paddle_serving_server.pipeline import PipelineClient; PipelineClient()")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", ["serve", "pipeline.operator"])
def test_a_repaired_module_is_a_program_as_before(tmp_path: Path, module: str) -> None:
    done = python(tmp_path, "-W", "ignore", "-m", f"paddle_serving_server.{module}", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert ("--model" in done.stdout) is (module == "serve")


def test_a_module_whose_source_is_replaced_is_no_program(tmp_path: Path) -> None:
    done = python(tmp_path, "-W", "ignore", "-m", "paddle_serving_server.env_check.run")
    assert done.returncode == 1
    assert done.stderr.endswith(": No code object available for paddle_serving_server.env_check.run\n")
    assert "Traceback" not in done.stderr


def test_nothing_of_the_runtime_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    program = "import sys; print([name for name in sys.modules if name.startswith(('numpy', 'paddle_serving'))])"
    loaded = ["paddle_serving_runtime", "paddle_serving_runtime.plain_start"]
    assert python(tmp_path, "-c", program).stdout == f"{loaded}\n"
