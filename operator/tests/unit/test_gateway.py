"""A canary whose traffic a Gateway divides: weights and endpoints are never wrong together."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddle_serving_operator.api.memory import Idle
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.api.types import Step, Traffic, TrafficMode
from paddle_serving_operator.api.verbs import parse_verb
from paddle_serving_operator.constants import ANNOTATION_VERB
from paddle_serving_operator.desired.route import Division, division_of, http_route
from paddle_serving_operator.rollout.facts import Facts, GatewaySeen
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import canary
from .rollouts import NEW, NOW, OLD, STABLE, pods

STEPS = (Step(20, timedelta(0)), Step(60, timedelta(0)))


@dataclass
class Cluster:
    """Pods that start at once, a Gateway that takes a route later, and endpoints that follow a selector later."""

    intent: Intent
    status: ServiceStatus = STABLE
    stable: str = OLD
    division: Division = Division(100, 0, None)  # noqa: RUF009 - a value
    taken: Division = Division(100, 0, None)  # noqa: RUF009 - a value
    backed: str = OLD
    canary_backed: str | None = None
    pods: dict[str, int] = field(default_factory=lambda: {OLD: 4})

    def facts(self) -> Facts:
        found = self.pods
        gateway = GatewaySeen(
            self.division.stable_weight,
            self.division.canary_weight,
            accepted=self.taken == self.division,
            canary=self.division.canary,
            backed=frozenset({self.backed}),
        )
        serving = {self.backed, *([self.canary_backed] if self.canary_backed else [])}
        return Facts(
            traffic=self.stable,
            pinned=self.stable,
            serving=frozenset(serving),
            asked=frozenset({self.backed}),
            revisions={name: pods(count, count) for name, count in found.items()},
            answering=frozenset(name for name, count in found.items() if count),
            gateway=gateway,
        )

    def operator(self) -> None:
        facts = self.facts()
        plan = next_plan(self.intent, self.status, facts, NOW)
        self.division = division_of(plan, facts)
        self.status, self.pods = plan.status, dict(plan.pods)
        self.stable = plan.stable or self.stable
        self.check()

    def gateway(self) -> None:
        self.taken = self.division
        self.check()

    def endpoints(self) -> None:
        self.backed, self.canary_backed = self.stable, self.division.canary
        self.check()

    def check(self) -> None:
        """Whatever the Gateway has taken, and whichever endpoints it has, there are pods of the right revision."""
        have = self.pods
        if self.taken.stable_weight:
            assert have.get(self.backed), f"{self.taken}, but the stable Service leads to {self.backed} of {have}"
        if self.taken.canary_weight and self.canary_backed:
            assert have.get(self.canary_backed), f"{self.taken}, but the canary is {self.canary_backed} of {have}"
        if self.taken.canary_weight:
            assert self.division.canary is not None, f"{self.taken}, but the candidate's Service selects nothing"


def made(**fields: object) -> Cluster:
    return Cluster(canary(steps=STEPS, traffic=TrafficMode.GATEWAY, **fields))


def run(cluster: Cluster, rounds: int = 20) -> list[int]:
    weights = []
    for _ in range(rounds):
        cluster.operator()
        cluster.gateway()
        cluster.endpoints()
        weights.append(cluster.taken.canary_weight)
    return weights


def test_the_weights_go_through_the_steps_and_end_with_the_stable_service_alone() -> None:
    cluster = made()
    weights = run(cluster)
    assert [weight for number, weight in enumerate(weights) if number == 0 or weight != weights[number - 1]] == [
        0,
        20,
        60,
        100,
        0,
    ]
    assert (cluster.stable, cluster.backed, cluster.division) == (NEW, NEW, Division(100, 0, None))
    assert (cluster.status.phase, cluster.pods) == (Phase.HEALTHY, {NEW: 4})


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.sampled_from(["operator", "operator", "gateway", "endpoints", "abort", "retry", "back"]), max_size=60)
)
def test_in_whatever_order_gateway_and_endpoints_follow_no_weight_leads_to_nobody(events: list[str]) -> None:
    cluster = made()
    for number, event in enumerate(events):
        if event in {"abort", "retry"}:
            verb = parse_verb({ANNOTATION_VERB: f"{event} {number}"})
            cluster.intent = replace(cluster.intent, verb=verb)
        elif event == "back":
            cluster.intent = replace(cluster.intent, revision=OLD if cluster.intent.revision == NEW else NEW)
        else:
            getattr(cluster, event)()
    run(cluster, 5)  # a retreat that is under way ends
    cluster.intent = replace(cluster.intent, verb=parse_verb({ANNOTATION_VERB: "retry last"}))
    run(cluster, 40)
    assert cluster.status.rollout is not None
    assert cluster.status.rollout.stage == Idle()
    assert cluster.stable == cluster.intent.revision
    assert cluster.taken.stable_weight == 100


@pytest.mark.parametrize("hostnames", [(), ("ocr.example.com",)])
def test_the_route_has_both_services_with_their_weights(hostnames: tuple[str, ...]) -> None:
    parents: Any = ({"name": "eg"},)
    route = http_route("ocr", Traffic(TrafficMode.GATEWAY, parents, hostnames), Division(80, 20, NEW))
    (rule,) = route["spec"]["rules"]
    assert [(one["name"], one["weight"]) for one in rule["backendRefs"]] == [("ocr-stable", 80), ("ocr-canary", 20)]
    assert route["spec"].get("hostnames", []) == list(hostnames)
