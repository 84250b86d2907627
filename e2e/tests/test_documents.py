"""What the documents point at is there, and nothing of the machine they were written on is in the repository."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "build", "output"} & set(path.parts))
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")
MACHINE = re.compile(r"/work/(main|shared)|/root/|registry-1\.|@@[A-Z0-9_]+@@")
# uv writes the index it was given into its lock file; that is the file's format
GENERATED = {"uv.lock"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_of_a_document_leads_somewhere(document: Path) -> None:
    broken = [target for target in LINK.findall(document.read_text()) if not (document.parent / target).exists()]
    assert broken == []


def test_the_readme_names_only_targets_that_the_makefile_has() -> None:
    commands = re.findall(
        r"^ *(?:.*`)?make ([a-z0-9-]+(?: [a-z0-9-]+)?)(?:`| {2,}|$)", README.read_text(), re.MULTILINE
    )
    named = {target for command in commands for target in command.split()}
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"quickstart", "test", "e2e"} <= named
    assert named - targets == set()


def test_no_file_carries_a_path_or_a_placeholder_of_the_machine_it_was_written_on() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = []
    for name in listed.split("\0"):
        path = ROOT / name
        if not name or name in GENERATED or path == Path(__file__) or not path.is_file():
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [f"{name}: {match.group(0)}" for match in MACHINE.finditer(text)]
    assert found == []
