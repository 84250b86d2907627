"""A package arrives the same from every kind of source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
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


def test_a_directory_of_a_persistent_volume(given: Given) -> None:
    given.claim_with("uci-housing", claim="models", folder="housing/v1")
    source = {"pvc": {"claimName": "models", "path": "housing/v1"}}
    service = given.service("uci-housing", model=given.model("uci-housing").with_source(source)).is_healthy()
    assert PRICE in service.when.asked("house.json")


def test_a_config_map_with_the_files_of_a_small_package(given: Given) -> None:
    files = {path.replace("/", "__"): content for path, content in given.store().files("uci-housing").items()}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "housing"}, "binaryData": files}
    given.namespace.apply(manifest)

    model = given.model("uci-housing").with_source({"configMap": {"name": "housing"}})
    service = given.service("uci-housing", model=model).is_healthy()
    assert PRICE in service.when.asked("house.json")
