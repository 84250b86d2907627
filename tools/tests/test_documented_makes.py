"""Lines with `make`, `pytest` and e2e/kind: executed where that takes no time, else known to their program."""

import re
from pathlib import Path

import pytest

from images.catalogue import read, select
from tools.documents import ROOT, Block, command, not_executed
from tools.typed import typed

ITSELF = "it runs all tests, this one too"
HOURS = "it takes hours, which CI does not have"
NOT_MADE = (
    not_executed("README.md", "make test e2e", ITSELF),
    not_executed("README.md", "make e2e", ITSELF),
    not_executed("CONTRIBUTING.md", "make test", ITSELF),
    not_executed("CONTRIBUTING.md", "make test e2e", ITSELF),
    not_executed("CONTRIBUTING.md", "make e2e-by-hand", HOURS),
    not_executed("CONTRIBUTING.md", "make e2e-image-volumes", "containerd is built for its cluster"),
    not_executed("e2e/README.md", "make e2e", ITSELF),
    not_executed("docs/gpu.md", "make gpu-check", "it needs an NVIDIA card"),
    not_executed("docs/gpu.md", "make gpu-image", "the image has 6 GB"),
)
NOT_BUILT = (
    not_executed("docs/gpu.md", "docker build", "the image has 6 GB, and VERSION and INDEX are the reader's"),
    not_executed("docs/image.md", "docker build", "VERSION and INDEX are the reader's"),
)
NOT_RUN = (
    not_executed("e2e/README.md", ".venv/bin/python -m pytest -m e2e e2e -k rollout", ITSELF),
    not_executed("e2e/README.md", ".venv/bin/python -m pytest e2e/tests/test_instruments.py", ITSELF),
    not_executed("operator/README.md", "uv run pytest operator/tests/unit", ITSELF),
    not_executed("operator/README.md", "uv run pytest operator/tests/integration", ITSELF),
)


def name(block: Block) -> str:
    return f"{block.document} {block.text.splitlines()[0]}"


def test_make_lists_its_targets() -> None:
    listed = typed(command("CONTRIBUTING.md", "make help").text)
    assert re.search(r"^  quickstart +a cluster, ", listed, re.MULTILINE)


@pytest.mark.parametrize("block", NOT_MADE, ids=name)
def test_make_knows_what_it_is_not_told_here(block: Block) -> None:
    assert typed(f"{block.text} --dry-run")


@pytest.mark.parametrize("block", NOT_BUILT, ids=name)
def test_a_build_gives_values_to_arguments_that_the_dockerfile_has(block: Block) -> None:
    *_, folder = block.text.split()
    declared = set(re.findall(r"^ARG (\w+)", (ROOT / folder / "Dockerfile").read_text(), re.MULTILINE))
    given = set(re.findall(r"--build-arg (\w+)=", block.text))
    assert {"PADDLE", "PADDLE_INDEX"} <= given <= declared


@pytest.mark.parametrize("block", NOT_RUN, ids=name)
def test_what_pytest_is_told_to_run_is_there(block: Block) -> None:
    # by their text: pytest itself would import them all
    words = block.text.partition("pytest ")[2].split()
    places = [ROOT / word for word in words if (ROOT / word).exists()]
    files = [file for place in places for file in (place.rglob("test_*.py") if place.is_dir() else [place])]
    tests = {test for file in files for test in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)}
    wanted = words[words.index("-k") + 1] if "-k" in words else ""
    assert [test for test in tests if wanted in test]
    marker = words[words.index("-m") + 1] if "-m" in words else "e2e"
    assert f'"{marker}: ' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    "block",
    [
        command("e2e/README.md", 'eval "$(make -s cluster-env)"'),
        command("e2e/kind/README.md", 'eval "$(python3 e2e/kind env)"'),
    ],
    ids=name,
)
def test_the_shell_is_pointed_at_the_cluster_whether_it_is_there_or_not(block: Block, tmp_path: Path) -> None:
    more = {"PADDLE_SERVING_CACHE": str(tmp_path)}
    said = typed(f'{block.text}\necho "$KUBECONFIG $PATH"', more=more)
    assert said.startswith(f"{tmp_path}/kind/clusters/")
    assert f" {tmp_path}/kind/bin:" in said


@pytest.mark.parametrize(
    "block",
    [
        not_executed("e2e/kind/README.md", "python3 e2e/kind down", "it ends the cluster of the other tests"),
        not_executed("e2e/kind/README.md", "python3 e2e/kind clean", "it ends the cluster of the other tests"),
    ],
    ids=name,
)
def test_the_program_of_the_cluster_has_the_word(block: Block) -> None:
    assert "usage: " in typed(f"{block.text} --help")


def test_a_gpu_image_with_opencv_is_one_that_can_be_built() -> None:
    *_, wanted = not_executed(
        "docs/image.md", "python -m images build paddle-serving-runtime-gpu-v", "6 GB"
    ).text.split()
    (image,) = (image for image in select(read(), [wanted]) if image.name == wanted)
    assert image.reference == "paddle-serving-runtime:0.1.0-gpu-vision"
