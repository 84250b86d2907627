"""`make push`, `make package` and `make bundle` against a real registry on loopback (needs no cluster)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from e2e.lib.cluster import ROOT, run
from e2e.lib.pods import image
from e2e.registry import Registry, registry
from release import charts, plugin
from tools.documents import Block, command, replaced, snippet
from tools.typed import typed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

PAGE = "docs/air-gapped.md"
OPERATOR, MODEL = "paddle-serving-operator", "paddle-serving-example-ocr-rec"
RUNTIME = "paddle-serving-runtime"  # which MODEL needs, so that it is pushed with it
PUSH_SECONDS = 300.0
BUNDLE_SECONDS = 500.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    assert shutil.which("docker-registry"), "docker-registry is missing: make registry"
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return charts.package(tmp_path_factory.mktemp("charts"))


def test_charts_come_back_from_the_registry_as_they_went(store: Registry, archives: list[Path], tmp_path: Path) -> None:
    for address in charts.push(archives, f"{store.address}/ml"):
        run(["helm", "pull", address, "--version", "0.1.0", "--plain-http", "--destination", str(tmp_path)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in archives
    }


@pytest.mark.parametrize("helm", ["helm", "helm4"])
def test_a_chart_of_the_registry_renders_the_pushed_images_by_digest(
    helm: str, store: Registry, archives: list[Path], tmp_path: Path
) -> None:
    assert shutil.which(helm), f"{helm} is missing: make cluster-tools"
    digest = "sha256:" + "a" * 64
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump({"imageRegistry": f"{store.address}/ml", "image": {"digest": digest}}))
    (operator, _) = charts.push(archives, f"{store.address}/ml")
    rendered = run([helm, "template", "o", operator, "--version", "0.1.0", "--plain-http", "--values", str(values)])
    assert f"{store.address}/ml/{OPERATOR}@{digest}" in rendered


def test_pushed_images_are_pulled_by_the_digests_of_the_values_file(store: Registry) -> None:
    some = f"{store.address}/ml TAGS='0.1.0 latest' IMAGES='{OPERATOR} {MODEL}'"
    push = command("README.md", "make push").replaced({"registry.example.com/ml": some})
    typed(push.text, seconds=PUSH_SECONDS)
    values = yaml.safe_load((ROOT / "build" / "push" / "values.yaml").read_text())
    digest = values["image"]["digest"]
    assert [store.digest(f"ml/{OPERATOR}", tag) for tag in ("0.1.0", "latest")] == [digest] * 2
    assert values["profiles"]["cpu"]["image"]["digest"] == store.digest(f"ml/{RUNTIME}", "latest")
    service = yaml.safe_load((ROOT / "build" / "push" / "ocr-rec.yaml").read_text())
    reference = service["spec"]["model"]["source"]["image"]["reference"]
    assert reference == f"{store.address}/ml/{MODEL}@{store.digest(f'ml/{MODEL}', '0.1.0')}"
    for name in (f"{store.address}/ml/{OPERATOR}@{digest}", reference):
        run(["docker", "pull", "--quiet", name], timeout=PUSH_SECONDS)
    identity = ["docker", "image", "inspect", "--format", "{{.Id}}"]
    assert run([*identity, reference]) == run([*identity, image(MODEL)])


def test_a_registry_that_nobody_answers_for_is_told_in_a_sentence() -> None:
    command = [sys.executable, "-m", "release", "push", "--registry", "127.0.0.1:1/ml", OPERATOR]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PUSH_SECONDS, check=False)
    assert done.returncode == 1
    assert re.search(
        r"^error: `docker push 127\.0\.0\.1:1/ml/.*does it reach the registry\?$", done.stderr, re.MULTILINE
    )


@pytest.mark.timeout(BUNDLE_SECONDS + PUSH_SECONDS)
def test_a_bundle_carries_all_that_a_cluster_without_the_internet_needs(store: Registry, tmp_path: Path) -> None:
    make = command(PAGE, "make bundle").replaced({"make bundle": f"make bundle IMAGES={OPERATOR}"})
    bundle = Path(typed(make.text, seconds=BUNDLE_SECONDS).splitlines()[-1])
    shutil.move(bundle, tmp_path)
    typed("\n".join(block.text for block in loaded_and_pushed(store)), folder=tmp_path, more=login_of(tmp_path))
    folder = tmp_path / "paddle-serving-0.1.0"
    document = json.loads((folder / "sbom" / f"{OPERATOR}-0.1.0.spdx.json").read_text())
    packages = {package["name"] for package in document["packages"]}
    assert (document["spdxVersion"], {"kopf", "libc6"} - packages) == ("SPDX-2.3", set())
    assert yaml.safe_load((folder / "pushed" / "values.yaml").read_text()) == {
        "imageRegistry": f"{store.address}/ml",
        "image": {"digest": store.digest(f"ml/{OPERATOR}", "0.1.0")},
    }


def loaded_and_pushed(store: Registry) -> list[Block]:
    """What is typed on the machine that reaches the registry, where this one takes whatever name and password."""
    here = {"registry.internal:5000": store.address}
    return [
        command(PAGE, "tar -xf"),
        command(PAGE, "sha256sum"),
        command(PAGE, "docker load"),
        command(PAGE, "docker login").replaced(here | {"login": "login --username somebody --password secret"}),
        command(PAGE, "python3 push.py").replaced(here),
    ]


def login_of(folder: Path) -> dict[str, str]:
    """Variables with which Docker's client keeps passwords in that folder."""
    return {"DOCKER_CONFIG": str(folder / "docker")}


@pytest.mark.parametrize(
    ("block", "folder", "copied"),
    [
        (command("docs/model-package.md", "docker build -t"), ".", "COPY PACKAGE "),
        (command("docs/migration.md", "docker build -t"), "PACKAGE", "COPY . "),
    ],
    ids=["model-package", "migration"],
)
def test_a_package_is_pushed_as_an_image(
    block: Block, folder: str, copied: str, store: Registry, tmp_path: Path
) -> None:
    (tmp_path / "PACKAGE").mkdir()
    (tmp_path / "PACKAGE" / "web_service.py").write_text("print()\n")
    # the tests know no registry that has busybox
    by = {"FROM busybox": "FROM debian:bookworm-slim", "COPY PACKAGE ": copied}
    (tmp_path / "Dockerfile").write_text(replaced(snippet("docs/model-package.md", "dockerfile"), by, PAGE))
    typed(block.replaced({"registry.example.com": store.address}).text, folder=tmp_path / folder)
    assert store.digest("models/ocr-rec", block.text.rpartition(":")[2]).startswith("sha256:")
    name = f"{store.address}/models/ocr-rec:{block.text.rpartition(':')[2]}"
    listing = run(["docker", "run", "--rm", "--entrypoint", "ls", name, "/model"])
    assert listing.split() == ["web_service.py"]


IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
from paddle_serving_operator import plugin
names = [module.name for module in pkgutil.walk_packages(plugin.__path__, plugin.__name__ + ".")]
print([importlib.import_module(name).__name__ for name in names])
"""


def alone(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """The finished process, which finds this Python and nothing else of this environment."""
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=PUSH_SECONDS, check=False
    )


def test_the_plugin_is_one_file_that_needs_python_alone(tmp_path: Path) -> None:
    program = tmp_path / "kubectl-paddle"
    plugin.build(program)
    asked = alone([str(program), "--help"], tmp_path)
    assert asked.stdout.startswith("Usage: kubectl paddle"), asked.stderr
    imported = alone([sys.executable, "-I", "-S", "-c", IMPORT_ALL, str(program)], tmp_path)
    assert "paddle_serving_operator.plugin.live" in imported.stdout, imported.stderr
