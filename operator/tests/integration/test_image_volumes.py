"""Model images as volumes, with an API server that has them and one that drops them without a word."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from paddle_serving_operator.constants import DEPLOYMENT

from .control_plane import ControlPlane, Object
from .spy import Operator
from .world import World, digest

pytestmark = pytest.mark.integration

IMAGE = {"reference": "registry.example.com/ocr:v2", "path": "/model"}
ASKED = "dry run Deployment"


@pytest.fixture(scope="module")
def mounting_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane with the feature gate, which is on by default from Kubernetes 1.35."""
    plane = ControlPlane(tmp_path_factory.mktemp("mounting"))
    try:
        plane.start(api_server=["--feature-gates=ImageVolume=true"])
        yield plane
    finally:
        plane.stop()


@pytest.fixture
def mounting(mounting_plane: ControlPlane) -> Iterator[World]:
    made = World(mounting_plane)
    yield made
    made.close()


def served(world: World) -> tuple[Operator, Object]:
    """A service whose model is an image, served by an operator that mounts it if it can; and its Deployment."""
    world.profiles = {name: replace(profile, image_volumes=True) for name, profile in world.profiles.items()}
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", {"model": {"digest": digest("a"), "source": {"image": IMAGE}}})
    operator = Operator(world, "ocr")
    operator.until_healthy()
    (deployment,) = world.every(DEPLOYMENT)
    return operator, deployment


def test_an_image_is_mounted_where_the_api_server_keeps_such_volumes(mounting: World) -> None:
    operator, deployment = served(mounting)
    (pod,) = mounting.pods()
    for spec in (deployment["spec"]["template"]["spec"], pod["spec"]):
        assert {"name": "models", "image": IMAGE_VOLUME} in spec["volumes"]
        (container,) = spec["containers"]
        assert {"name": "models", "mountPath": "/models", "readOnly": True} in [
            {key: mount[key] for key in ("name", "mountPath", "readOnly") if key in mount}
            for mount in container["volumeMounts"]
        ]
        assert container["args"][:3] == ["serve", "--model-dir", "/models/model"]
        assert "initContainers" not in spec
    operator.until_at_rest()
    assert operator.spy.reads.count(ASKED) == 1
    assert mounting.every(DEPLOYMENT) == [deployment | {"status": mounting.every(DEPLOYMENT)[0]["status"]}]


def test_an_image_is_copied_where_the_api_server_drops_such_volumes(world: World) -> None:
    operator, deployment = served(world)
    spec = deployment["spec"]["template"]["spec"]
    assert [container["name"] for container in spec["initContainers"]] == ["model", "fetch"]
    assert {"models", "store"} <= {volume["name"] for volume in spec["volumes"] if "emptyDir" in volume}
    operator.until_at_rest()
    assert operator.spy.reads.count(ASKED) == 1


IMAGE_VOLUME = {"reference": IMAGE["reference"], "pullPolicy": "IfNotPresent"}
