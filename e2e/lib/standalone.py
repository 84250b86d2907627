"""What the tests of docs/standalone.md share: its snippets, and its example where a container's user can read it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from e2e.lib.cluster import ROOT
from e2e.lib.container import example_package, require_images
from e2e.lib.pods import RUNTIME
from e2e.lib.wait import expect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

NAME = "uci-housing"
DOCUMENT = ROOT / "docs" / "standalone.md"


def snippet(language: str) -> str:
    """The document's one code block of that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
    return str(found)


def replaced(text: str, by: Mapping[str, str]) -> str:
    """The text with each key replaced by its value everywhere. Raises AssertionError where it does not occur."""
    for old, new in by.items():
        expect(old in text, f"{DOCUMENT.name} no longer says {old}")
        text = text.replace(old, new)
    return text


def open_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """An empty folder for everybody; pytest's own folders are for their owner alone."""
    folder = factory.mktemp(name)
    for path in (folder.parent.parent, folder.parent, folder):
        path.chmod(0o755)
    return folder


def housing(folder: Path) -> Path:
    """The package of the document's example, at `folder`/uci-housing."""
    require_images(RUNTIME)
    (folder / "copied").mkdir()
    return example_package(NAME, folder / "copied").rename(folder / NAME)
