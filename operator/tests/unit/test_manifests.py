from collections.abc import Callable, Mapping
from typing import Any

from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import (
    AUTOSCALER,
    CONFIG_MAP,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    OWNED_KINDS,
    SERVICE,
    SERVICE_ACCOUNT,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired.build import Desired, Existing, desired_objects
from paddle_serving_operator.desired.revision import Revision, revision_of
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.settings import Profile

MakeSpec = Callable[..., ServiceSpec]
Profiles = Mapping[str, Profile]


def revisions(make_spec: MakeSpec, profiles: Profiles, count: int) -> list[Revision]:
    return [revision_of("ocr", make_spec(drain={"delay": f"{number}s"}), profiles["cpu"]) for number in range(count)]


def plan_of(revisions: tuple[str, ...], traffic: str | None, stable: str | None, replicas: int = 1) -> Plan:
    shares = {traffic: 100} if traffic else {}
    return Plan(dict.fromkeys(revisions, replicas), shares, stable, ServiceStatus())


def named(desired: Desired, kind: Kind) -> dict[str, Any]:
    return {manifest["metadata"]["name"]: manifest for found, manifest in desired.manifests if found is kind}


def desire(
    spec: ServiceSpec,
    goal: Revision,
    plan: Plan,
    records: Mapping[str, tuple[Revision, int]],
    *,
    owned: Mapping[tuple[Kind, str], Manifest] | None = None,
    account_missing: bool = False,
) -> Desired:
    facts = Facts(None, frozenset(), frozenset(), {})
    return desired_objects("ocr", spec, goal, plan, Existing(records, owned or {}, {}, facts, account_missing))


def test_objects_come_in_the_order_in_which_they_need_each_other(make_spec: MakeSpec, profiles: Profiles) -> None:
    (made,) = revisions(make_spec, profiles, 1)
    desired = desire(make_spec(), made, plan_of((made.name,), None, None), {})
    order = [OWNED_KINDS.index(kind) for kind, _ in desired.manifests]
    assert order == sorted(order)
    optional = {OWNED_KINDS.index(kind) for kind in (CONFIG_MAP, AUTOSCALER)}
    assert set(order) == set(range(len(OWNED_KINDS))) - optional


def test_the_deployment_of_the_stable_revision_is_built_from_its_record(
    make_spec: MakeSpec, profiles: Profiles
) -> None:
    old, new = revisions(make_spec, profiles, 2)
    plan = plan_of((old.name, new.name), old.name, old.name, replicas=3)
    desired = desire(make_spec(replicas=3), new, plan, {old.name: (old, 1)})
    deployments = named(desired, DEPLOYMENT)
    assert set(deployments) == {f"ocr-{old.name}", f"ocr-{new.name}"}
    assert all(deployment["spec"]["replicas"] == 3 for deployment in deployments.values())
    assert deployments[f"ocr-{old.name}"]["spec"]["template"]["spec"] == old.template["spec"]
    budget = named(desired, DISRUPTION_BUDGET)["ocr"]
    assert budget["spec"]["selector"]["matchLabels"]["serving.paddlepaddle.org/revision"] == old.name


def test_a_deployment_without_a_record_is_neither_changed_nor_deleted(make_spec: MakeSpec, profiles: Profiles) -> None:
    old, new = revisions(make_spec, profiles, 2)
    desired = desire(make_spec(), new, plan_of((old.name, new.name), old.name, old.name), {})
    assert f"ocr-{old.name}" not in named(desired, DEPLOYMENT)
    assert (DEPLOYMENT, f"ocr-{old.name}") in desired.wanted


def test_the_history_keeps_the_newest_records_and_all_that_are_live(make_spec: MakeSpec, profiles: Profiles) -> None:
    made = revisions(make_spec, profiles, 6)
    records = {revision.name: (revision, number) for number, revision in enumerate(made[:5], start=1)}
    plan = plan_of((made[0].name, made[5].name), made[0].name, made[0].name)
    desired = desire(make_spec(rollout={"revisionHistoryLimit": 2}), made[5], plan, records)
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
    plan = plan_of((old.name,), old.name, old.name)
    back = desire(make_spec(), old, plan, {old.name: (old, 1), new.name: (new, 2)})
    assert named(back, CONTROLLER_REVISION)[f"ocr-{old.name}"]["revision"] == 3
    again = desire(make_spec(), old, plan, {old.name: (old, 3), new.name: (new, 2)})
    assert named(again, CONTROLLER_REVISION)[f"ocr-{old.name}"]["revision"] == 3


def test_without_a_budget_none_is_made(make_spec: MakeSpec, profiles: Profiles) -> None:
    (made,) = revisions(make_spec, profiles, 1)
    spec = make_spec(disruption={"enabled": False})
    desired = desire(spec, made, plan_of((made.name,), None, None), {})
    assert named(desired, DISRUPTION_BUDGET) == {}
    assert set(named(desired, SERVICE)) == {"ocr", "ocr-stable"}


def alone(revision: Revision) -> Plan:
    return plan_of((revision.name,), None, None)


def test_an_account_of_the_users_is_used_and_never_touched(make_spec: MakeSpec, profiles: Profiles) -> None:
    for name in ("reader", "ocr"):  # of another name, and of the name that the operator's own would have
        spec = make_spec(pod={"serviceAccount": {"name": name}})
        made = revision_of("ocr", spec, profiles["cpu"])
        desired = desire(spec, made, alone(made), {})
        assert named(desired, SERVICE_ACCOUNT) == {}
        (deployment,) = named(desired, DEPLOYMENT).values()
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == name


def test_the_operators_account_stays_as_long_as_a_revision_uses_it(make_spec: MakeSpec, profiles: Profiles) -> None:
    spec = make_spec(pod={"serviceAccount": {"name": "reader"}})
    old, new = revision_of("ocr", make_spec(), profiles["cpu"]), revision_of("ocr", spec, profiles["cpu"])
    both = plan_of((old.name, new.name), old.name, old.name)
    owned: Mapping[tuple[Kind, str], Manifest] = {(SERVICE_ACCOUNT, "ocr"): {}}
    assert (SERVICE_ACCOUNT, "ocr") in desire(spec, new, both, {old.name: (old, 1)}, owned=owned).wanted
    assert (SERVICE_ACCOUNT, "ocr") in desire(spec, new, both, {}, owned=owned).wanted
    assert (SERVICE_ACCOUNT, "ocr") not in desire(spec, new, alone(new), {old.name: (old, 1)}, owned=owned).wanted


def test_an_account_that_is_named_although_the_operator_made_it_stays(make_spec: MakeSpec, profiles: Profiles) -> None:
    spec = make_spec(pod={"serviceAccount": {"name": "ocr"}})
    made = revision_of("ocr", spec, profiles["cpu"])
    desired = desire(spec, made, alone(made), {}, owned={(SERVICE_ACCOUNT, "ocr"): {}})
    assert (SERVICE_ACCOUNT, "ocr") in desired.wanted


def test_annotations_are_on_the_operators_account_and_make_a_revision(make_spec: MakeSpec, profiles: Profiles) -> None:
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/models"}
    spec = make_spec(pod={"serviceAccount": {"annotations": role}})
    made = revision_of("ocr", spec, profiles["cpu"])
    account = named(desire(spec, made, alone(made), {}), SERVICE_ACCOUNT)["ocr"]
    assert account["metadata"]["annotations"] == role
    assert account["automountServiceAccountToken"] is False
    assert made.name != revision_of("ocr", make_spec(), profiles["cpu"]).name


def test_a_revision_whose_account_is_missing_is_not_started_and_a_running_one_stays(
    make_spec: MakeSpec, profiles: Profiles
) -> None:
    spec = make_spec(pod={"serviceAccount": {"name": "reader"}})
    made = revision_of("ocr", spec, profiles["cpu"])
    waits = desire(spec, made, alone(made), {}, account_missing=True)
    assert named(waits, DEPLOYMENT) == {}
    runs = desire(spec, made, alone(made), {}, owned={(DEPLOYMENT, f"ocr-{made.name}"): {}}, account_missing=True)
    assert named(runs, DEPLOYMENT) != {}
