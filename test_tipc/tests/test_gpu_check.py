"""make gpu-check: what it asks, what it says without a card, and its table."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "test_tipc/tools/gpu_check.py"


@pytest.fixture
def gpu_check(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOL.parent))
    spec = importlib.util.spec_from_file_location("gpu_check", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


def run(path: Path, environment: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), "--environment", str(environment), "AlexNet"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PATH": str(path)}
    )


def test_without_a_driver_it_says_so_and_installs_nothing(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    done = run(tmp_path / "bin", tmp_path / "environment")
    assert done.returncode == 2
    assert done.stderr.startswith("gpu-check: nvidia-smi is not on PATH, so this machine has no NVIDIA driver.")
    assert not (tmp_path / "environment").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo 'NVIDIA-SMI has failed'; exit 9", "nvidia-smi ended with status 9: NVIDIA-SMI has failed"),
        ("exit 0", "nvidia-smi lists no card."),
    ],
)
def test_a_driver_without_a_card_is_a_sentence(tmp_path: Path, text: str, says: str) -> None:
    program(tmp_path / "bin", "nvidia-smi", text)
    done = run(tmp_path / "bin", tmp_path / "environment")
    assert (done.returncode, done.stderr.strip()) == (2, f"gpu-check: {says}")


def test_an_environment_that_cannot_be_made_is_a_sentence_with_what_uv_said(tmp_path: Path) -> None:
    program(tmp_path / "bin", "nvidia-smi", "echo 'NVIDIA L4, 570.1, 8.9, 23034 MiB'")
    program(tmp_path / "bin", "uv", "echo 'No space left on device' >&2; exit 1")
    done = run(tmp_path / "bin", tmp_path / "environment")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "gpu-check: uv venv --quiet failed: No space left on device"


def test_every_configuration_asks_for_the_gpu(gpu_check: ModuleType) -> None:
    for model in gpu_check.models():
        before = (gpu_check.CONFIGS / model / gpu_check.FILE).read_text()
        changed = [
            (old, new)
            for old, new in zip(before.splitlines(), gpu_check.on_gpu(before).splitlines(), strict=True)
            if old != new
        ]
        ((old, new),) = changed
        assert old.endswith(".devices:null")
        assert new == old.removesuffix("null") + "0"


def test_the_table_names_the_card_and_what_failed(gpu_check: ModuleType) -> None:
    heading = "| device | consistent |\n|---|---|\n"
    runs = [
        gpu_check.Run("AlexNet", 0, "", {}, "", [], f"{heading}| gpu | yes |\n"),
        gpu_check.Run("Segmenter", 1, "", {}, "", [], f"{heading}| gpu | no |\n"),
    ]
    assert gpu_check.table(("NVIDIA L4, 570.1, 8.9, 23034 MiB",), runs) == (
        "- card: NVIDIA L4, 570.1, 8.9, 23034 MiB\n"
        "- 1 of 2 models passed\n"
        "- failed: Segmenter (status 1)\n\n"
        "| device | consistent |\n|---|---|\n| gpu | yes |\n| gpu | no |\n"
    )
