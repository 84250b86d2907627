from io import StringIO
from pathlib import Path

import pytest

from e2e.kind import containerd, node_image
from e2e.kind.builder import Builder
from e2e.kind.cache import Cache
from e2e.kind.console import Console
from e2e.kind.node_image import NodeImage
from e2e.kind.tests.conftest import Calls, Fake
from e2e.kind.versions import CONTAINERD, UPSTREAM_NODE_IMAGE

BELOW = node_image.local_tag()
# an engine without a registry, which has the images whose names are lines of the file
ENGINE = """case "$*" in
  pull*) echo "no such host"; exit 1 ;;
  "image inspect"*) for last; do :; done; grep -qx "$last" {names} && echo sha256:aaa ;;
  "image ls"*) cat {names} ;;
esac"""


@pytest.fixture
def engine(fake: Fake, tmp_path: Path) -> Path:
    """The file with the names of the images that it has."""
    names = tmp_path / "names"
    names.write_text(f"{BELOW}\n")
    fake("docker", ENGINE.format(names=names))
    return names


@pytest.fixture
def programs(cache: Cache) -> list[Path]:
    """What was built before."""
    made = [cache.built / f"{name}-{CONTAINERD}" for name in containerd.PROGRAMS]
    for path in made:
        path.write_text(path.name)
    return made


@pytest.mark.usefixtures("engine", "programs")
def test_its_programs_are_put_on_the_node_image_that_is_built_here(
    cache: Cache, console: Console, calls: Calls
) -> None:
    image = containerd.ensure(cache, Builder(cache), console)
    assert image == NodeImage(containerd.local_tag(BELOW), has_network=False, mounts_images=True)
    (build,) = calls.of("docker", "build")
    assert f"--tag {image.name} " in build
    assert f"--build-arg NODE_IMAGE={BELOW}" in build


@pytest.mark.usefixtures("programs")
def test_an_image_that_is_there_is_used_and_older_ones_of_it_go_when_another_is_built(
    cache: Cache, console: Console, calls: Calls, engine: Path
) -> None:
    made = containerd.local_tag(BELOW)
    engine.write_text(f"{BELOW}\n{made}\n")
    assert containerd.ensure(cache, Builder(cache), console).name == made
    assert calls.of("docker", "build") == []

    engine.write_text(f"{BELOW}\n{containerd.IMAGE_REPOSITORY}:older\n")
    containerd.ensure(cache, Builder(cache), console)
    assert calls.of("docker", "image", "rm") == [f"docker image rm {containerd.IMAGE_REPOSITORY}:older"]


def test_where_a_registry_answers_upstreams_image_does(
    fake: Fake, cache: Cache, console: Console, calls: Calls, output: StringIO
) -> None:
    fake("docker", '[ "$1" = pull ] && echo "v1: Pulling from kindest/node" || exit 1')
    image = containerd.ensure(cache, Builder(cache), console)
    assert image.name == UPSTREAM_NODE_IMAGE
    assert calls.of("docker", "build") == []
    assert "containerd" not in output.getvalue()


def test_another_node_image_below_makes_another_name() -> None:
    assert containerd.local_tag("node:a") != containerd.local_tag("node:b")
