"""NetworkPolicies: off by default, and open to exactly those who need the ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from charts.tests.conftest import CHARTS
from paddle_serving_operator.constants import ADMIN_PORT, GRPC_PORT, HTTP_PORT
from paddle_serving_operator.desired import names

if TYPE_CHECKING:
    from charts.tests.conftest import Helm, Manifest

OPERATOR, SERVING = "paddle-serving-operator", "paddle-serving"
MINIMAL = CHARTS / SERVING / "ci" / "default-values.yaml"
EXPOSED = CHARTS / SERVING / "ci" / "exposed-values.yaml"
SERVICE_POD = names.revision_labels("ocr", "a" * 10)
OTHER_POD = names.revision_labels("other", "a" * 10)
STRANGER = {"app": "stranger"}
NAMESPACES = {"paddle-system", "shop", "models"}


def matches(selector: Manifest | None, labels: dict[str, str]) -> bool:
    """Whether a label selector, as Kubernetes reads it, selects these labels."""
    if selector is None:
        return True
    for one in selector.get("matchExpressions", ()):
        found = {"Exists": one["key"] in labels, "In": labels.get(one["key"]) in one.get("values", ())}
        if not found[one["operator"]]:
            return False
    return dict(selector.get("matchLabels", {})).items() <= labels.items()


def lets_in(policy: Manifest, port: int, pod: dict[str, str], namespace: str) -> bool:
    """Whether a pod of a namespace reaches the port of a pod that the policy selects; address blocks aside."""
    return any(
        port in [one["port"] for one in rule["ports"]]
        and ("from" not in rule or any(_is_peer(peer, policy, pod, namespace) for peer in rule["from"]))
        for rule in policy["spec"]["ingress"]
    )


def _is_peer(peer: Manifest, policy: Manifest, pod: dict[str, str], namespace: str) -> bool:
    if "ipBlock" in peer:
        return False
    same = namespace == policy["metadata"]["namespace"]
    there = matches(peer.get("namespaceSelector"), {"kubernetes.io/metadata.name": namespace, "team": namespace})
    return (there if "namespaceSelector" in peer else same) and matches(peer.get("podSelector"), pod)


def policies(helm: Helm, chart: str, *options: str, values: Any = None) -> dict[str, Manifest]:  # noqa: ANN401 - a path
    """The policies by namespace and name."""
    rendered = helm.template(chart, "--no-hooks", *options, values=values)
    found = [manifest for manifest in rendered if manifest["kind"] == "NetworkPolicy"]
    return {f"{one['metadata']['namespace']}/{one['metadata']['name']}": one for one in found}


@pytest.fixture
def operator_pod(helm: Helm) -> dict[str, str]:
    """Labels of the operator's pod, as its chart gives them."""
    labels: dict[str, str] = helm.template(OPERATOR).one("Deployment")["spec"]["template"]["metadata"]["labels"]
    return labels


def test_by_default_there_is_none(helm: Helm) -> None:
    assert policies(helm, OPERATOR) == {}
    assert policies(helm, SERVING, values=MINIMAL) == {}


def test_the_policy_of_a_service_selects_its_pods_alone(helm: Helm) -> None:
    (policy,) = policies(helm, SERVING, "--set", "networkPolicy.enabled=true", values=MINIMAL).values()
    assert matches(policy["spec"]["podSelector"], SERVICE_POD)
    assert not matches(policy["spec"]["podSelector"], OTHER_POD)
    assert policy["spec"]["policyTypes"] == ["Ingress"]


def test_everybody_may_ask_and_only_the_operator_and_the_service_reach_the_admin_port(
    helm: Helm, operator_pod: dict[str, str]
) -> None:
    (policy,) = policies(helm, SERVING, "--set", "networkPolicy.enabled=true", values=MINIMAL).values()
    assert all(lets_in(policy, port, STRANGER, "shop") for port in (HTTP_PORT, GRPC_PORT))
    assert not lets_in(policy, ADMIN_PORT, STRANGER, "paddle-system")
    assert lets_in(policy, ADMIN_PORT, SERVICE_POD, "paddle-system")  # where the release is
    assert not lets_in(policy, ADMIN_PORT, SERVICE_POD, "shop")
    assert all(lets_in(policy, ADMIN_PORT, operator_pod, namespace) for namespace in NAMESPACES)


def test_who_may_ask_read_metrics_and_operate_can_be_narrowed(helm: Helm, operator_pod: dict[str, str]) -> None:
    (policy,) = policies(helm, SERVING, values=EXPOSED).values()
    assert lets_in(policy, HTTP_PORT, {"role": "frontend"}, "shop")
    assert not lets_in(policy, HTTP_PORT, {"role": "frontend"}, "models")
    assert not lets_in(policy, GRPC_PORT, STRANGER, "shop")
    assert lets_in(policy, HTTP_PORT, SERVICE_POD, "paddle-system")
    assert lets_in(policy, ADMIN_PORT, STRANGER, "monitoring")
    assert [name for name in sorted(NAMESPACES) if lets_in(policy, ADMIN_PORT, operator_pod, name)] == ["paddle-system"]
    test_pod = helm.template(SERVING, values=EXPOSED).one("Pod")["metadata"]["labels"]
    assert lets_in(policy, HTTP_PORT, test_pod, "paddle-system")
    assert not lets_in(policy, ADMIN_PORT, test_pod, "paddle-system")


def test_the_operators_chart_makes_one_for_all_services_of_a_namespace(
    helm: Helm, operator_pod: dict[str, str]
) -> None:
    found = policies(helm, OPERATOR, "--set", "networkPolicy.services.namespaces={models,shop}")
    assert sorted(found) == ["models/paddle-serving-operator-services", "shop/paddle-serving-operator-services"]
    policy = found["models/paddle-serving-operator-services"]
    assert matches(policy["spec"]["podSelector"], SERVICE_POD)
    assert not matches(policy["spec"]["podSelector"], STRANGER)
    assert lets_in(policy, HTTP_PORT, STRANGER, "shop")
    assert lets_in(policy, ADMIN_PORT, operator_pod, "paddle-system")
    assert not lets_in(policy, ADMIN_PORT, operator_pod, "models")
    assert not lets_in(policy, ADMIN_PORT, STRANGER, "models")


def test_helm_test_of_a_service_may_ask_where_the_operators_chart_narrows_who_may(helm: Helm) -> None:
    narrowed = (
        "networkPolicy.services.namespaces={paddle-system},networkPolicy.services.from[0].podSelector.matchLabels.a=b"
    )
    (policy,) = policies(helm, OPERATOR, "--set", narrowed).values()
    test_pod = helm.template(SERVING, values=EXPOSED).one("Pod")["metadata"]["labels"]
    assert lets_in(policy, HTTP_PORT, test_pod, "paddle-system")
    assert not lets_in(policy, HTTP_PORT, test_pod, "models")
    assert not lets_in(policy, HTTP_PORT, STRANGER, "paddle-system")
    assert not lets_in(policy, ADMIN_PORT, test_pod, "paddle-system")


def test_the_operator_is_asked_for_health_and_page_and_asks_dns_the_api_server_and_serving_pods(
    helm: Helm, operator_pod: dict[str, str]
) -> None:
    enabled = ("--set", "networkPolicy.operator.enabled=true,page.enabled=true,page.port=8090")
    (policy,) = policies(helm, OPERATOR, *enabled).values()
    assert matches(policy["spec"]["podSelector"], operator_pod)
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert all(lets_in(policy, port, STRANGER, "shop") for port in (8080, 8090))
    dns, server, pods = policy["spec"]["egress"]
    assert dns == {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    assert server == {"ports": [{"port": 443}, {"port": 6443}]}
    assert pods["ports"] == [{"port": ADMIN_PORT}]
    assert [peer["namespaceSelector"] for peer in pods["to"]] == [{}]
    assert matches(pods["to"][0]["podSelector"], SERVICE_POD)


def test_the_page_is_no_hole_where_it_is_off(helm: Helm) -> None:
    (policy,) = policies(helm, OPERATOR, "--set", "networkPolicy.operator.enabled=true").values()
    assert not lets_in(policy, 8090, STRANGER, "shop")


@pytest.mark.parametrize("helm", ["helm4"], indirect=True)
@pytest.mark.parametrize("option", ["networkPolicy.operator.enabled=true", "networkPolicy.services.namespaces={shop}"])
def test_a_release_is_told_that_somebody_else_must_enforce_them(helm: Helm, option: str) -> None:
    install = ("install", "o", str(CHARTS / OPERATOR), "--dry-run=client")
    notice = "NOTE: NetworkPolicies were made. They have an effect only where the cluster's network plugin"
    assert notice in helm.run(*install, "--set", option).stdout
    assert notice not in helm.run(*install).stdout
