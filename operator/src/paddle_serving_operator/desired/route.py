"""An HTTPRoute that divides traffic by weights between the Services of two revisions. Pure."""

from dataclasses import dataclass

from paddle_serving_operator.api.types import Traffic
from paddle_serving_operator.constants import HTTP_ROUTE, SERVICE_PORT, Manifest
from paddle_serving_operator.desired import names
from paddle_serving_operator.rollout.facts import Facts, GatewaySeen
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.shares import WHOLE


@dataclass(frozen=True, slots=True)
class Division:
    """Weights of both Services in percent, and the revision that the candidate's Service selects."""

    stable_weight: int
    canary_weight: int
    canary: str | None


def division_of(plan: Plan, facts: Facts) -> Division:
    """How a Gateway should divide the traffic now.

    A Service never stops selecting pods while it has a weight, and gets no weight before its endpoints are right: a
    Gateway takes over weights and endpoints at different moments.
    """
    gateway = facts.gateway or GatewaySeen(WHOLE, 0, accepted=False, canary=None, backed=frozenset())
    candidate = next((name for name, share in plan.shares.items() if share > 0 and name != plan.stable), None)
    if candidate is not None and (plan.stable is None or gateway.canary not in {None, candidate}):
        return Division(WHOLE, 0, gateway.canary if gateway.canary_weight else None)
    if candidate is not None:
        return Division(WHOLE - plan.shares[candidate], plan.shares[candidate], candidate)
    promoted = gateway.canary == plan.stable and gateway.canary_weight == WHOLE
    if promoted and gateway.backed != frozenset({plan.stable}):
        return Division(0, WHOLE, gateway.canary)
    still_asked = gateway.canary_weight > 0 or not gateway.accepted
    return Division(WHOLE, 0, gateway.canary if still_asked else None)


def http_route(name: str, traffic: Traffic, division: Division) -> Manifest:
    """The route. Whoever applies one weight owns all rules: they are one atomic list."""
    backends = (
        (names.stable_service(name), division.stable_weight),
        (names.canary_service(name), division.canary_weight),
    )
    references = [{"name": backend, "port": SERVICE_PORT, "weight": weight} for backend, weight in backends]
    spec: Manifest = {
        "parentRefs": [dict(parent) for parent in traffic.parent_refs],
        "rules": [{"backendRefs": references}],
    }
    if traffic.hostnames:
        spec["hostnames"] = list(traffic.hostnames)
    metadata = {"name": names.traffic_service(name), "labels": names.labels(name)}
    return {"apiVersion": HTTP_ROUTE.api_version, "kind": HTTP_ROUTE.kind, "metadata": metadata, "spec": spec}
