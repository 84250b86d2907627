"""Writes the hash-locked requirements files of the images from uv.lock; with --check only compares them.

The images install with pip alone, so that building one needs neither uv nor the workspace.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ["--only-group", "build"]
RUNTIME = ["--no-dev", "--package", "paddle-serving-runtime"]
EXPORTS = {
    "images/serving/requirements-cpu.txt": [*RUNTIME, "--extra", "cpu"],
    "images/serving/requirements-gpu.txt": [*RUNTIME, "--extra", "gpu"],
    "images/serving/requirements-vision.txt": [*RUNTIME, "--extra", "vision"],
    "images/serving/requirements-build.txt": BUILD,
    "operator/requirements.txt": ["--no-dev", "--package", "paddle-serving-operator"],
    "operator/requirements-build.txt": BUILD,
}


BESIDE = {"images/serving/requirements-vision.txt": RUNTIME}
"""Files that leave out what another selection installs: they are added to an image that has it."""


def exported(selection: list[str]) -> str:
    """What uv exports of the lock file for one selection, hashes included."""
    command = ["uv", "export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", *selection]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def without(requirements: str, others: str) -> str:
    """The requirements, each with its hashes, whose package is not among the others."""
    known = {name for name, _ in packages(others)}
    return "".join(text for name, text in packages(requirements) if name not in known)


def packages(requirements: str) -> list[tuple[str, str]]:
    """Name and text of each requirement; the text is its line and the indented ones below it."""
    found: list[tuple[str, str]] = []
    for line in requirements.splitlines(keepends=True):
        if line[0].isspace():
            found[-1] = (found[-1][0], found[-1][1] + line)
        else:
            found.append((line.partition("==")[0], line))
    return found


def main() -> int:
    """The exit status: 1 when --check found a stale file, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = []
    for name, selection in EXPORTS.items():
        path, wanted = ROOT / name, exported(selection)
        if name in BESIDE:
            wanted = without(wanted, exported(BESIDE[name]))
        if path.exists() and path.read_text() == wanted:
            continue
        stale.append(name)
        if not check:
            path.write_text(wanted)
    if check and stale:
        sys.stderr.write(f"stale: {', '.join(stale)}. Run `make lock` and commit the result.\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
