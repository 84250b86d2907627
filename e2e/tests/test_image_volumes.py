"""A model image as a volume, on nodes that mount it: nothing is copied or downloaded twice, and what is wrong is told.

`make e2e-image-volumes` runs them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib import answers, measurements
from e2e.lib.cluster import CommandFailed
from e2e.lib.container import example_package
from e2e.lib.given import example
from e2e.lib.image_volumes import image_volumes
from e2e.lib.node_registry import node_registry
from e2e.lib.reference import reference_of
from e2e.lib.session import MOUNTED
from e2e.lib.store import UNKNOWN_DIGEST, Model
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.lib.cluster import Namespace
    from e2e.lib.given import Given

pytestmark = [pytest.mark.e2e, pytest.mark.by_hand]

MODELS = "/models"
WRITABLE = ("/tmp", "/run")  # noqa: S108 - the container's own
ABSENT = "127.0.0.1:1/absent:v1"  # where nobody listens


@pytest.fixture(autouse=True)
def nodes_that_mount_images(namespace: Namespace) -> None:
    if lack := image_volumes(namespace).lack:
        pytest.skip(lack)


def mounts(namespace: Namespace, pod: str) -> dict[str, set[str]]:
    """The options of what is mounted in the serving container, by the folder."""
    lines = namespace.exec(pod, "cat", "/proc/mounts", container="serve").splitlines()
    fields = [line.split() for line in lines]
    return {folder: set(options.split(",")) for _, folder, _, options, *_ in fields}


def housing(source: dict[str, str], digest: str = "") -> Model:
    """uci-housing from a model image."""
    return Model("uci-housing", {"image": source}, digest or example("uci-housing")["spec"]["model"]["digest"])


@pytest.mark.parametrize("name", ["uci-housing", "ocr-rec"])
def test_the_image_itself_is_served_and_answers_as_paddle_inference(given: Given, name: str) -> None:
    started = time.monotonic()
    service = given.service(name, runtime=MOUNTED).is_healthy()
    measurements.record(f"{name}_mounted_apply_to_ready", time.monotonic() - started)

    for pod in service.pods():
        assert "initContainers" not in pod["spec"]
        assert [volume["name"] for volume in pod["spec"]["volumes"] if "image" in volume] == [MODELS.lstrip("/")]
        own = pod["metadata"]["name"]
        options = mounts(given.namespace, own)
        assert "ro" in options[MODELS]
        with pytest.raises(CommandFailed, match="Read-only file system"):
            given.namespace.exec(own, "touch", f"{MODELS}/model/another", container="serve")
        assert all("rw" in options[folder] for folder in WRITABLE)
        find = ("find", *WRITABLE, "-name", "MANIFEST.sha256")
        assert given.namespace.exec(own, *find, container="serve") == "", "the package was copied"

    with service.forwarded() as url:
        for sample, expected in reference_of(given.namespace, name).items():
            response = requests.post(url, data=service.sample(sample), timeout=60).json()
            assert answers.of_response(response) == expected, sample


def test_a_second_pod_of_the_node_downloads_nothing(given: Given, tmp_path: Path) -> None:
    registry = node_registry(given.namespace)
    package = example_package("uci-housing", tmp_path)
    reference = registry.has_model(package, "housing", "/prices/v1")
    pushed = registry.pulls("housing")

    model = housing({"reference": reference, "path": "/prices/v1"})
    service = given.service("uci-housing", runtime=MOUNTED, model=model).is_healthy()
    first = registry.pulls("housing")
    assert any("/blobs/" in request for request in first[len(pushed) :]), first

    started = time.monotonic()
    service.when.scaled_to(2)
    service.then.pods_are_ready(2, within=minutes(2))
    measurements.record("uci-housing_mounted_second_pod", time.monotonic() - started)
    assert registry.pulls("housing") == first


def test_a_wrong_digest_of_a_mounted_image_is_told_and_the_stable_revision_goes_on(given: Given) -> None:
    service = given.service("uci-housing", runtime=MOUNTED).is_healthy()
    answer = service.when.asked("house.json")
    source = service.manifest["spec"]["model"]["source"]["image"]
    service.when.model_is_replaced_by(housing(source, UNKNOWN_DIGEST))
    says = (UNKNOWN_DIGEST, housing(source).digest)
    service.then.fails("DigestMismatch", condition="ModelAvailable", says=says, within=minutes(1))
    assert service.when.asked("house.json") == answer


def test_an_image_that_nobody_has_is_told_and_one_that_is_there_mends_it(given: Given) -> None:
    service = given.service("uci-housing", runtime=MOUNTED, model=housing({"reference": ABSENT}))
    says = (f"Image {ABSENT} of the model cannot be pulled",)
    service.then.fails("ImagePullFailed", condition="ModelAvailable", says=says, within=minutes(1))

    service.when.model_is_replaced_by(housing(example("uci-housing")["spec"]["model"]["source"]["image"]))
    service.is_healthy(though_failed=True)


def test_a_path_that_is_not_in_the_image_is_told(given: Given) -> None:
    source = example("uci-housing")["spec"]["model"]["source"]["image"]
    service = given.service("uci-housing", runtime=MOUNTED, model=housing(source | {"path": "/prices/v2"}))
    says = (f"spec.model.source.image.path of image {source['reference']}",)
    service.then.fails("DigestMismatch", condition="ModelAvailable", says=says, within=minutes(1))
