from collections.abc import Callable, Mapping
from typing import Any

from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    OWNED_KINDS,
    SERVICE,
    Kind,
)
from paddle_serving_operator.desired.revision import Revision, revision_of
from paddle_serving_operator.reconcile.manifests import Desired, desired_objects
from paddle_serving_operator.rollout.model import Plan
from paddle_serving_operator.settings import Profile

MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]


def revisions(make_spec: MakeSpec, profiles: Profiles, count: int) -> list[Revision]:
    return [revision_of("ocr", make_spec(drain={"delay": f"{number}s"}), profiles["cpu"]) for number in range(count)]


def named(desired: Desired, kind: Kind) -> dict[str, Any]:
    return {manifest["metadata"]["name"]: manifest for found, manifest in desired.manifests if found is kind}


def test_objects_come_in_the_order_in_which_they_need_each_other(make_spec: MakeSpec, profiles: Profiles) -> None:
    (made,) = revisions(make_spec, profiles, 1)
    desired = desired_objects("ocr", make_spec(), made, Plan((made.name,), None, None, ServiceStatus()), {})
    order = [OWNED_KINDS.index(kind) for kind, _ in desired.manifests]
    assert order == sorted(order)
    assert set(order) == set(range(len(OWNED_KINDS)))


def test_the_deployment_of_the_stable_revision_is_built_from_its_record(
    make_spec: MakeSpec, profiles: Profiles
) -> None:
    old, new = revisions(make_spec, profiles, 2)
    plan = Plan((old.name, new.name), old.name, old.name, ServiceStatus())
    desired = desired_objects("ocr", make_spec(replicas=3), new, plan, {old.name: (old, 1)})
    deployments = named(desired, DEPLOYMENT)
    assert set(deployments) == {f"ocr-{old.name}", f"ocr-{new.name}"}
    assert all(deployment["spec"]["replicas"] == 3 for deployment in deployments.values())
    assert deployments[f"ocr-{old.name}"]["spec"]["template"]["spec"] == old.template["spec"]
    budget = named(desired, DISRUPTION_BUDGET)["ocr"]
    assert budget["spec"]["selector"]["matchLabels"]["serving.paddlepaddle.org/revision"] == old.name


def test_a_deployment_without_a_record_is_neither_changed_nor_deleted(make_spec: MakeSpec, profiles: Profiles) -> None:
    old, new = revisions(make_spec, profiles, 2)
    desired = desired_objects(
        "ocr", make_spec(), new, Plan((old.name, new.name), old.name, old.name, ServiceStatus()), {}
    )
    assert f"ocr-{old.name}" not in named(desired, DEPLOYMENT)
    assert (DEPLOYMENT, f"ocr-{old.name}") in desired.wanted


def test_the_history_keeps_the_newest_records_and_all_that_are_live(make_spec: MakeSpec, profiles: Profiles) -> None:
    made = revisions(make_spec, profiles, 6)
    records = {revision.name: (revision, number) for number, revision in enumerate(made[:5], start=1)}
    plan = Plan((made[0].name, made[5].name), made[0].name, made[0].name, ServiceStatus())
    desired = desired_objects("ocr", make_spec(rollout={"revisionHistoryLimit": 2}), made[5], plan, records)
    kept = {name: record["revision"] for name, record in named(desired, CONTROLLER_REVISION).items()}
    assert kept == {
        f"ocr-{made[0].name}": 1,
        f"ocr-{made[3].name}": 4,
        f"ocr-{made[4].name}": 5,
        f"ocr-{made[5].name}": 6,
    }


def test_a_revision_that_comes_back_is_the_newest_again_and_then_keeps_its_number(
    make_spec: MakeSpec, profiles: Profiles
) -> None:
    old, new = revisions(make_spec, profiles, 2)
    plan = Plan((old.name,), old.name, old.name, ServiceStatus())
    back = desired_objects("ocr", make_spec(), old, plan, {old.name: (old, 1), new.name: (new, 2)})
    assert named(back, CONTROLLER_REVISION)[f"ocr-{old.name}"]["revision"] == 3
    again = desired_objects("ocr", make_spec(), old, plan, {old.name: (old, 3), new.name: (new, 2)})
    assert named(again, CONTROLLER_REVISION)[f"ocr-{old.name}"]["revision"] == 3


def test_without_a_budget_none_is_made(make_spec: MakeSpec, profiles: Profiles) -> None:
    (made,) = revisions(make_spec, profiles, 1)
    spec = make_spec(disruption={"enabled": False})
    desired = desired_objects("ocr", spec, made, Plan((made.name,), None, None, ServiceStatus()), {})
    assert named(desired, DISRUPTION_BUDGET) == {}
    assert set(named(desired, SERVICE)) == {"ocr", "ocr-stable"}
