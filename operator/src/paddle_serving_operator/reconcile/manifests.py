"""From a plan to the objects that should exist. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    OWNED_KINDS,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names, objects
from paddle_serving_operator.desired.revision import Revision
from paddle_serving_operator.rollout.model import Plan


@dataclass(frozen=True, slots=True)
class Desired:
    """`manifests` are to be applied in this order; `wanted` is what must not be pruned, those included."""

    manifests: tuple[tuple[Kind, Manifest], ...]
    wanted: frozenset[tuple[Kind, str]]


def desired_objects(
    name: str, spec: ServiceSpec, goal: Revision, plan: Plan, records: Mapping[str, tuple[Revision, int]]
) -> Desired:
    """Everything that should exist for one PaddleService.

    `records` are the recorded revisions with their numbers. One without a record keeps its Deployment as it is.
    """
    known = {found: revision for found, (revision, _) in records.items()} | {goal.name: goal}
    numbers = _numbers(goal.name, plan, records, spec.rollout.revision_history_limit)
    budget = plan.stable or goal.name
    manifests: list[tuple[Kind, Manifest]] = [
        (SERVICE_ACCOUNT, objects.service_account(name)),
        *[
            (CONTROLLER_REVISION, objects.controller_revision(name, known[found], number))
            for found, number in sorted(numbers.items())
        ],
        *[
            (DEPLOYMENT, objects.deployment(name, known[found], spec.replicas))
            for found in plan.revisions
            if found in known
        ],
        (SERVICE, objects.traffic_service(name, plan.traffic)),
        (SERVICE, objects.stable_service(name, plan.stable)),
    ]
    if spec.disruption.enabled:
        manifests.append((DISRUPTION_BUDGET, objects.disruption_budget(name, budget, spec.disruption)))
    unrecorded = {(DEPLOYMENT, names.deployment(name, found)) for found in plan.revisions}
    return Desired(
        manifests=tuple(sorted(manifests, key=lambda item: OWNED_KINDS.index(item[0]))),
        wanted=frozenset({(kind, manifest["metadata"]["name"]) for kind, manifest in manifests} | unrecorded),
    )


def _numbers(goal: str, plan: Plan, records: Mapping[str, tuple[Revision, int]], limit: int) -> dict[str, int]:
    """Numbers of the records that stay: those of the plan and the newest others, as many as the limit says."""
    numbers = {name: number for name, (_, number) in records.items()}
    newest = max(numbers.values(), default=0)
    if numbers.get(goal, -1) < newest or goal not in numbers:
        numbers[goal] = newest + 1  # a revision that comes back is the newest again
    live = {name for name in (*plan.revisions, plan.stable) if name in numbers}
    others = sorted(set(numbers) - live, key=lambda name: numbers[name], reverse=True)
    return {name: numbers[name] for name in (*live, *others[:limit])}
