"""`kubectl paddle` as one executable file, for machines that reach no package index: a zip that Python runs."""

from __future__ import annotations

import shutil
import tempfile
import zipapp
from importlib.metadata import version
from pathlib import Path

from images.catalogue import ROOT
from release.commands import run

SOURCE = ROOT / "operator" / "src" / "paddle_serving_operator"
PACKAGES = ("click", "markdown-it-py", "mdurl", "pygments", "rich", "typing-extensions")
"""All that the plugin imports, without native code: the file runs on every Python from 3.11 on."""


def build(path: Path) -> None:
    """Writes the executable, with the locked versions of what it imports. Raises ReleaseError."""
    with tempfile.TemporaryDirectory() as made:
        pinned = [f"{name}=={version(name)}" for name in PACKAGES]
        run(["uv", "pip", "install", "--quiet", "--no-deps", "--target", made, *pinned])
        shutil.rmtree(Path(made) / "bin", ignore_errors=True)
        shutil.copytree(SOURCE, Path(made) / SOURCE.name, ignore=shutil.ignore_patterns("__pycache__"))
        main = "paddle_serving_operator.plugin.main:main"
        path.parent.mkdir(parents=True, exist_ok=True)
        zipapp.create_archive(made, path, "/usr/bin/env python3", main, compressed=True)
    path.chmod(0o755)
