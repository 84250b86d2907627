"""PodMonitors for a Prometheus Operator: off by default, refused with a sentence where the cluster has no such kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from paddle_serving_operator.constants import LABEL_REVISION, LABEL_SERVICE
from paddle_serving_operator.desired import names

if TYPE_CHECKING:
    from charts.tests.conftest import Helm, Manifest

CHART = "paddle-serving-operator"
ENABLED = ("--set", "monitoring.podMonitor.enabled=true")
KIND = "monitoring.coreos.com/v1/PodMonitor"


def monitors(helm: Helm, *options: str) -> dict[str, Manifest]:
    """The PodMonitors, by name."""
    rendered = helm.template(CHART, "--no-hooks", *ENABLED, *options)
    found = [manifest for manifest in rendered if manifest["kind"] == "PodMonitor"]
    assert {manifest["apiVersion"] for manifest in found} == {"monitoring.coreos.com/v1"}
    return {manifest["metadata"]["name"]: manifest for manifest in found}


def matches(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a pod with these labels is read."""
    exists = [one["key"] for one in selector.get("matchExpressions", ()) if one["operator"] == "Exists"]
    return selector.get("matchLabels", {}).items() <= labels.items() and labels.keys() >= set(exists)


def test_by_default_there_is_none(helm: Helm) -> None:
    assert "PodMonitor" not in {manifest["kind"] for manifest in helm.template(CHART)}


def test_each_reads_the_port_with_the_metrics_of_its_own_pods_alone(helm: Helm) -> None:
    found = monitors(helm)
    pod = helm.template(CHART).one("Deployment")["spec"]["template"]
    labels = {"operator": pod["metadata"]["labels"], "serving": names.revision_labels("ocr", "a" * 10)}
    expected = {CHART: "operator", f"{CHART}-services": "serving"}
    for name, monitor in found.items():
        selector = monitor["spec"]["selector"]
        assert [whose for whose, own in labels.items() if matches(selector, own)] == [expected[name]]
    ports = {name: monitor["spec"]["podMetricsEndpoints"] for name, monitor in found.items()}
    assert ports == {
        CHART: [{"port": "health", "path": "/metrics"}],
        f"{CHART}-services": [{"port": "admin", "path": "/metrics"}],
    }
    assert "health" in [port["name"] for port in pod["spec"]["containers"][0]["ports"]]
    assert found[f"{CHART}-services"]["spec"]["podTargetLabels"] == [LABEL_SERVICE, LABEL_REVISION]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("rbac.scope=Cluster", {"any": True}),
        ("rbac.scope=Namespaced", {"matchNames": ["paddle-system"]}),
        ("rbac.scope=Namespaced,watchNamespaces={team-a,team-b}", {"matchNames": ["team-a", "team-b"]}),
    ],
)
def test_serving_pods_are_read_where_the_operator_looks_after_them(
    helm: Helm, option: str, expected: dict[str, object]
) -> None:
    found = monitors(helm, "--set", option)
    assert found[f"{CHART}-services"]["spec"]["namespaceSelector"] == expected
    assert "namespaceSelector" not in found[CHART]["spec"]  # its own namespace


def test_interval_and_labels_are_those_of_the_values_and_the_charts_labels_stay(helm: Helm) -> None:
    values = "monitoring.podMonitor.interval=15s,monitoring.podMonitor.labels.release=prometheus"
    for monitor in monitors(helm, "--set", values).values():
        assert [endpoint["interval"] for endpoint in monitor["spec"]["podMetricsEndpoints"]] == ["15s"]
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        assert monitor["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"


def test_two_names_stay_two_where_the_name_is_as_long_as_can_be(helm: Helm) -> None:
    found = monitors(helm, "--set", f"fullnameOverride={'a' * 63}")
    assert len(found) == 2
    assert all(len(name) <= 63 for name in found)


def test_a_cluster_without_the_kind_is_told_before_anything_is_made(helm: Helm) -> None:
    said = helm.refusal(CHART, *ENABLED, "--api-versions", "v1/Pod")
    assert "this cluster has no PodMonitor (monitoring.coreos.com/v1). Install the Prometheus Operator's def" in said
    assert len(monitors(helm, "--api-versions", "v1/Pod", "--api-versions", KIND)) == 2
    assert helm.template(CHART, "--api-versions", "v1/Pod")  # not asked for, not missed
