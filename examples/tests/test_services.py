"""Examples in the layout of the TIPC specification: the author's script and the service answer the same."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from examples.tests.test_packages import EVERY, EXAMPLES, build
from examples.tests.test_prepare import CONFIGS, value
from paddle_serving_runtime import reference as references
from paddle_serving_runtime.consistency import EXACT, Answer, compare, describe
from paddle_serving_runtime.consistency.answer import to_answer

HEAVY = {"alexnet", "resnet50"}
"""Their answers are compared by the TIPC test of test_tipc/configs, locally and in e2e."""
SERVICES = [name for name in EVERY if (EXAMPLES / name / "web_service.py").exists() and name not in HEAVY]
SHARED = [
    ("infer.py", ["alexnet", "mobilenetv3-small", "resnet50"]),
    ("preprocess_ops.py", ["alexnet", "mobilenetv3-small", "resnet50"]),
    ("preprocess_ops.py", ["ocr-rec", "ppocrv5-rec"]),
    ("pictures.py", ["ppocrv4-cls", "ppocrv4-det", "ppocrv5-det", "ppocrv4-system"]),
    ("boxes.py", ["ppocrv4-det", "ppocrv5-det", "ppocrv4-system"]),
    ("ctc.py", ["ocr-rec", "ppocrv4-system"]),
]


def run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def authors(example: str, package: Path) -> list[Answer]:
    """What infer.py prints to the input of the TIPC configuration, asked as the TIPC test asks it."""
    (config,) = [path for path in CONFIGS if Path(value(path, 10)).name == example]
    folder = package.parent / example
    shutil.copytree(EXAMPLES / example, folder, ignore=shutil.ignore_patterns("*_server", "*_client"))
    shutil.copytree(package, folder, dirs_exist_ok=True)
    key, inputs = config.read_text().splitlines()[17].split(":")
    model = folder / Path(value(config, 8)).name
    printed = run(folder / "infer.py", "--model-dir", model, f"{key}={(folder / inputs).resolve()}")
    return [to_answer(json.loads(line)) for line in printed.splitlines()]


def served(package: Path, work: Path) -> Mapping[str, Answer]:
    """What Paddle Inference with the service's own pre- and postprocessing answers to the golden requests."""
    run("-m", "paddle_serving_runtime.cli.main", "reference", "--model-dir", package, "--output", work / "answers.json")
    return references.read(work / "answers.json").answers


@pytest.mark.parametrize("example", SERVICES)
def test_the_authors_script_and_the_service_answer_the_same(example: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    build.assemble(EXAMPLES / example, build.wheel_of(EXAMPLES / example), package)
    answers = served(package, tmp_path)
    own = authors(example, package)
    assert len(own) == len(answers) >= 2, "infer.py answers every input, and the golden requests are the same inputs"
    for sample, want in zip(sorted(answers), own, strict=True):
        for comparison in compare(sample, answers[sample], want, EXACT, "the service", "infer.py"):
            assert comparison.equal, describe(comparison)
    assert len({json.dumps(str(dict(answer))) for answer in own}) == len(own), "a different answer to every input"


@pytest.mark.parametrize(("file", "examples"), SHARED)
def test_what_several_examples_have_in_common_is_the_same_file(file: str, examples: list[str]) -> None:
    texts = {(EXAMPLES / name / file).read_text() for name in examples}
    assert len(texts) == 1, f"{file}: a serving directory is copied as a whole, so each has its own; keep them equal"
