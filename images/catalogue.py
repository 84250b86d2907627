"""The list of images in images.yaml, read: names with tags, build contexts and the order in which they are built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


class CatalogueError(Exception):
    """images.yaml or a name asked of it cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image: `reference` is `repository:tag`, paths are relative to the repository's root.

    `value` is the key of the operator's chart under which it names the image, empty for an image that it does not name.
    """

    name: str
    reference: str
    context: str
    dockerfile: str
    arguments: dict[str, str]
    needs: tuple[str, ...]
    default: bool
    value: str


def read(path: Path = ROOT / "images" / "images.yaml") -> dict[str, Image]:
    """All images by name, in the order of the file."""
    document = yaml.safe_load(path.read_text())
    version = document["version"]
    return {name: _image(name, entry, version) for name, entry in document["images"].items()}


def _image(name: str, entry: dict[str, Any], version: str) -> Image:
    def filled(text: str) -> str:
        return text.format(version=version)

    return Image(
        name=name,
        reference=f"{entry.get('repository', name)}:{filled(entry['tag'])}",
        context=entry["context"],
        dockerfile=entry["dockerfile"],
        arguments={key: filled(value) for key, value in entry.get("arguments", {}).items()},
        needs=tuple(entry.get("needs", ())),
        default=entry.get("default", True),
        value=entry.get("value", ""),
    )


def select(images: dict[str, Image], names: list[str]) -> list[Image]:
    """The named images (none named: every default one) with what they need, needed ones first.

    Raises CatalogueError for a name that is not in the list.
    """
    chosen: dict[str, Image] = {}

    def add(name: str) -> None:
        if name not in images:
            raise CatalogueError(f"images/images.yaml has no image {name!r}. Known: {', '.join(images)}.")
        for needed in images[name].needs:
            add(needed)
        chosen[name] = images[name]

    for name in names or [name for name, image in images.items() if image.default]:
        add(name)
    return list(chosen.values())
