"""Renders the charts with the real helm, and reads what comes out."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from e2e import published_definitions
from tools.manifests import read_all

CHARTS = Path(__file__).resolve().parents[1]
NEWEST_KUBERNETES = "1.37.0"

Manifest = dict[str, Any]


class Manifests(list[Manifest]):
    """What a chart renders."""

    def one(self, kind: str) -> Manifest:
        """The only manifest of a kind."""
        found = [manifest for manifest in self if manifest["kind"] == kind]
        assert len(found) == 1, f"{len(found)} manifests of kind {kind}"
        return found[0]


@dataclass(frozen=True)
class Helm:
    """The helm program, asked for manifests and for refusals."""

    program: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The finished process; nothing is judged."""
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, timeout=120, check=False)

    def template(self, chart: str, *options: str, values: Path | None = None) -> Manifests:
        """The manifests of a chart, hooks included, as Kubernetes would read them."""
        file = ("--values", str(values)) if values else ()
        return Manifests(json.loads(text) for text in rendered(self, chart, (*file, *options)))

    def refusal(self, chart: str, *options: str, values: Path | None = None) -> str:
        """What helm says when it refuses to render; fails the test where it renders."""
        file = ("--values", str(values)) if values else ()
        result = self.run(*template_arguments(chart), *file, *options)
        assert result.returncode != 0, f"helm rendered {chart} with {options}"
        return result.stderr


def template_arguments(chart: str) -> list[str]:
    name = "ocr" if chart == "paddle-serving" else "paddle-serving-operator"
    return ["template", name, str(CHARTS / chart), "--namespace", "paddle-system", "--kube-version", NEWEST_KUBERNETES]


@functools.cache
def rendered(helm: Helm, chart: str, options: tuple[str, ...]) -> tuple[str, ...]:
    result = helm.run(*template_arguments(chart), *options)
    assert result.returncode == 0, result.stderr
    return tuple(json.dumps(manifest) for manifest in read_all(result.stdout))


@pytest.fixture(scope="session", params=["helm", "helm4"])
def helm(request: pytest.FixtureRequest) -> Helm:
    """Helm 3, and Helm 4 as helm4."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    cache = Path(os.environ.get("PADDLE_SERVING_CACHE") or f"{base}/paddle-serving")
    # What `make cluster-tools` built is a known release, so it comes before whatever PATH has.
    program = shutil.which(request.param, path=f"{cache}/kind/bin") or shutil.which(request.param)
    if program is None:
        pytest.fail(f"{request.param} is not on PATH and has not been built. Run `make cluster-tools` once.")
    return Helm(program)


@pytest.fixture(scope="session")
def crd() -> Manifest:
    """The definition of PaddleService, from its only file."""
    file = CHARTS / "paddle-serving-operator" / "files" / "crds" / "paddleservices.yaml"
    loaded: Manifest = yaml.safe_load(file.read_text())
    return loaded


@pytest.fixture(scope="session")
def strict_schema(crd: Manifest) -> Manifest:
    """JSON schema of a PaddleService as the API server applies it with strict field validation, CEL rules aside."""
    schema: Manifest = closed(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    return schema


@functools.cache
def published_validators() -> dict[tuple[str, str], jsonschema.Draft7Validator]:
    """By apiVersion and kind, with strict field validation, CEL rules aside: kinds that other projects define."""
    return {
        kind: jsonschema.Draft7Validator(closed(schema)) for kind, schema in published_definitions.schemas().items()
    }


def validate_published(manifest: Manifest) -> None:
    """Raises jsonschema.ValidationError where the kind's published definition refuses the manifest."""
    published_validators()[manifest["apiVersion"], manifest["kind"]].validate(manifest)


@dataclass(frozen=True)
class Golden:
    """Reviewed manifests; with UPDATE_GOLDEN=1 in the environment they are written instead of compared."""

    folder: Path

    def check(self, name: str, manifests: Manifests) -> None:
        """Fails the test where `manifests` differ from the file `name`."""
        file = self.folder / name
        if os.environ.get("UPDATE_GOLDEN"):
            file.write_text(yaml.safe_dump_all(manifests))
        reviewed = list(yaml.safe_load_all(file.read_text()))
        assert manifests == reviewed, f"{name}: run with UPDATE_GOLDEN=1 and review the difference."


@pytest.fixture(scope="session")
def golden() -> Golden:
    return Golden(Path(__file__).parent / "golden")


def closed(node: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """A structural schema in plain JSON schema's words: unknown fields refused, int-or-string spelt out."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: closed(value) for key, value in node.items()}
    free = node.get("x-kubernetes-preserve-unknown-fields") is True
    if isinstance(node.get("properties"), dict) and node.get("type") == "object" and not free:
        copy.setdefault("additionalProperties", False)
    if node.get("x-kubernetes-int-or-string") is True:
        copy["type"] = ["integer", "string"]
    return copy
