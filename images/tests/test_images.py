from __future__ import annotations

import re
from pathlib import Path
from string import Template

import pytest
import yaml

from images.__main__ import build_command
from images.catalogue import ROOT, CatalogueError, read, select

DOCKERFILES = sorted({image.dockerfile for image in read().values()})
COPIED_FROM_CONTEXT = re.compile(r"^COPY (?!--from)(?P<paths>.+)$", re.MULTILINE)


def test_what_an_image_needs_is_built_before_it() -> None:
    names = [image.name for image in select(read(), ["paddle-serving-example-ocr-rec"])]
    assert names == ["paddle-serving-runtime", "paddle-serving-example-ocr-rec"]


def test_the_gpu_image_is_built_only_by_name() -> None:
    assert "paddle-serving-runtime-gpu" not in [image.name for image in select(read(), [])]
    (gpu,) = select(read(), ["paddle-serving-runtime-gpu"])
    assert gpu.reference.endswith("-gpu")
    assert "VARIANT=gpu" in build_command(gpu)


def test_an_unknown_image_is_refused_with_the_known_names() -> None:
    with pytest.raises(CatalogueError, match=r"no image 'serving'.*paddle-serving-runtime"):
        select(read(), ["serving"])


def test_one_version_everywhere() -> None:
    version = yaml.safe_load((ROOT / "images" / "images.yaml").read_text())["version"]
    projects = [ROOT / name / "pyproject.toml" for name in (".", "images/serving", "operator")]
    for project in projects:
        assert f'\nversion = "{version}"\n' in project.read_text(), project
    for chart in ("paddle-serving-operator", "paddle-serving"):
        metadata = yaml.safe_load((ROOT / "charts" / chart / "Chart.yaml").read_text())
        assert (metadata["version"], metadata["appVersion"]) == (version, version), chart


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_final_stage_runs_as_a_numeric_non_root_user(dockerfile: str) -> None:
    last_stage = (ROOT / dockerfile).read_text().rsplit("\nFROM ", 1)[1]
    users = re.findall(r"^USER (.+)$", last_stage, re.MULTILINE)
    assert users[-1:] == ["65532:65532"]


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_builds_with_the_legacy_builder(dockerfile: str) -> None:
    text = (ROOT / dockerfile).read_text()
    assert not re.search(r"RUN --mount|COPY --chmod|COPY --link|<<\s*'?EOF", text)
    assert text.count("\nFROM ") + text.startswith("FROM ") > 1, "one stage only: build tools would stay in the image"


@pytest.mark.parametrize("name", read())
def test_what_a_dockerfile_copies_exists_in_its_context(name: str) -> None:
    image = read()[name]
    text = (ROOT / image.dockerfile).read_text()
    for paths in COPIED_FROM_CONTEXT.findall(text):
        for source in paths.split()[:-1]:
            filled = Template(source).substitute(image.arguments)
            assert (ROOT / image.context / filled).exists(), f"{image.dockerfile}: COPY {source}"


def test_wheels_are_installed_by_hash() -> None:
    for requirements in Path(ROOT).glob("images/serving/requirements-*.txt"):
        lines = [line for line in requirements.read_text().splitlines() if re.match(r"^[a-z]", line)]
        assert lines
        assert requirements.read_text().count("--hash=sha256:") >= len(lines), requirements
