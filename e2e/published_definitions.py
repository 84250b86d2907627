"""Schemas of kinds that other projects define, from the Go modules that they publish, into e2e/kind's cache.

`python -m e2e.published_definitions` fetches those that are missing and prints where they are.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from e2e.kind.builder import Builder, Module
from e2e.kind.cache import Cache, cache_folder, discard
from e2e.kind.console import Console
from e2e.kind.errors import SetupError

if TYPE_CHECKING:
    from pathlib import Path

Schema = dict[str, Any]


@dataclass(frozen=True)
class Publication:
    """A module, and the files inside it that are definitions of custom resources."""

    module: Module
    folder: str
    files: tuple[str, ...]


PUBLICATIONS = (
    Publication(
        Module("keda", "v2.21.0", "github.com/kedacore/keda/v2"), "config/crd/bases", ("keda.sh_scaledobjects.yaml",)
    ),
    Publication(
        Module("prometheus-operator", "v0.85.0", "github.com/prometheus-operator/prometheus-operator"),
        "example/prometheus-operator-crd",
        ("monitoring.coreos.com_podmonitors.yaml", "monitoring.coreos.com_prometheusrules.yaml"),
    ),
    Publication(
        Module("gateway-api", "v1.6.3", "sigs.k8s.io/gateway-api"),
        "config/crd/standard",
        ("gateway.networking.k8s.io_httproutes.yaml", "gateway.networking.k8s.io_grpcroutes.yaml"),
    ),
    Publication(
        Module("kserve", "v0.20.0", "github.com/kserve/kserve"),
        "config/crd/full",
        (
            "serving.kserve.io_servingruntimes.yaml",
            "serving.kserve.io_clusterservingruntimes.yaml",
            "serving.kserve.io_inferenceservices.yaml",
        ),
    ),
)


def schemas() -> dict[tuple[str, str], Schema]:
    """The OpenAPI schema by apiVersion and kind, of all that were fetched. Raises SetupError where some were not."""
    cache = Cache(cache_folder(os.environ))
    missing = [one.module.pinned for one in PUBLICATIONS if not _place(cache, one).exists()]
    if missing:
        raise SetupError(f"The definitions of {', '.join(missing)} have not been fetched. Run `make definitions` once.")
    found: dict[tuple[str, str], Schema] = {}
    for one in PUBLICATIONS:
        for file in sorted(_place(cache, one).iterdir()):
            for served in json.loads(file.read_text()):
                found[served["apiVersion"], served["kind"]] = served["schema"]
    return found


def fetch() -> Path:
    """Fetches what is missing. Returns the folder that has all. Raises SetupError where a module cannot be had."""
    cache, console = Cache(cache_folder(os.environ)), Console()
    if all(_place(cache, one).exists() for one in PUBLICATIONS):
        return cache.built
    cache.prepare()
    with cache.lock(console):
        builder = Builder(cache)
        for one in PUBLICATIONS:
            with console.step(f"definitions of {one.module.name} {one.module.version}") as step:
                made = cache.artefact(_place(cache, one), partial(_write, builder, one))
                step.result = "fetched" if made else "in the cache"
        for folder in builder.leftovers():
            discard(folder)
    return cache.built


def _place(cache: Cache, publication: Publication) -> Path:
    return cache.built / f"definitions-{publication.module.name}-{publication.module.version}"


def _write(builder: Builder, publication: Publication, folder: Path) -> None:
    name = f"definitions-{publication.module.name}"
    source = builder.source(publication.module, builder.cache.log(name)) / publication.folder
    folder.mkdir()
    for file in publication.files:
        definition = yaml.load((source / file).read_text(), Loader=yaml.CSafeLoader)
        (folder / f"{file.removesuffix('.yaml')}.json").write_text(json.dumps(_served(definition)))


def _served(definition: dict[str, Any]) -> list[dict[str, Any]]:
    spec = definition["spec"]
    return [
        {
            "apiVersion": f"{spec['group']}/{version['name']}",
            "kind": spec["names"]["kind"],
            "schema": version["schema"]["openAPIV3Schema"],
        }
        for version in spec["versions"]
        if version["served"]
    ]


if __name__ == "__main__":
    try:
        print(fetch())
    except SetupError as error:
        sys.exit(f"error: {error}")
