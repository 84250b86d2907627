"""What the tests of docs/standalone.md share: its name, and its example where a container's user can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.lib.container import example_package, require_images
from e2e.lib.pods import RUNTIME

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NAME = "uci-housing"
DOCUMENT = "docs/standalone.md"


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
