"""What tests put into a cluster: upstream's images where a registry answers, else our own; charts from Go modules."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from e2e.kind import base_image, images
from e2e.kind.builder import Builder, Module
from e2e.kind.cache import Cache
from e2e.kind.cluster import Cluster
from e2e.kind.console import Console, Step
from e2e.kind.docker import build, image_id, last_line, pull
from e2e.kind.node_image import HASH_LENGTH, REPOSITORY, link
from e2e.kind.process import logged
from e2e.kind.tools import program

RECIPES = Path(__file__).parent / "addons"
HELM_WITHIN = "5m"


@dataclass(frozen=True)
class Setup:
    """What an add-on is made with, and the cluster that it goes into."""

    cluster: Cluster
    cache: Cache
    builder: Builder
    console: Console


@dataclass(frozen=True)
class Image:
    """A program that runs in the cluster: upstream's image of it, and the name of what is built in its place."""

    name: str
    version: str
    upstream: str

    @property
    def recipe(self) -> Path:
        """The Dockerfile, which takes a file of the program's name from its context."""
        return RECIPES / f"{self.name}.Dockerfile"

    @property
    def local(self) -> str:
        """The name of the image that is built here; another recipe makes another name."""
        digest = hashlib.sha256(self.recipe.read_bytes()).hexdigest()
        return f"{REPOSITORY}/{self.name}:{self.version}-{digest[:HASH_LENGTH]}"


@dataclass(frozen=True)
class Chart:
    """A chart that lies in a Go module, which Go checks against its checksum database."""

    module: Module
    folder: str


def ensure_image(image: Image, make: Callable[[Step], Path], setup: Setup) -> str:
    """Puts the image into every node, `make` gives the program where it has to be built. Returns the image's name.

    Raises SetupError and CommandError.
    """
    name = next((name for name in (image.upstream, image.local) if image_id(name)), "")
    if not name:
        with setup.console.step(f"image {image.name}") as step:
            log = setup.cache.log(image.name)
            if pull(image.upstream, log, step):
                name = step.result = image.upstream
            else:
                step.result = f"{image.upstream} is not available from a registry ({last_line(log)})"
    if not name:
        base_image.ensure(setup.cache, setup.console)
        with setup.console.step(f"image {image.name}") as step:
            name = image.local
            _build(image, make(step), setup.cache, step)
            step.result = f"built as {name}"
    images.load([name], setup.cluster, setup.console)
    return name


def _build(image: Image, made: Path, cache: Cache, step: Step) -> None:
    step.doing = f"building the image {image.local}"
    context = cache.workspace(f"image-{image.name}")
    link(made, context / image.name)
    build(image.local, image.recipe, context, cache.log(image.name))
    shutil.rmtree(context)


def ensure_chart(chart: Chart, setup: Setup) -> Path:
    """The chart's folder in the cache. Raises CommandError and SetupError."""
    path = setup.cache.built / f"{chart.module.name}-chart-{chart.module.version}"

    def finish(part: Path) -> None:
        source = setup.builder.source(chart.module, setup.cache.log(path.name))
        shutil.copytree(source / chart.folder, part)
        # where upstream fills its values in before it publishes the chart; whoever installs it sets them
        for template in part.glob("values.tmpl.yaml"):
            template.rename(part / "values.yaml")

    with setup.console.step(path.name) as step:
        made = setup.cache.artefact(path, finish)
        step.result = f"from {chart.module.pinned}" if made else "in the cache"
    return path


def helm_install(release: str, namespace: str, chart: Path, values: Path, setup: Setup) -> None:
    """Installs or upgrades a release and waits until it is ready. Raises CommandError."""
    where = ["--kubeconfig", str(setup.cluster.kubeconfig), "--namespace", namespace, "--create-namespace"]
    helm: list[str | Path] = [program("helm", setup.cache), "upgrade", "--install", release, chart, *where]
    with setup.console.step(release) as step:
        step.doing = f"installing {release}"
        logged([*helm, "--values", values, "--wait", "--timeout", HELM_WITHIN], setup.cache.log(f"{release}-install"))
        step.result = f"installed in namespace {namespace}"
