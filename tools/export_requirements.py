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
EXPORTS = {
    "images/serving/requirements-cpu.txt": ["--no-dev", "--package", "paddle-serving-runtime", "--extra", "cpu"],
    "images/serving/requirements-gpu.txt": ["--no-dev", "--package", "paddle-serving-runtime", "--extra", "gpu"],
    "images/serving/requirements-build.txt": BUILD,
    "operator/requirements.txt": ["--no-dev", "--package", "paddle-serving-operator"],
    "operator/requirements-build.txt": BUILD,
}


def exported(selection: list[str]) -> str:
    """What uv exports of the lock file for one selection, hashes included."""
    command = ["uv", "export", "--quiet", "--frozen", "--no-emit-workspace", "--no-header", *selection]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


def main() -> int:
    """The exit status: 1 when --check found a stale file, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; exit 1 when a file is stale")
    check = parser.parse_args().check
    stale = []
    for name, selection in EXPORTS.items():
        path, wanted = ROOT / name, exported(selection)
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
