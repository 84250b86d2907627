"""A package arrives the same from every kind of source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.container import example_package
from e2e.lib.image_volumes import image_volumes
from e2e.lib.pods import SCRATCH, Pod
from e2e.lib.reader import reader_of
from e2e.lib.session import CACHE_CLAIM, CACHED, MOUNTED
from e2e.lib.wait import minutes
from tools.documents import command

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

PRICE = '"price"'


def test_a_model_image_and_an_archive_behind_http_give_the_same_answer(given: Given) -> None:
    from_image = given.service("uci-housing").is_healthy()
    from_http = given.service("uci-housing", name="from-http", model=given.model("uci-housing")).is_healthy()
    digests = [service.resource()["status"]["stable"]["modelDigest"] for service in (from_image, from_http)]
    assert digests[0] == digests[1], "the image's package and the store's copy of it are not the same"
    answer = from_image.when.asked("house.json")
    assert PRICE in answer
    assert from_http.when.asked("house.json") == answer


def test_a_model_image_is_mounted_and_nothing_is_copied(given: Given) -> None:
    if lack := image_volumes(given.namespace).lack:
        pytest.skip(lack)
    copied = given.service("uci-housing").is_healthy()
    mounted = given.service("uci-housing", name="mounted", runtime=MOUNTED).is_healthy()
    for pod in mounted.pods():
        assert "initContainers" not in pod["spec"]
        assert [volume["name"] for volume in pod["spec"]["volumes"] if "image" in volume] == ["models"]
    answer = mounted.when.asked("house.json")
    assert PRICE in answer
    assert copied.when.asked("house.json") == answer


def test_a_node_that_cannot_mount_images_is_told_in_a_condition_with_what_to_do(given: Given) -> None:
    kept, unable = image_volumes(given.namespace)
    if not kept or not unable:
        why = "every node can mount images" if kept else "the API server drops image volumes, so that images are copied"
        pytest.skip(f"this cluster has no such node: {why}")
    service = given.service("uci-housing", runtime=MOUNTED)
    says = ("older than containerd 2.1", "set fetch.imageVolumes of the runtime profile to Never")
    service.then.fails("ModelUnavailable", says=says, condition="ModelAvailable", within=minutes(2))


def test_a_model_image_is_copied_where_the_api_server_has_no_image_volumes(given: Given) -> None:
    if image_volumes(given.namespace).kept:
        pytest.skip("the API server of this cluster has image volumes")
    service = given.service("uci-housing", runtime=MOUNTED).is_healthy()
    assert PRICE in service.when.asked("house.json")


def test_a_directory_of_a_persistent_volume_that_was_copied_there(given: Given, tmp_path: Path) -> None:
    given.claim("models")
    writer = Pod("models-writer", ["sleep", "300"], claim="models")
    given.namespace.apply(writer.manifest())
    given.namespace.pod_is_running(writer.name, within=minutes(2))
    package = example_package("uci-housing", tmp_path)
    given.namespace.exec(writer.name, "mkdir", "-p", f"{SCRATCH}/housing")
    copied = {"PACKAGE": str(package), "/volume/ocr-rec/v2": f"{SCRATCH}/housing/v1"}
    reader_of(given.namespace, tmp_path).types(command("docs/model-package.md", "kubectl cp"), copied)
    source = {"pvc": {"claimName": "models", "path": "housing/v1"}}
    service = given.service("uci-housing", model=given.model("uci-housing").with_source(source)).is_healthy()
    assert PRICE in service.when.asked("house.json")


def test_of_two_pods_that_share_a_cache_one_downloads(given: Given) -> None:
    given.claim(CACHE_CLAIM)
    service = given.service("uci-housing", runtime=CACHED, replicas=2, model=given.model("uci-housing")).is_healthy()
    names = [pod["metadata"]["name"] for pod in service.pods()]
    said = [given.namespace.kubectl("logs", name, "-c", "fetch") for name in names]
    assert sorted("taken from the cache" in text for text in said) == [False, True], said
    assert sum("kept in the cache" in text for text in said) == 1, said
    assert PRICE in service.when.asked("house.json")


def test_a_config_map_with_the_files_of_a_small_package(given: Given) -> None:
    files = {path.replace("/", "__"): content for path, content in given.store().files("uci-housing").items()}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "housing"}, "binaryData": files}
    given.namespace.apply(manifest)

    model = given.model("uci-housing").with_source({"configMap": {"name": "housing"}})
    service = given.service("uci-housing", model=model).is_healthy()
    assert PRICE in service.when.asked("house.json")
