from io import StringIO
from pathlib import Path

import pytest

from e2e.kind import node_image
from e2e.kind.builder import Builder
from e2e.kind.cache import Cache
from e2e.kind.console import Console
from e2e.kind.errors import SetupError
from e2e.kind.node_image import NodeImage, full_name, local_tag, parse_storage
from e2e.kind.tests.conftest import Calls, Fake
from e2e.kind.versions import UPSTREAM_NODE_IMAGE

SOURCE = """package nodeimage
const storageProvisionerImage = "docker.io/kindest/local-path-provisioner:v1"
const storageHelperImage = "docker.io/kindest/local-path-helper:v2"
const defaultStorageManifest = `
kind: Pod
image: ` + storageProvisionerImage + `
args: [` + storageHelperImage + `]
`
"""


def test_the_storage_manifest_is_taken_from_kinds_source() -> None:
    storage = parse_storage(SOURCE)
    assert storage.provisioner == "docker.io/kindest/local-path-provisioner:v1"
    assert storage.helper == "docker.io/kindest/local-path-helper:v2"
    assert storage.manifest == f"\nkind: Pod\nimage: {storage.provisioner}\nargs: [{storage.helper}]\n"


@pytest.mark.parametrize("gone", ["storageHelperImage", "defaultStorageManifest"])
def test_a_kind_release_of_another_shape_is_a_sentence(gone: str) -> None:
    with pytest.raises(SetupError, match=r"const_storage\.go lacks constants.*adapt parse_storage"):
        parse_storage(SOURCE.replace(gone, "renamed"))


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("debian:bookworm-slim", "docker.io/library/debian:bookworm-slim"),
        ("paddle-serving-kind/pause:v1", "docker.io/paddle-serving-kind/pause:v1"),
        ("registry.k8s.io/pause:3", "registry.k8s.io/pause:3"),
        ("localhost:5000/pause:3", "localhost:5000/pause:3"),
    ],
)
def test_image_names_are_completed_as_containerd_does(short: str, full: str) -> None:
    assert full_name(short) == full


def test_the_local_image_has_another_name_once_its_recipe_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = local_tag()
    recipes = tmp_path / "node"
    recipes.mkdir()
    for recipe in node_image.RECIPES.iterdir():
        (recipes / recipe.name).write_bytes(recipe.read_bytes())
    monkeypatch.setattr(node_image, "RECIPES", recipes)
    assert local_tag() == before
    with (recipes / "node.Dockerfile").open("a") as file:
        file.write("# changed\n")
    assert local_tag() != before


def test_where_a_registry_answers_the_upstream_image_is_used(
    fake: Fake, cache: Cache, console: Console, calls: Calls
) -> None:
    fake("docker", '[ "$1" = pull ] && echo "v1: Pulling from kindest/node" || exit 1')
    image = node_image.ensure(cache, Builder(cache), console)
    assert image == NodeImage(UPSTREAM_NODE_IMAGE, has_network=True, mounts_images=True)
    assert calls.of("docker", "build") == []


def test_where_none_answers_the_image_built_before_is_used(
    fake: Fake, cache: Cache, console: Console, output: StringIO, calls: Calls
) -> None:
    fake(
        "docker",
        f'case "$*" in pull*) echo "no such host"; exit 1 ;; *{UPSTREAM_NODE_IMAGE}) exit 1 ;; *) echo id ;; esac',
    )
    image = node_image.ensure(cache, Builder(cache), console)
    assert image == NodeImage(local_tag(), has_network=False, mounts_images=False)
    assert "no such host" in output.getvalue()
    assert calls.of("docker", "build") == []


def test_too_little_space_for_images_is_a_sentence(
    fake: Fake, cache: Cache, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_image, "NEEDED_GIGABYTES", 1e9)
    answers = f'info) echo \'"{tmp_path}"\' ;; pull) exit 1 ;; image) [ "$5" = debian:bookworm-slim ] && echo id ;;'
    fake("docker", f'case "$1" in {answers} esac')
    with pytest.raises(SetupError, match=f"building the node image: {tmp_path} needs"):
        node_image.ensure(cache, Builder(cache), console)


def test_only_images_of_ours_are_removed(fake: Fake, console: Console, calls: Calls) -> None:
    listed = "kindest/node:v1 debian:bookworm-slim paddle-serving-kind/node:v1 paddle-serving-runtime:0.1.0"
    fake("docker", f'if [ "$2" = ls ]; then printf "%s\\n" {listed}; fi')
    node_image.remove(console)
    assert calls.of("docker", "image", "rm") == ["docker image rm paddle-serving-kind/node:v1"]
