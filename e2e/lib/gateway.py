"""A Gateway of the Gateway API in a test's namespace, and the way to it from inside and outside of the cluster."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from e2e.lib.cluster import condition_of
from e2e.lib.portforward import port_forward
from e2e.lib.wait import Seen, expect, minutes, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.cluster import Cluster, Namespace, Object

CLASS = "envoy"
SYSTEM = "envoy-gateway-system"
OWNER = "gateway.envoyproxy.io/owning-gateway"


def require_gateway_class(cluster: Cluster) -> None:
    """Raises AssertionError where nothing in the cluster makes Gateways."""
    found = cluster.kubectl("get", "customresourcedefinitions", "--output=name")
    expect(
        "customresourcedefinition.apiextensions.k8s.io/gatewayclasses.gateway.networking.k8s.io" in found.split()
        and cluster.kubectl("get", "gatewayclass", CLASS, "--ignore-not-found", "--output=name").strip(),
        f"The cluster has no GatewayClass {CLASS}. Run: make gateway",
    )


@dataclass(frozen=True, slots=True)
class Gateway:
    """A Gateway that takes HTTPRoutes of its own namespace; `service` is that of its Envoy."""

    namespace: Namespace
    name: str
    service: str

    @property
    def host(self) -> str:
        """Its DNS name inside the cluster; it listens on port 80."""
        return f"{self.service}.{SYSTEM}.svc.cluster.local"

    @property
    def parent_ref(self) -> Object:
        """What a PaddleService of the same namespace names it by."""
        return {"name": self.name}

    @contextmanager
    def forwarded(self) -> Iterator[str]:
        """Its URL on loopback."""
        system = self.namespace.cluster.namespace(SYSTEM)
        with port_forward(system, f"service/{self.service}", 80) as url:
            yield url


def make_gateway(namespace: Namespace, name: str = "gateway") -> Gateway:
    """A Gateway in the namespace whose Envoy answers, if only that it has no route."""
    listener = {"name": "http", "protocol": "HTTP", "port": 80, "allowedRoutes": {"namespaces": {"from": "Same"}}}
    namespace.apply(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": name},
            "spec": {"gatewayClassName": CLASS, "listeners": [listener]},
        }
    )

    def look() -> Seen:
        found = namespace.find("gateway.gateway.networking.k8s.io", name) or {}
        return Seen(condition_of(found, "Programmed").get("status") == "True", str(found.get("status")))

    wait_for(f"Gateway {namespace.name}/{name} programmed", look, within=minutes(3))
    selector = f"{OWNER}-namespace={namespace.name},{OWNER}-name={name}"
    (service,) = namespace.cluster.namespace(SYSTEM).list("service", selector)
    return Gateway(namespace, name, service["metadata"]["name"])
