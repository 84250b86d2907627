"""The runtime for KServe: what KServe's definitions take, and what the runtime's own parser takes."""

from __future__ import annotations

import argparse
import copy
from typing import TYPE_CHECKING

import jsonschema
import pytest
import yaml

from charts.tests.conftest import CHARTS, validate_published
from paddle_serving_runtime.cli import serve

if TYPE_CHECKING:
    from charts.tests.conftest import Manifest

EXAMPLES = CHARTS.parent / "examples"
NAME = "uci-housing"


@pytest.fixture(scope="module")
def runtime() -> Manifest:
    loaded: Manifest = yaml.safe_load((EXAMPLES / "kserve" / "clusterservingruntime.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def service() -> Manifest:
    loaded: Manifest = yaml.safe_load((EXAMPLES / "kserve" / "inferenceservice.yaml").read_text())
    return loaded


def container_of(runtime: Manifest) -> Manifest:
    (container,) = runtime["spec"]["containers"]
    found: Manifest = container
    return found


def arguments(runtime: Manifest, service: Manifest) -> argparse.Namespace:
    """What the container is told: the runtime's arguments, then the service's, with KServe's placeholder filled in."""
    given = [*container_of(runtime)["args"], *service["spec"]["predictor"]["model"]["args"]]
    command, *options = [text.replace("{{.Name}}", service["metadata"]["name"]) for text in given]
    assert command == "serve"
    parser = argparse.ArgumentParser()
    serve.add_arguments(parser)
    return parser.parse_args(options)


def test_kserve_takes_both(runtime: Manifest, service: Manifest) -> None:
    validate_published(runtime)
    validate_published(service)


def test_the_runtime_can_be_of_one_namespace(runtime: Manifest) -> None:
    metadata = runtime["metadata"] | {"namespace": "models"}
    validate_published(runtime | {"kind": "ServingRuntime", "metadata": metadata})


def test_kserve_refuses_what_it_does_not_know(runtime: Manifest) -> None:
    wrong = copy.deepcopy(runtime)
    container_of(wrong)["arguments"] = []
    with pytest.raises(jsonschema.ValidationError, match="arguments"):
        validate_published(wrong)


def test_the_service_asks_for_a_format_that_the_runtime_is_chosen_for(runtime: Manifest, service: Manifest) -> None:
    model = service["spec"]["predictor"]["model"]
    chosen = [one for one in runtime["spec"]["supportedModelFormats"] if one.get("autoSelect")]
    assert [{"name": one["name"], "version": one["version"]} for one in chosen] == [model["modelFormat"]]
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]


def test_the_container_serves_what_kserve_mounts_under_the_services_name(runtime: Manifest, service: Manifest) -> None:
    told = arguments(runtime, service)
    assert (str(told.model_dir), told.name) == ("/mnt/models", NAME)
    container = container_of(runtime)
    assert [port["containerPort"] for port in container["ports"]] == [told.http_port]
    assert container["readinessProbe"]["httpGet"] == {"path": "/v2/health/ready", "port": told.http_port}
    assert runtime["spec"]["annotations"]["prometheus.kserve.io/port"] == str(told.admin_port)


def test_what_is_served_is_the_example_by_its_digest(runtime: Manifest, service: Manifest) -> None:
    resource = yaml.safe_load((EXAMPLES / f"{NAME}.yaml").read_text())
    assert arguments(runtime, service).digest == resource["spec"]["model"]["digest"]


def test_the_image_is_that_of_the_list_of_images(runtime: Manifest) -> None:
    images = yaml.safe_load((CHARTS.parent / "images" / "images.yaml").read_text())
    assert container_of(runtime)["image"] == f"paddle-serving-runtime:{images['version']}"


def test_the_pod_keeps_the_restricted_security_standard(runtime: Manifest) -> None:
    security = container_of(runtime)["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    mounted = {mount["mountPath"] for mount in container_of(runtime)["volumeMounts"]}
    assert mounted == {"/tmp", "/run"}  # noqa: S108 - mount paths
