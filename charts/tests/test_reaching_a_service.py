"""Ingress, routes and a ScaledObject of a service: off by default, and they name what the operator makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from charts.tests.conftest import CHARTS
from paddle_serving_operator.constants import GRPC_PORT, SERVICE_PORT
from paddle_serving_operator.desired import names

if TYPE_CHECKING:
    from charts.tests.conftest import Helm, Manifest

CHART = "paddle-serving"
MINIMAL = CHARTS / CHART / "ci" / "default-values.yaml"
EXPOSED = CHARTS / CHART / "ci" / "exposed-values.yaml"
PARENT = "parentRefs[0].name=public"
KEDA = "keda.enabled=true,keda.prometheus.serverAddress=http://prometheus:9090"


def test_by_default_there_is_the_service_alone(helm: Helm) -> None:
    assert [manifest["kind"] for manifest in helm.template(CHART, values=MINIMAL)] == ["PaddleService"]


@pytest.mark.parametrize(("kind", "port"), [("HTTPRoute", SERVICE_PORT), ("GRPCRoute", GRPC_PORT)])
def test_a_route_sends_to_the_service_that_the_operator_makes(helm: Helm, kind: str, port: int) -> None:
    route = helm.template(CHART, values=EXPOSED).one(kind)
    assert route["spec"]["rules"] == [{"backendRefs": [{"name": names.traffic_service("ocr"), "port": port}]}]
    assert route["spec"]["parentRefs"][0]["namespace"] == "gateways"
    assert route["metadata"]["name"] != names.traffic_service("ocr")  # the operator's own, in mode Gateway


def test_a_grpc_route_stands_beside_the_weights_of_a_gateway(helm: Helm) -> None:
    options = f"grpcRoute.enabled=true,grpcRoute.{PARENT},traffic.mode=Gateway,traffic.{PARENT}"
    manifests = helm.template(CHART, "--set", options, values=MINIMAL)
    assert "hostnames" not in manifests.one("GRPCRoute")["spec"]


def test_an_ingress_sends_every_host_to_the_http_port(helm: Helm) -> None:
    spec = helm.template(CHART, values=EXPOSED).one("Ingress")["spec"]
    backend = {"service": {"name": names.traffic_service("ocr"), "port": {"name": "http"}}}
    assert {
        (rule["host"], path["path"], path["pathType"]) for rule in spec["rules"] for path in rule["http"]["paths"]
    } == {
        ("ocr.example.com", "/", "Prefix"),
        ("models.example.com", "/ocr", "Prefix"),
    }
    assert all(path["backend"] == backend for rule in spec["rules"] for path in rule["http"]["paths"])
    assert spec["tls"] == [{"hosts": ["ocr.example.com", "models.example.com"], "secretName": "ocr-tls"}]


def trigger(helm: Helm, *options: str) -> Manifest:
    """The first trigger of the ScaledObject."""
    scaled = helm.template(CHART, "--set", ",".join((KEDA, *options)), values=MINIMAL).one("ScaledObject")
    found: Manifest = scaled["spec"]["triggers"][0]
    return found


def test_keda_scales_the_paddle_service_by_the_queue_of_its_own_pods(helm: Helm) -> None:
    manifests = helm.template(CHART, "--set", KEDA, values=MINIMAL)
    service = manifests.one("PaddleService")
    assert manifests.one("ScaledObject")["spec"]["scaleTargetRef"] == {
        "apiVersion": service["apiVersion"],
        "kind": service["kind"],
        "name": service["metadata"]["name"],
    }
    assert "replicas" not in service["spec"]
    assert trigger(helm)["metadata"] == {
        "serverAddress": "http://prometheus:9090",
        "query": 'sum(paddle_serving_queue_length{namespace="paddle-system",serving_paddlepaddle_org_service="ocr"})',
        "threshold": "2",
    }
    assert trigger(helm, "keda.prometheus.waitingRequests=0.5")["metadata"]["threshold"] == "0.5"


def test_triggers_of_ones_own_stand_behind_the_ready_made_one_or_alone(helm: Helm) -> None:
    triggers = helm.template(CHART, values=EXPOSED).one("ScaledObject")["spec"]["triggers"]
    assert [one["type"] for one in triggers] == ["prometheus", "cron"]
    alone = helm.template(CHART, "--set", "keda.prometheus.serverAddress=", values=EXPOSED).one("ScaledObject")
    assert [one["type"] for one in alone["spec"]["triggers"]] == ["cron"]
    assert alone["spec"]["minReplicaCount"] == 0
