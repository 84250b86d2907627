"""From a plan to the objects that should exist. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from paddle_serving_operator.api.types import DriftSamples, ServiceSpec, Strategy, TrafficMode
from paddle_serving_operator.constants import (
    AUTOSCALER,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    OWNED_KINDS,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names, objects, report
from paddle_serving_operator.desired.autoscaler import autoscaler
from paddle_serving_operator.desired.revision import Revision
from paddle_serving_operator.desired.route import division_of, http_route
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.shares import WHOLE

ORDER = (*OWNED_KINDS, HTTP_ROUTE)


@dataclass(frozen=True, slots=True)
class Desired:
    """`manifests` are to be applied in this order; `wanted` is what must not be pruned, those included.

    `records` are the revisions that are recorded then, with their numbers.
    """

    manifests: tuple[tuple[Kind, Manifest], ...]
    wanted: frozenset[tuple[Kind, str]]
    records: Mapping[str, tuple[Revision, int]]


@dataclass(frozen=True, slots=True)
class Existing:
    """What there is already.

    `records` are the recorded revisions with their numbers. `owned`: objects by kind and name. `proofs`: reports by
    revision, where they are known. `account_missing`: the account that the spec names does not exist.
    """

    records: Mapping[str, tuple[Revision, int]]
    owned: Mapping[tuple[Kind, str], Manifest]
    proofs: Mapping[str, bytes]
    facts: Facts
    account_missing: bool


def desired_objects(name: str, spec: ServiceSpec, goal: Revision, plan: Plan, existing: Existing) -> Desired:
    """Everything that should exist for one PaddleService.

    A revision without a record keeps its Deployment as it is. Without its account a new revision is not started: its
    pods would only be refused, ever more rarely.
    """
    # what is recorded stays: the API server refuses every change of a record's data
    known = {goal.name: goal} | {found: revision for found, (revision, _) in existing.records.items()}
    numbers = _numbers(goal.name, plan, existing.records, spec.rollout.revision_history_limit)
    reports, kept = report.reports(name, {found: existing.proofs.get(found) for found in numbers}, existing.owned)
    manifests = [
        *_account(name, spec, [known.get(found) for found in plan.revisions], existing.owned),
        *[
            (CONTROLLER_REVISION, objects.controller_revision(name, known[one], numbers[one]))
            for one in sorted(numbers)
        ],
        *reports,
        *_deployments(name, goal, plan, known, existing),
        (SERVICE, objects.traffic_service(name, _asked(plan, spec, existing.facts))),
        (SERVICE, objects.stable_service(name, plan.stable, replays=_replays(spec))),
        *_routes(name, spec, plan, existing),
        *_policies(name, spec, goal, plan),
    ]
    unrecorded = {(DEPLOYMENT, names.deployment(name, found)) for found in plan.revisions}
    return Desired(
        manifests=tuple(sorted(manifests, key=lambda item: ORDER.index(item[0]))),
        wanted=frozenset({(kind, manifest["metadata"]["name"]) for kind, manifest in manifests} | unrecorded | kept),
        records={found: (known[found], number) for found, number in numbers.items()},
    )


def _deployments(
    name: str, goal: Revision, plan: Plan, known: Mapping[str, Revision], existing: Existing
) -> Iterator[tuple[Kind, Manifest]]:
    waits = existing.account_missing and (DEPLOYMENT, names.deployment(name, goal.name)) not in existing.owned
    for found, pods in sorted(plan.pods.items()):
        if found in known and not (waits and found == goal.name):
            yield DEPLOYMENT, objects.deployment(name, known[found], pods)


def _policies(name: str, spec: ServiceSpec, goal: Revision, plan: Plan) -> Iterator[tuple[Kind, Manifest]]:
    if spec.disruption.enabled:
        budget = None if len(plan.shares) > 1 else plan.stable or goal.name
        yield DISRUPTION_BUDGET, objects.disruption_budget(name, budget, spec.disruption)
    if spec.autoscaling is not None:
        yield AUTOSCALER, autoscaler(name, spec.autoscaling)


def _replays(spec: ServiceSpec) -> bool:
    return spec.rollout.drift.samples is DriftSamples.REPLAY


def _asked(plan: Plan, spec: ServiceSpec, facts: Facts) -> Mapping[str, int]:
    """Whom the Service that users call leads to: where a Gateway divides the traffic, the stable revision alone.

    Where it led to two revisions before there was a Gateway, it does so until the stable one has all of its pods again.
    """
    if spec.traffic.mode is TrafficMode.REPLICA_RATIO or not (plan.stable and plan.shares):
        return plan.shares
    if facts.broad and facts.of(plan.stable).ready < spec.replicas:
        return dict.fromkeys((plan.stable, *sorted(facts.asked)), 1)
    return {plan.stable: WHOLE}


def _routes(name: str, spec: ServiceSpec, plan: Plan, existing: Existing) -> Iterator[tuple[Kind, Manifest]]:
    """What divides the traffic outside the Service that users call. A route that goes is followed by its Service."""
    division = division_of(plan, existing.facts)
    routed = spec.traffic.mode is TrafficMode.GATEWAY
    left = (HTTP_ROUTE, names.traffic_service(name)) in existing.owned
    if routed or left or spec.rollout.strategy is Strategy.CANARY:
        yield SERVICE, objects.canary_service(name, division.canary)
    if routed:
        yield HTTP_ROUTE, http_route(name, spec.traffic, division)


def _account(
    name: str, spec: ServiceSpec, live: Iterable[Revision | None], owned: Collection[tuple[Kind, str]]
) -> list[tuple[Kind, Manifest]]:
    """The operator's own account, as long as pods may need it; an account of the user's is never touched."""
    own = names.service_account(name)
    if spec.pod.account.name == own and (SERVICE_ACCOUNT, own) not in owned:
        return []
    needed = any(item is None or item.template["spec"]["serviceAccountName"] == own for item in live)
    return [(SERVICE_ACCOUNT, objects.service_account(name, spec.pod.account.annotations))] if needed else []


def _numbers(goal: str, plan: Plan, records: Mapping[str, tuple[Revision, int]], limit: int) -> dict[str, int]:
    """Numbers of the records that stay: those of the plan and the newest others, as many as the limit says."""
    numbers = {name: number for name, (_, number) in records.items()}
    newest = max(numbers.values(), default=0)
    waits = goal not in plan.pods and goal not in numbers  # for its turn, which may never come
    if not waits and (numbers.get(goal, -1) < newest or goal not in numbers):
        numbers[goal] = newest + 1  # a revision that comes back is the newest again
    live = {name for name in (*plan.revisions, plan.stable) if name in numbers}
    others = sorted(set(numbers) - live, key=lambda name: numbers[name], reverse=True)
    return {name: numbers[name] for name in (*live, *others[:limit])}
