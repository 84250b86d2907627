"""The classifier behind pictures, as a package with a web_service.py: what stands beside PaddleX."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from benchmarks import models
from benchmarks.models import Model, picture
from benchmarks.payload import json_body
from benchmarks.peers.environments import ADAPTERS
from benchmarks.peers.forms import png


def prepare(cls: Model, folder: Path) -> Model:
    """The package anew in `folder`, from the model of `cls`; one request is the picture behind its tensor."""
    shutil.rmtree(folder, ignore_errors=True)
    package = folder / "package"
    shutil.copytree(ADAPTERS / "picture", package)
    shutil.copytree(cls.script / cls.files.name, package / cls.files.name)
    inputs = {"image": png(picture())}
    (package / "golden").mkdir()
    (package / "golden" / "sample.json").write_bytes(json_body(inputs))
    models.digest(package)
    return replace(cls, name="picture", service="picture", package=package, script=package, inputs=inputs)
