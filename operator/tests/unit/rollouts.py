"""A rollout in values: goals, statuses and observations that differ from a small one in what a test is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from paddle_serving_operator.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus, Track
from paddle_serving_operator.constants import Key
from paddle_serving_operator.rollout.facts import Facts, RevisionSeen, Trouble
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan

KEY = Key("models", "ocr-rec")
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
OLD, NEW, NEXT = "a" * 10, "b" * 10, "c" * 10
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN


def goal(revision: str = NEW, **fields: object) -> Intent:
    made = Intent(
        key=KEY,
        generation=1,
        revision=revision,
        model_digest=f"sha256:{revision}",
        image="runtime:1",
        replicas=2,
        progress_deadline=timedelta(minutes=10),
        paused=False,
        consistency_required=True,
        url="http://ocr.default.svc",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def track(revision: str) -> Track:
    return Track(revision, f"sha256:{revision}", "runtime:1", 2, 2, 100)


def pods(ready: int, wanted: int = 2, trouble: Trouble | None = None) -> RevisionSeen:
    return RevisionSeen(deployed=True, wanted=wanted, pods=wanted, ready=ready, trouble=trouble)


def seen(
    traffic: str | None,
    revisions: dict[str, RevisionSeen] | None = None,
    serving: set[str] | None = None,
    asked: set[str] | None = None,
) -> Facts:
    endpoints = ({traffic} if traffic else set()) if serving is None else serving
    return Facts(traffic, frozenset(endpoints), frozenset(endpoints if asked is None else asked), revisions or {})


STABLE = ServiceStatus(observed_generation=1, phase=Phase.HEALTHY, stable=track(OLD))
ROLLING = replace(STABLE, phase=Phase.PROGRESSING, canary=track(NEW), progress_started_at=NOW)
NOT_CONSISTENT = Trouble(Reason.NOT_CONSISTENT, "hello.json differs", terminal=True)
UNSCHEDULABLE = Trouble(Reason.UNSCHEDULABLE, "No node takes pod x", terminal=False)
NO_MODEL = Trouble(Reason.DIGEST_MISMATCH, "expected 1, found 2", terminal=True, about_model=True)


def condition(plan: Plan, kind: ConditionType) -> Condition:
    found = plan.status.condition(kind)
    assert found is not None
    return found


def finished(replicas: int = 2) -> ServiceStatus:
    """The status of a service that was Healthy with so many pods."""
    found = seen(OLD, revisions={OLD: pods(replicas, replicas)})
    return next_plan(goal(OLD, replicas=replicas), replace(STABLE, stable=track(OLD)), found, NOW).status
