from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes import client

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import LABEL_REVISION, Manifest
from paddle_serving_operator.desired import names, objects
from paddle_serving_operator.desired.revision import Revision, parse_revision, revision_of
from paddle_serving_operator.settings import Profile


class Golden(Protocol):
    def check(self, name: str, manifest: Manifest) -> None: ...


MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]

EVERYTHING: dict[str, Any] = {
    "runtime": "gpu",
    "image": "my/runtime:2",
    "resources": {"limits": {"memory": "16Gi", "nvidia.com/gpu": 2}, "requests": {"memory": "4Gi"}},
    "model": {"name": "rec", "source": {"image": {"reference": "model:1", "path": "/m/", "pullPolicy": "Never"}}},
    "engine": {
        "mode": "pipeline",
        "legacyStatus": True,
        "standby": False,
        "workers": 3,
        "threadsPerWorker": 2,
        "irOptim": False,
        "oneDNN": True,
        "allocator": "system",
        "overrides": {"op.rec.concurrency": "1", "b": "x y"},
    },
    "consistency": {
        "mode": "Tolerance",
        "rtol": 0.001,
        "atol": 1e-05,
        "require": "EngineOnly",
        "required": False,
        "recheckInterval": "1m",
        "signingKeySecret": "key",
    },
    "drain": {"delay": "1m", "timeout": "2m"},
    "security": {"tlsSecret": "certificate", "apiKeySecret": "keys"},
    "pod": {
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "k", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "priorityClassName": "high",
        "imagePullSecrets": [{"name": "registry"}],
        "env": [{"name": "LEVEL", "value": "debug"}, {"name": "X", "value": "$(true)"}],
        "annotations": {"team": "ocr"},
        "labels": {"team": "ocr", "app.kubernetes.io/name": "mine"},
    },
}


def revision(spec: ServiceSpec, profiles: Profiles) -> Revision:
    return revision_of("ocr", spec, profiles[spec.runtime])


def test_deployment_with_every_field(golden: Golden, make_spec: MakeSpec, profiles: Profiles) -> None:
    built = objects.deployment("ocr", revision(make_spec(**EVERYTHING), profiles), 1)
    golden.check("deployment-everything.yaml", built)
    client.V1Deployment.model_validate(built)


def test_services_select_one_revision(golden: Golden) -> None:
    golden.check("service-traffic.yaml", objects.traffic_service("ocr", {"a" * 10: 100}))
    golden.check("service-stable.yaml", objects.stable_service("ocr", "a" * 10))
    client.V1Service.model_validate(objects.traffic_service("ocr", {"a" * 10: 100}))


def test_grpc_has_a_port_of_its_own_that_says_it_is_http_2(make_spec: MakeSpec, profiles: Profiles) -> None:
    container = objects.deployment("ocr", revision(make_spec(), profiles), 1)["spec"]["template"]["spec"]["containers"][
        0
    ]
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    for service in (objects.traffic_service("ocr", {"a" * 10: 100}), objects.stable_service("ocr", "a" * 10)):
        ports = {port["name"]: port for port in service["spec"]["ports"]}
        assert ports["grpc"]["port"] == named[ports["grpc"]["targetPort"]] == 9000
        assert ports["grpc"]["appProtocol"] == "kubernetes.io/h2c"
        assert (ports["http"]["port"], named[ports["http"]["targetPort"]]) == (80, 8080)
        assert ports["http"]["appProtocol"] == "http"
    assert container["args"][container["args"].index("--grpc-port") + 1] == "9000"


def test_a_service_without_a_revision_selects_no_pod() -> None:
    assert objects.traffic_service("ocr", {})["spec"]["selector"][LABEL_REVISION] == "none"


def test_disruption_budget_and_account(golden: Golden, make_spec: MakeSpec) -> None:
    budget = objects.disruption_budget("ocr", "a" * 10, make_spec(disruption={"maxUnavailable": "25%"}).disruption)
    golden.check("disruption-budget.yaml", budget)
    golden.check("service-account.yaml", objects.service_account("ocr", {}))
    client.V1PodDisruptionBudget.model_validate(budget)
    client.V1ServiceAccount.model_validate(objects.service_account("ocr", {}))


def test_a_recorded_revision_builds_the_same_deployment_again(make_spec: MakeSpec, profiles: Profiles) -> None:
    made = replace(revision(make_spec(**EVERYTHING), profiles), spec={"model": {"name": "ocr"}})
    again = parse_revision(made.name, objects.controller_revision("ocr", made, 1))
    assert again == made


SAME = [
    {"replicas": 5},
    {"rollout": {"paused": True}},
    {"disruption": {"enabled": False}},
    {"engine": {"irOptim": True, "batching": {"mode": "Auto", "maxRows": 16}, "warmup": {"shapes": []}}},
    {"engine": {"mode": "direct", "backend": "Default", "standby": True, "allocator": "tcmalloc"}},
]
OTHER: list[dict[str, Any]] = [
    {"image": "other:1"},
    {"resources": {"limits": {"cpu": "3"}}},
    {"model": {"digest": "sha256:" + "b" * 64}},
    {"model": {"name": "other"}},
    {"model": {"source": {"configMap": {"name": "c"}}}},
    *(
        {"model": {"source": {"s3": {"uri": "s3://models/a", **more}}}}
        for more in ({}, {"endpoint": "http://s"}, {"region": "eu"}, {"credentialsSecret": "c"}, {"caConfigMap": "c"})
    ),
    {"engine": {"mode": "pipeline"}},
    *({"engine": engine} for engine in ({"legacyStatus": True}, {"standby": False})),
    *({"engine": engine} for engine in ({"backend": "OpenVINO"}, {"backend": "Auto"}, {"allocator": "system"})),
    *({"engine": engine} for engine in ({"workers": 2}, {"warmup": {"shapes": [{"inputs": {"x": [1, 3]}}]}})),
    *({"engine": {"batching": batching}} for batching in ({"maxRows": 8}, {"waitMilliseconds": 1}, {"mode": "Off"})),
    {"engine": {"overrides": {"a": "b"}}},
    {"engine": {"script": "web_service_det.py --config=det.yml"}},
    {"consistency": {"required": False}},
    {"drain": {"delay": "6s"}},
    *({"security": {name: "a"}} for name in ("tlsSecret", "apiKeySecret")),
    {"pod": {"env": [{"name": "A", "value": "b"}]}},
    {"runtime": "gpu"},
]


@pytest.mark.parametrize("fields", SAME)
def test_what_does_not_change_the_pod_makes_no_revision(
    fields: dict[str, Any], make_spec: MakeSpec, profiles: Profiles
) -> None:
    assert revision(make_spec(**fields), profiles).name == revision(make_spec(), profiles).name


def test_what_changes_the_pod_makes_a_revision_of_its_own(make_spec: MakeSpec, profiles: Profiles) -> None:
    made = {revision(make_spec(**fields), profiles).name for fields in [{}, *OTHER]}
    assert len(made) == len(OTHER) + 1


def test_a_changed_profile_makes_a_revision(make_spec: MakeSpec, profiles: Profiles) -> None:
    newer = Profile("runtime:2", "IfNotPresent", profiles["cpu"].limits, profiles["cpu"].requests)
    assert revision_of("ocr", make_spec(), newer).name != revision(make_spec(), profiles).name


@pytest.mark.parametrize("hostile", ["; true", "`true`", "a b", "--digest=x", "\n", "'\""])
def test_hostile_values_stay_one_argument(hostile: str, make_spec: MakeSpec, profiles: Profiles) -> None:
    spec = make_spec(
        engine={"overrides": {"key": hostile}}, model={"source": {"image": {"reference": "m", "path": f"/{hostile}"}}}
    )
    pod = objects.deployment("ocr", revision(spec, profiles), 1)["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["command"] == ["cp", "-R", f"/{hostile}/.", "/store/"]
    assert f"key={hostile}" in pod["containers"][0]["args"]
    assert "command" not in pod["containers"][0]


def test_references_to_variables_are_not_expanded_by_kubernetes(make_spec: MakeSpec, profiles: Profiles) -> None:
    spec = make_spec(engine={"overrides": {"key": "$(HOME)"}}, pod={"env": [{"name": "A", "value": "$(B) $$"}]})
    container = objects.deployment("ocr", revision(spec, profiles), 1)["spec"]["template"]["spec"]["containers"][0]
    assert "key=$$(HOME)" in container["args"]
    assert container["env"] == [{"name": "A", "value": "$$(B) $$$$"}]


def test_a_limit_below_the_profiles_request_lowers_the_request(make_spec: MakeSpec, profiles: Profiles) -> None:
    spec = make_spec(resources={"limits": {"cpu": "250m", "memory": "4Gi"}})
    resources = objects.deployment("ocr", revision(spec, profiles), 1)["spec"]["template"]["spec"]["containers"][0][
        "resources"
    ]
    assert resources == {"limits": {"cpu": "250m", "memory": "4Gi"}, "requests": {"cpu": "250m", "memory": "1Gi"}}


def test_every_container_has_limits_and_the_restricted_security_context(
    make_spec: MakeSpec, profiles: Profiles
) -> None:
    pod = objects.deployment("ocr", revision(make_spec(**EVERYTHING), profiles), 1)["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    for container in (*pod["initContainers"], *pod["containers"]):
        assert {"cpu", "memory"} <= set(container["resources"]["limits"])
        security = container["securityContext"]
        assert security["runAsNonRoot"]
        assert security["readOnlyRootFilesystem"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert not security["allowPrivilegeEscalation"]


NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,250}[a-z0-9])?", fullmatch=True)


@given(NAMES, st.sampled_from(["", "-stable", "-0123456789"]))
def test_names_fit_a_label_whatever_the_length(name: str, ending: str) -> None:
    fitted = names.fit(name, ending)
    assert len(fitted) <= 63
    assert fitted.endswith(ending)
    assert fitted[0].isalpha()
    assert "--" in name or not fitted.startswith("-")


@given(NAMES, NAMES)
def test_two_names_stay_two(left: str, right: str) -> None:
    assert (names.fit(left, "-stable") == names.fit(right, "-stable")) == (left == right)


def containers(spec: ServiceSpec, profile: Profile) -> dict[str, Manifest]:
    pod = revision_of("ocr", spec, profile).template["spec"]
    return {item["name"]: item["resources"] for item in (*pod["initContainers"], *pod["containers"])}


def test_whoever_fetches_has_the_resources_of_the_serving_container_without_its_gpu(
    make_spec: MakeSpec, profiles: Mapping[str, Profile]
) -> None:
    small = {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    image = {"source": {"pvc": None, "image": {"reference": "models:1"}}}
    found = containers(make_spec(resources=small, model=image), profiles["gpu"])
    assert found["fetch"] == found["model"] == {"limits": {"cpu": "500m", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    assert found["serve"]["limits"]["nvidia.com/gpu"] == "1"


def test_a_profile_may_give_other_resources_for_fetching_within_the_limits_of_the_spec(
    make_spec: MakeSpec, profiles: Mapping[str, Profile]
) -> None:
    profile = replace(profiles["cpu"], fetch_limits={"cpu": "1500m"}, fetch_requests={"cpu": "1", "memory": "64Mi"})
    usual = containers(make_spec(), profile)["fetch"]
    assert usual == {"limits": {"cpu": "1500m", "memory": "2Gi"}, "requests": {"cpu": "1", "memory": "64Mi"}}
    bounded = containers(make_spec(resources={"limits": {"cpu": "500m"}}), profile)["fetch"]
    assert bounded == {"limits": {"cpu": "500m", "memory": "2Gi"}, "requests": {"cpu": "500m", "memory": "64Mi"}}
