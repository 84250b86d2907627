from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from paddle_serving_operator import constants
from paddle_serving_operator.observe.mirror import PAGE_KINDS
from paddle_serving_operator.settings import read_profiles

if TYPE_CHECKING:
    from charts.tests.conftest import Golden, Helm, Manifest

ROOT = Path(__file__).resolve().parents[2]
CHART = "paddle-serving-operator"
CI = ROOT / "charts" / CHART / "ci"


def image_references() -> dict[str, str]:
    """repository:tag of every image by its name in images/images.yaml."""
    document = yaml.safe_load((ROOT / "images" / "images.yaml").read_text())
    return {
        name: f"{image.get('repository', name)}:{image['tag'].format(version=document['version'])}"
        for name, image in document["images"].items()
    }


def environment_of(deployment: Manifest) -> dict[str, str]:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {variable["name"]: variable["value"] for variable in container["env"]}


def profiles_of(helm: Helm, *options: str) -> Manifest:
    config = helm.template(CHART, "--no-hooks", *options).one("ConfigMap")
    profiles: Manifest = yaml.safe_load(config["data"]["profiles.yaml"])
    return profiles


def test_default_values_render_the_reviewed_manifests(helm: Helm, golden: Golden) -> None:
    golden.check(f"{CHART}.yaml", helm.template(CHART, "--no-hooks", "--set", "crds.enabled=false"))


def test_one_operator_runs_and_never_beside_its_successor(helm: Helm) -> None:
    spec = helm.template(CHART).one("Deployment")["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_images_are_those_of_the_list_of_images(helm: Helm) -> None:
    images = image_references()
    pod = helm.template(CHART).one("Deployment")["spec"]["template"]["spec"]
    profiles = profiles_of(helm)
    assert pod["containers"][0]["image"] == images["paddle-serving-operator"]
    assert profiles["cpu"]["image"] == images["paddle-serving-runtime"]
    assert profiles["gpu"]["image"] == images["paddle-serving-runtime-gpu"]
    assert profiles["vision"]["image"] == images["paddle-serving-runtime-vision"]


@pytest.mark.parametrize(
    ("options", "image"),
    [
        (["imageRegistry=registry.example.com/ml"], "registry.example.com/ml/paddle-serving-operator:0.1.0"),
        (
            ["imageRegistry=a.example.com", "image.registry=b.example.com"],
            "b.example.com/paddle-serving-operator:0.1.0",
        ),
        (["image.tag=v2"], "paddle-serving-operator:v2"),
        (["image.tag=v2", f"image.digest=sha256:{'0f' * 32}"], f"paddle-serving-operator@sha256:{'0f' * 32}"),
    ],
)
def test_digest_wins_over_tag_and_tag_over_app_version(helm: Helm, options: list[str], image: str) -> None:
    deployment = helm.template(CHART, *(f"--set={option}" for option in options)).one("Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image


def test_a_registry_applies_to_every_image(helm: Helm) -> None:
    manifests = helm.template(CHART, "--set", "imageRegistry=registry.example.com")
    pods = [manifests.one("Deployment")["spec"]["template"]["spec"], manifests.one("Pod")["spec"]]
    images = [pod["containers"][0]["image"] for pod in pods]
    profiles = profiles_of(helm, "--set", "imageRegistry=registry.example.com")
    images += [profile["image"] for profile in profiles.values()]
    assert len(images) == 5
    assert all(image.startswith("registry.example.com/paddle-serving-") for image in images)


@pytest.mark.parametrize("scenario", ["default", "full", "namespaced"])
def test_the_operator_can_read_its_profiles(helm: Helm, tmp_path: Path, scenario: str) -> None:
    manifests = helm.template(CHART, "--no-hooks", values=CI / f"{scenario}-values.yaml")
    (config,) = (one for one in manifests if one["metadata"]["name"].endswith("-profiles"))
    file = tmp_path / "profiles.yaml"
    file.write_text(config["data"]["profiles.yaml"])
    profiles = read_profiles(file)
    assert profiles.keys() >= {"cpu", "gpu", "vision"}
    assert all(profile.limits["cpu"] and profile.limits["memory"] for profile in profiles.values())


def test_profile_gpu_asks_for_one_card_and_leaves_its_choice_to_the_device_plugin(helm: Helm) -> None:
    gpu = profiles_of(helm)["gpu"]
    assert gpu["runtimeClassName"] == "nvidia"
    assert gpu["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert gpu["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert [variable["name"] for variable in gpu["env"]] == ["NVIDIA_DRIVER_CAPABILITIES"]


def test_a_profile_can_be_added_and_the_gpu_profile_removed(helm: Helm) -> None:
    large = ["image.repository=runtime", "resources.limits.cpu=16", "resources.limits.memory=34359738368"]
    options = [f"--set=profiles.large.{value}" for value in large]
    profiles = profiles_of(helm, "--set=profiles.gpu=null", *options)
    assert sorted(profiles) == ["cpu", "large", "vision"]
    assert profiles["large"]["resources"]["limits"] == {"cpu": "16", "memory": "34359738368"}


def test_a_change_of_the_profiles_restarts_the_operator(helm: Helm) -> None:
    def checksum(*options: str) -> str:
        template = helm.template(CHART, *options).one("Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum() == checksum("--set", "workers=8")
    assert checksum() != checksum("--set", "profiles.cpu.resources.limits.cpu=3")


def test_the_operator_is_told_its_settings(helm: Helm) -> None:
    deployment = helm.template(CHART, "--set=workers=8", "--set=logLevel=DEBUG").one("Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert environment_of(deployment) == {
        "PROFILES_FILE": "/etc/paddle-serving/profiles.yaml",
        "WATCH_NAMESPACES": "",
        "WORKERS": "8",
        "LOG_LEVEL": "DEBUG",
    }
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert mounts["/etc/paddle-serving"]["readOnly"] is True
    assert "/tmp" in mounts  # noqa: S108 - a mount path
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["ports"] == [{"name": "health", "containerPort": 8080}]


def test_the_page_is_off_unless_it_is_asked_for(helm: Helm) -> None:
    manifests = helm.template(CHART, "--no-hooks")
    assert "Service" not in {manifest["kind"] for manifest in manifests}
    assert "PAGE_ENDPOINT" not in environment_of(manifests.one("Deployment"))


@pytest.mark.parametrize("options", [["page.port=9000"], ["page.port=9000", "fullnameOverride=" + "a" * 63]])
def test_the_page_has_a_port_and_a_service_where_it_is_asked_for(helm: Helm, options: list[str]) -> None:
    manifests = helm.template(
        CHART, "--no-hooks", "--set=page.enabled=true", *(f"--set={option}" for option in options)
    )
    deployment, service = manifests.one("Deployment"), manifests.one("Service")
    ports = deployment["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert environment_of(deployment)["PAGE_ENDPOINT"] == "http://0.0.0.0:9000"
    assert ports == [{"name": "health", "containerPort": 8080}, {"name": "page", "containerPort": 9000}]
    assert service["spec"]["ports"] == [{"name": "page", "port": 9000, "targetPort": "page", "appProtocol": "http"}]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"]
    assert len(service["metadata"]["name"]) <= 63


def test_namespaced_scope_gives_nothing_cluster_wide(helm: Helm) -> None:
    manifests = helm.template(CHART, "--no-hooks", values=CI / "namespaced-values.yaml")
    assert not {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"} & {m["kind"] for m in manifests}
    roles = {m["metadata"]["namespace"] for m in manifests if m["kind"] == "Role"}
    bindings = {m["metadata"]["namespace"]: m["subjects"] for m in manifests if m["kind"] == "RoleBinding"}
    assert roles == bindings.keys() == {"team-vision", "team-text"}
    assert all(subjects[0]["namespace"] == "paddle-system" for subjects in bindings.values())
    assert environment_of(manifests.one("Deployment"))["WATCH_NAMESPACES"] == "team-vision,team-text"


def test_namespaced_scope_without_namespaces_is_the_release_namespace(helm: Helm) -> None:
    manifests = helm.template(CHART, "--no-hooks", "--set=rbac.scope=Namespaced")
    assert manifests.one("Role")["metadata"]["namespace"] == "paddle-system"
    assert environment_of(manifests.one("Deployment"))["WATCH_NAMESPACES"] == "paddle-system"


@pytest.mark.parametrize("scope", ["Cluster", "Namespaced"])
@pytest.mark.parametrize("page", [False, True])
def test_the_operator_may_do_exactly_what_its_code_does(helm: Helm, scope: str, page: bool) -> None:  # noqa: FBT001 - a parameter
    options = [
        f"--set=rbac.scope={scope}",
        "--set=rbac.aggregateToDefaultRoles=false",
        f"--set=page.enabled={str(page).lower()}",
    ]
    role = helm.template(CHART, "--no-hooks", *options).one("ClusterRole" if scope == "Cluster" else "Role")
    allowed = {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    made = (*constants.OWNED_KINDS, constants.HTTP_ROUTE)
    does = {(kind, verb) for kind in made for verb in ("get", "list", "create", "patch", "delete")}
    watched = (*made, constants.PADDLE_SERVICE, constants.POD, constants.ENDPOINT_SLICE)
    does |= {(kind, verb) for kind in watched for verb in ("list", "watch")}
    does |= {(constants.PADDLE_SERVICE, "get"), (constants.EVENT, "create")}
    does |= {(kind, verb) for kind in PAGE_KINDS if page for verb in ("list", "watch")}
    needed = {(kind.api_version.rpartition("/")[0], kind.plural, verb) for kind, verb in does}
    needed |= {(constants.GROUP, f"{constants.PLURAL}/status", "patch")}
    needed |= {(constants.GROUP, f"{constants.PLURAL}/finalizers", "update"), ("", "pods/log", "get")}
    assert allowed == needed


def test_the_definition_stays_on_uninstall_unless_asked_otherwise(helm: Helm, crd: Manifest) -> None:
    kept = helm.template(CHART).one("CustomResourceDefinition")
    assert kept["spec"] == crd["spec"]
    assert kept["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    dropped = helm.template(CHART, "--set=crds.keep=false").one("CustomResourceDefinition")
    assert "annotations" not in dropped["metadata"]


def test_the_tokens_of_accounts_are_mounted_only_where_they_are_used(helm: Helm) -> None:
    manifests = helm.template(CHART)
    accounts = [m for m in manifests if m["kind"] == "ServiceAccount"]
    assert len(accounts) == 2
    assert all(account["automountServiceAccountToken"] is False for account in accounts)


def test_the_test_pod_is_not_taken_for_the_operator(helm: Helm) -> None:
    manifests = helm.template(CHART)
    selector = manifests.one("Deployment")["spec"]["selector"]["matchLabels"]
    assert not selector.items() <= manifests.one("Pod")["metadata"]["labels"].items()


def test_pod_settings_reach_the_pod(helm: Helm) -> None:
    template = helm.template(CHART, values=CI / "full-values.yaml").one("Deployment")["spec"]["template"]
    assert template["metadata"]["annotations"]["example.com/reviewed"] == "true"
    assert template["metadata"]["labels"]["example.com/team"] == "ml-platform"
    assert template["spec"]["priorityClassName"] == "system-cluster-critical"
    assert template["spec"]["imagePullSecrets"] == [{"name": "my-registry"}]
    assert template["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "2", "memory": "1073741824"}
    assert {"nodeSelector", "tolerations", "affinity"} <= template["spec"].keys()


def test_resources_for_fetching_are_in_the_profile_where_they_are_given(helm: Helm) -> None:
    assert "fetch" not in profiles_of(helm)["cpu"]
    given = profiles_of(helm, "--set", "profiles.cpu.fetch.resources.limits.cpu=0.5")["cpu"]["fetch"]
    assert given == {"resources": {"limits": {"cpu": "0.5"}, "requests": {}}}


def test_a_cache_is_in_the_profile_where_it_has_a_place(helm: Helm) -> None:
    given = profiles_of(helm, "--set", "profiles.cpu.fetch.cache.hostPath=/var/lib/models")
    assert given["cpu"]["fetch"] == {
        "cache": {"persistentVolumeClaim": "", "hostPath": "/var/lib/models", "limit": "50Gi"}
    }
    assert "fetch" not in given["vision"]


def test_image_volumes_are_in_the_profile_where_they_are_asked_for(helm: Helm) -> None:
    given = profiles_of(helm, "--set", "profiles.cpu.fetch.imageVolumes=Auto")
    assert given["cpu"]["fetch"] == {"imageVolumes": "Auto"}
    assert "fetch" not in given["vision"]


def test_the_profile_for_slices_of_the_guide_to_gpus_is_one(helm: Helm, tmp_path: Path) -> None:
    (values,) = re.findall(r"```yaml\n(profiles:\n.*?)```", (ROOT / "docs" / "gpu.md").read_text(), re.DOTALL)
    (tmp_path / "values.yaml").write_text(values)
    (tmp_path / "profiles.yaml").write_text(yaml.safe_dump(profiles_of(helm, "-f", str(tmp_path / "values.yaml"))))
    mig = read_profiles(tmp_path / "profiles.yaml")["mig"]
    assert mig.limits == {"cpu": "2", "memory": "4Gi", "nvidia.com/mig-1g.10gb": "1"}
    assert mig.image == image_references()["paddle-serving-runtime-gpu"]


def test_labels_of_the_test_are_no_longer_than_kubernetes_takes(helm: Helm) -> None:
    named = [
        manifest["metadata"]["labels"]["app.kubernetes.io/name"]
        for manifest in helm.template(CHART, "--set", f"nameOverride={'a' * 60}")
    ]
    assert max(map(len, named)) <= 63
    assert any(name.endswith("a-test") for name in named)
