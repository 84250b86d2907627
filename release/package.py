"""What a platform team takes away: charts, plugin, custom resources, lists and checksums; with images, a bundle."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tarfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from e2e.kind.console import Console
from images.catalogue import ROOT
from images.catalogue import Image as Listed
from release import charts, plugin, sbom
from release.commands import run
from release.push import Image

RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?:|#)[^)]*\)")
"""To a page that is not in the package."""

SUMS = "SHA256SUMS"
IMAGES = "images.tar"


def described(images: Sequence[Listed], version: str) -> list[Image]:
    """The images with what a push must know of them."""
    return [
        Image(
            reference=image.reference,
            suffix=image.reference.rpartition(":")[2].removeprefix(version),
            value=image.value,
            manifest=f"examples/{image.arguments['EXAMPLE']}.yaml" if "EXAMPLE" in image.arguments else "",
        )
        for image in images
    ]


def fill(folder: Path, images: Sequence[Image], version: str, console: Console) -> None:
    """Puts everything but the images themselves into `folder`, which is made anew. Raises ReleaseError."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with console.step("charts"):
        charts.package(folder / "charts")
    with console.step("kubectl-paddle"):
        plugin.build(folder / "kubectl-paddle")
    for image in images:
        with console.step(f"SBOM of {image.reference}"):
            sbom.write(image, folder / "sbom")
    write_lists(folder, images, version)


def write_lists(folder: Path, images: Sequence[Image], version: str) -> None:
    """The custom resources, and images.txt for people, images.json and push.py for `python3 push.py`."""
    (folder / "examples").mkdir()
    for image in images:
        if image.manifest:
            shutil.copy(ROOT / image.manifest, folder / image.manifest)
    (folder / "images.txt").write_text("".join(f"{image.reference}\n" for image in images))
    document = {"version": version, "images": [asdict(image) for image in images]}
    (folder / "images.json").write_text(json.dumps(document, indent=2) + "\n")
    shutil.copy(ROOT / "release" / "push.py", folder / "push.py")
    page = (ROOT / "docs" / "air-gapped.md").read_text()
    (folder / "README.md").write_text(RELATIVE_LINK.sub(r"\1", page))


def write_sums(folder: Path) -> None:
    """SHA256SUMS of every other file, as `sha256sum --check` reads it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SUMS)
    (folder / SUMS).write_text("".join(f"{digest(path)}  {path.relative_to(folder)}\n" for path in files))


def digest(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_images(folder: Path, images: Sequence[Image]) -> None:
    """The images themselves in one archive, shared layers once, for `docker load`. Raises ReleaseError."""
    references = [image.reference for image in images]
    run(["docker", "save", "--output", folder / IMAGES, *references], "Build the images first: make images")


def in_one_file(folder: Path) -> Path:
    """`folder`.tar beside it, the folder inside; complete once it has that name. The images' own archive then goes."""
    bundle = folder.parent / f"{folder.name}.tar"
    part = bundle.with_suffix(".part")
    with tarfile.open(part, "w") as archive:
        archive.add(folder, folder.name)
    part.replace(bundle)
    (folder / IMAGES).unlink()
    write_sums(folder)  # of what is left there
    return bundle
