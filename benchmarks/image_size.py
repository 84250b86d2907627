"""The size of the serving image, as Docker has it."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.models import ROOT
from benchmarks.results import FOLDER, machine, write

_LIST = (sys.executable, "-m", "images", "list", "paddle-serving-runtime")
_MEGABYTE = 1_000_000


def main() -> int:
    """Writes docs/measurements/image-size.json; exit status 1 with a sentence where Docker has no such image."""
    reference = subprocess.run(_LIST, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()[0]
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", reference]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        sys.stderr.write("docker is missing; the size of an image is asked of it\n")
        return 1
    if done.returncode:
        sys.stderr.write(f"{done.stderr.strip()}\nBuild the image first: make images\n")
        return 1
    megabytes = int(done.stdout) / _MEGABYTE
    write(FOLDER / "image-size.json", {"machine": machine(), "image": reference, "megabytes": round(megabytes, 1)})
    print(f"{reference}: {megabytes:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
