"""What is done for the revision that serves while the newest spec cannot be used: it is healed and scaled. Pure."""

from collections.abc import Iterator
from datetime import timedelta

from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import Disruption
from paddle_serving_operator.api.upkeep import Upkeep
from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    SERVICE,
    SERVICE_ACCOUNT,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names, objects
from paddle_serving_operator.observe.snapshot import Snapshot
from paddle_serving_operator.rollout import shares
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent


def upkeep_that_is(key: Key, snapshot: Snapshot, revision: str | None) -> Upkeep:
    """What the cluster has, for the parts of a spec that cannot be read."""
    deployment = snapshot.owned.get((DEPLOYMENT, names.deployment(key.name, revision or "")))
    budget = snapshot.owned.get((DISRUPTION_BUDGET, names.disruption_budget(key.name)))
    return Upkeep(
        replicas=int(deployment["spec"].get("replicas", 1)) if deployment else 1,
        disruption=Disruption(enabled=True, max_unavailable=budget["spec"].get("maxUnavailable", 1) if budget else 1),
        annotations=None,
    )


def held_objects(
    name: str, upkeep: Upkeep, current: str | None, snapshot: Snapshot, facts: Facts
) -> list[tuple[Kind, Manifest]]:
    """The objects that the revision with the traffic needs, in the order in which they are applied.

    Where none has traffic only Services that exist are among them, so that nobody else's pods get it. A candidate is
    neither changed nor removed. Records are put back as they were.
    """
    if current is None:
        services = [objects.traffic_service(name, {}), objects.stable_service(name, None)]
        return [(SERVICE, item) for item in services if (SERVICE, item["metadata"]["name"]) in snapshot.owned]
    return [*_held(name, upkeep, current, snapshot, facts)]


def _held(name: str, upkeep: Upkeep, current: str, snapshot: Snapshot, facts: Facts) -> Iterator[tuple[Kind, Manifest]]:
    records = snapshot.records()
    revision = records[current][0] if current in records else None
    own = names.service_account(name)
    exists = (SERVICE_ACCOUNT, own) in snapshot.owned
    needed = revision is not None and revision.template["spec"]["serviceAccountName"] == own
    if needed and not (exists and upkeep.annotations is None):
        yield SERVICE_ACCOUNT, objects.service_account(name, upkeep.annotations or {})
    for recorded, number in sorted(records.values(), key=lambda item: item[0].name):
        yield CONTROLLER_REVISION, objects.controller_revision(name, recorded, number)
    # while two share the traffic, their numbers are the ratio and stay as they are
    two = facts.broad and facts.of(current).deployed
    if revision:  # without its record it can only stay as it is
        yield DEPLOYMENT, objects.deployment(name, revision, facts.of(current).wanted if two else upkeep.replicas)
    yield SERVICE, objects.traffic_service(name, shares.seen(facts) if two else {current: shares.WHOLE})
    stable = snapshot.owned.get((SERVICE, names.stable_service(name)), {})
    replays = any(port["name"] == "admin" for port in stable.get("spec", {}).get("ports", ()))
    yield SERVICE, objects.stable_service(name, current, replays=replays)
    if upkeep.disruption.enabled:
        yield DISRUPTION_BUDGET, objects.disruption_budget(name, None if two else current, upkeep.disruption)


def goal_of_stable(key: Key, resource: Manifest, status: ServiceStatus) -> Intent:
    """What the revision with the traffic promises, for a spec that cannot be used; how many pods is not said yet."""
    stable = status.stable
    return Intent(
        key=key,
        generation=resource["metadata"]["generation"],
        revision=stable.revision if stable else "",
        model_digest=stable.model_digest if stable else "",
        image=stable.image if stable else "",
        replicas=0,
        progress_deadline=timedelta(0),
        paused=True,
        consistency_required=True,
        url=status.url or names.url(key),
    )
