"""`python -m images build [NAME...]` builds images with Docker; `list` prints references, `size` what is in one."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from images.catalogue import ROOT, CatalogueError, Image, read, select
from images.size import SizeError, report

HEARTBEAT_SECONDS = 20.0
LOG_TAIL_LINES = 25


def say(text: str) -> None:
    """Prints to standard error at once, so that a log shows where a build stands."""
    print(text, file=sys.stderr, flush=True)


def build_command(image: Image) -> list[str]:
    """The docker command line that builds `image`, run from the repository's root."""
    arguments = [part for key, value in image.arguments.items() for part in ("--build-arg", f"{key}={value}")]
    return ["docker", "build", "--tag", image.reference, "--file", image.dockerfile, *arguments, image.context]


def last_step(log: Path) -> str:
    """The newest line of a docker build's log that names a step, for the heartbeat."""
    steps = [line for line in log.read_text(errors="replace").splitlines() if line.startswith(("Step ", "#"))]
    return steps[-1][:100] if steps else "sending the build context"


def build(image: Image) -> bool:
    """Builds one image with progress on stderr; on failure prints the end of the log. Returns success."""
    started = time.monotonic()
    with tempfile.NamedTemporaryFile("w", prefix=f"build-{image.name}-", suffix=".log", delete=False) as log:
        process = subprocess.Popen(build_command(image), stdout=log, stderr=subprocess.STDOUT, cwd=ROOT)
    path = Path(log.name)
    finished = threading.Event()

    def heartbeat() -> None:
        while not finished.wait(HEARTBEAT_SECONDS):
            say(f"    ... {time.monotonic() - started:4.0f} s  {last_step(path)}")

    threading.Thread(target=heartbeat, daemon=True).start()
    code = process.wait()
    finished.set()
    elapsed = time.monotonic() - started
    if code == 0:
        say(f"  image {image.reference}  {elapsed:.0f} s")
        path.unlink()
        return True
    say("\n".join(path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]))
    say(f"image {image.reference}: docker build failed after {elapsed:.0f} s (exit {code}). The whole log: {path}")
    return False


def show_size(image: Image) -> bool:
    """Prints what is in an image; False, with the reason on stderr, where Docker does not have it."""
    try:
        print(f"{image.reference}\n\n{report(image.reference)}\n", flush=True)
    except SizeError as error:
        say(f"{error}. Build it first: python -m images build {image.name}")
        return False
    return True


def main() -> int:
    """The exit status: 0 done, 1 a build failed or an image is not there, 2 an unknown image."""
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    parser.add_argument("command", choices=["build", "list", "size"])
    parser.add_argument("names", nargs="*", help="names of images/images.yaml; none: every default image")
    arguments = parser.parse_args()
    try:
        images = select(read(), arguments.names)
    except CatalogueError as error:
        say(str(error))
        return 2
    if arguments.command == "list":
        print("\n".join(image.reference for image in images))
        return 0
    if arguments.command == "size":
        return 0 if all(show_size(image) for image in images) else 1
    return 0 if all(build(image) for image in images) else 1


if __name__ == "__main__":
    sys.exit(main())
