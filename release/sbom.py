"""What is in an image, package by package, as SPDX: written by syft, which reads Debian's and Python's own records."""

from __future__ import annotations

from pathlib import Path

from release.commands import run
from release.push import Image

FORMAT = "spdx-json"
OFFLINE = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
"""It would ask its makers for a newer version of itself."""


def write(image: Image, folder: Path) -> Path:
    """`folder`/NAME-TAG.spdx.json of an image of the Docker engine. Raises ReleaseError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{image.reference.replace(':', '-')}.spdx.json"
    run(command(f"docker:{image.reference}", path), "Build the image first: make images", OFFLINE)
    return path


def command(source: str, path: Path) -> list[str]:
    """The command line that writes the SPDX document of one of syft's sources."""
    return ["syft", "scan", source, "--quiet", "--output", f"{FORMAT}={path}"]
