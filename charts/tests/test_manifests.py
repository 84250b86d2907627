"""What holds for every object of every chart, in every scenario of ci/."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes import client

from charts.tests.conftest import validate_published

if TYPE_CHECKING:
    from charts.tests.conftest import Helm, Manifest

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted((ROOT / "charts").glob("*/ci/*-values.yaml"))
PUBLISHED_KINDS = {"GRPCRoute", "HTTPRoute", "PodMonitor", "PrometheusRule", "ScaledObject"}  # by other projects
CUSTOM_KINDS = PUBLISHED_KINDS | {"PaddleService"}  # which Kubernetes itself does not have

each_scenario = pytest.mark.parametrize("values", SCENARIOS, ids=[f"{f.parts[-3]}-{f.stem}" for f in SCENARIOS])


def manifests_of(helm: Helm, values: Path) -> list[Manifest]:
    manifests = helm.template(values.parts[-3], values=values)
    assert manifests
    return manifests


def pods_of(manifests: list[Manifest]) -> list[Manifest]:
    """Pod specs: of pods themselves, and in the templates of what makes pods."""
    whole = [m["spec"] for m in manifests if m["kind"] == "Pod"]
    return whole + [m["spec"]["template"]["spec"] for m in manifests if "template" in m.get("spec", {})]


def containers_of(manifests: list[Manifest]) -> list[Manifest]:
    return [c for pod in pods_of(manifests) for c in pod["containers"] + pod.get("initContainers", [])]


def test_there_are_scenarios_of_both_charts() -> None:
    assert {file.parts[-3] for file in SCENARIOS} == {"paddle-serving", "paddle-serving-operator"}


@each_scenario
def test_helm_lint_has_nothing_to_say(helm: Helm, values: Path) -> None:
    chart = str(values.parents[1])
    result = helm.run("lint", "--strict", "--quiet", "--kube-version", "1.37.0", chart, "--values", str(values))
    assert result.returncode == 0, result.stdout + result.stderr
    assert "WARNING" not in result.stdout


@each_scenario
def test_the_kubernetes_client_knows_every_field(helm: Helm, values: Path) -> None:
    for manifest in manifests_of(helm, values):
        if manifest["kind"] not in CUSTOM_KINDS:
            model: Any = getattr(client, f"V1{manifest['kind']}")
            model.model_validate(manifest)


@each_scenario
@pytest.mark.parametrize("version", ["1.29.0", "1.34.0", "1.37.0"])
def test_kubernetes_validates_every_object(helm: Helm, values: Path, version: str) -> None:
    for manifest in manifests_of(helm, values):
        # The published schema of a CRD's own schema refuses x-kubernetes-* extensions; the API server does not.
        if manifest["kind"] not in CUSTOM_KINDS | {"CustomResourceDefinition"}:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_kinds_of_other_projects_are_what_their_definitions_take(helm: Helm) -> None:
    seen = set()
    for values in SCENARIOS:
        for manifest in manifests_of(helm, values):
            if manifest["kind"] in PUBLISHED_KINDS:
                validate_published(manifest)
                seen.add(manifest["kind"])
    assert seen == PUBLISHED_KINDS


def test_the_definitions_used_here_refuse_unknown_fields(helm: Helm) -> None:
    exposed = ROOT / "charts" / "paddle-serving" / "ci" / "exposed-values.yaml"
    route = copy.deepcopy(helm.template("paddle-serving", values=exposed).one("HTTPRoute"))
    validate_published(route)
    route["spec"]["rules"][0]["backendRefs"][0]["prot"] = 80
    with pytest.raises(jsonschema.ValidationError, match="prot"):
        validate_published(route)


@each_scenario
def test_every_object_names_its_namespace_or_has_none(helm: Helm, values: Path) -> None:
    cluster_wide = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass"}
    for manifest in manifests_of(helm, values):
        assert ("namespace" in manifest["metadata"]) == (manifest["kind"] not in cluster_wide), manifest["metadata"]


@each_scenario
def test_every_container_has_limits_for_cpu_and_memory(helm: Helm, values: Path) -> None:
    for container in containers_of(manifests_of(helm, values)):
        assert {"cpu", "memory"} <= container["resources"]["limits"].keys(), container["name"]


@each_scenario
def test_every_pod_keeps_the_restricted_security_standard(helm: Helm, values: Path) -> None:
    manifests = manifests_of(helm, values)
    for pod in pods_of(manifests):
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] == 65532
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert all(volume.keys() & {"configMap", "emptyDir", "secret"} for volume in pod.get("volumes", []))
    for container in containers_of(manifests):
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert "privileged" not in security


@each_scenario
def test_no_role_has_a_wildcard_or_sees_secrets(helm: Helm, values: Path) -> None:
    for manifest in manifests_of(helm, values):
        for rule in manifest.get("rules", []):
            assert "*" not in str(rule), manifest["metadata"]["name"]
            assert not any(resource.split("/")[0] == "secrets" for resource in rule["resources"])
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])


@each_scenario
def test_every_image_has_a_fixed_tag_or_a_digest(helm: Helm, values: Path) -> None:
    for container in containers_of(manifests_of(helm, values)):
        name, _, tag = container["image"].rpartition("@" if "@" in container["image"] else ":")
        assert name
        assert tag not in ("", "latest")


@pytest.mark.parametrize("chart", ["paddle-serving", "paddle-serving-operator"])
def test_version_and_app_version_are_those_of_the_images(chart: str) -> None:
    version = yaml.safe_load((ROOT / "images" / "images.yaml").read_text())["version"]
    head = yaml.safe_load((ROOT / "charts" / chart / "Chart.yaml").read_text())
    assert (head["version"], head["appVersion"]) == (version, version)
    assert head["kubeVersion"] == ">=1.29.0-0"


@each_scenario
def test_scenarios_say_what_they_are_for(values: Path) -> None:
    assert values.read_text().startswith("# ")


def named(helm: Helm, values: Path, release: str, namespace: str) -> str:
    """What the chart renders for these names, as JSON."""
    chart = str(values.parents[1])
    result = helm.run("template", release, chart, "-n", namespace, "--kube-version", "1.37.0", "--values", str(values))
    assert result.returncode == 0, result.stderr
    return json.dumps([document for document in yaml.safe_load_all(result.stdout) if document])


@each_scenario
@pytest.mark.parametrize("namespace", ["no", "2024"])
def test_names_that_yaml_takes_for_something_else_stay_text(helm: Helm, values: Path, namespace: str) -> None:
    plain = named(helm, values, "x9x", "y9y")
    assert named(helm, values, "on", namespace) == plain.replace("x9x", "on").replace("y9y", namespace)
