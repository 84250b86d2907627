"""Whatever an image is built from is what was reviewed: pip takes nothing without a hash."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", *patterns], capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines()]


DOCKERFILES = tracked("*Dockerfile")
REQUIREMENTS = [path for path in tracked("*requirements*.txt") if "benchmarks" not in path.parts]
"""Those of the peers that are measured beside this project's server are in no image."""

INSTALLS = re.compile(r"\bpip\b[^&|;]*? (?:install|wheel|download) [^&|;]*")
FROM_WHEELS = re.compile(r"--no-index|/wheels?/|--no-deps .* /build/project")
"""Arguments where nothing is fetched: wheels that came by their hashes before, and this project."""


def installs(dockerfile: str) -> list[str]:
    """The commands of pip, each as one line."""
    return [" ".join(found.split()) for found in INSTALLS.findall(dockerfile.replace("\\\n", " "))]


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_pip_asks_for_hashes_in_every_dockerfile(path: Path) -> None:
    loose = [line for line in installs(path.read_text()) if "--require-hashes" not in line]
    assert [line for line in loose if not FROM_WHEELS.search(line)] == []


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_requirement_of_an_image_has_a_version_and_a_hash(path: Path) -> None:
    lines = [line for line in path.read_text().replace("\\\n", " ").splitlines() if re.match(r"[A-Za-z]", line)]
    assert [line for line in lines if not re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)] == []


def test_the_search_finds_the_installations_of_the_images() -> None:
    found = [line for path in DOCKERFILES for line in installs(path.read_text())]
    assert len(found) >= 6
    assert any("requirements-build.txt" in line for line in found)
    assert installs("RUN pip install x \\\n  && true") == ["pip install x"]
