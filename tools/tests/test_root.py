"""The top of the repository holds what somebody has put there, and nothing that a run has left."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"}
FILES = DOCUMENTS | {"Makefile", "conftest.py", "pyproject.toml", "uv.lock"}


def test_every_file_at_the_top_is_one_of_these() -> None:
    tracked = subprocess.run(["git", "-C", ROOT, "ls-files", ":(glob)*"], capture_output=True, text=True, check=True)
    assert {name for name in tracked.stdout.splitlines() if not name.startswith(".")} == FILES


def test_no_log_is_part_of_the_repository() -> None:
    logs = subprocess.run(["git", "-C", ROOT, "ls-files", "*.log"], capture_output=True, text=True, check=True)
    assert logs.stdout == ""
