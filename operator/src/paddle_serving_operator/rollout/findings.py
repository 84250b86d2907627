"""From what was seen to conditions: every sentence that a user reads in a status is written here."""

from dataclasses import dataclass

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Finding, Reason
from paddle_serving_operator.rollout.model import Goal, Observation, RevisionSeen, Trouble

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
CONSISTENCY_REASONS = frozenset({Reason.NOT_CONSISTENT, Reason.NOT_VERIFIABLE})
NOTHING = RevisionSeen(deployed=False, wanted=0, pods=0, ready=0)


@dataclass(frozen=True, slots=True)
class Progress:
    """How the rollout stands: one word, one sentence, and whether it moves."""

    status: ConditionStatus
    reason: Reason
    message: str


def ready(goal: Goal, seen: Observation, current: str | None, progress: Progress) -> Finding:
    """Whether every promised pod of the revision with the traffic answers."""
    kind = ConditionType.READY
    if current is None:
        return Finding(kind, FALSE, progress.reason, progress.message)
    revision = seen.revisions.get(current, NOTHING)
    if goal.replicas == 0:
        text = "spec.replicas is 0, nobody answers. Scale up with `kubectl scale psvc NAME --replicas=1`."
        return Finding(kind, FALSE, Reason.SCALED_TO_ZERO, text)
    count = f"{min(revision.ready, goal.replicas)} of {goal.replicas} pods of revision {current} are ready"
    if revision.ready < goal.replicas:
        trouble = revision.trouble
        return (
            Finding(kind, FALSE, trouble.reason, f"{count}. {trouble.message}")
            if trouble
            else Finding(kind, FALSE, Reason.WAITING_FOR_PODS, f"{count}.")
        )
    if not seen.serving:
        return Finding(kind, FALSE, Reason.WAITING_FOR_ENDPOINTS, f"{count}, but the Service has no endpoints yet.")
    return Finding(kind, TRUE, Reason.AVAILABLE, f"{count}.")


def degraded(goal: Goal, seen: Observation, current: str | None) -> Finding:
    """Whether pods that had the traffic are lost."""
    kind = ConditionType.DEGRADED
    revision = seen.revisions.get(current, NOTHING) if current else NOTHING
    if current is None or goal.replicas == 0 or revision.ready >= goal.replicas:
        return Finding(kind, FALSE, Reason.AVAILABLE, "No pod of the revision with the traffic is lost.")
    if revision.trouble is not None:
        return Finding(kind, TRUE, revision.trouble.reason, revision.trouble.message)
    if revision.dropped:
        text = f"{revision.dropped} pods of revision {current} were Ready and are not any more. Look at nodes and pods."
        return Finding(kind, TRUE, Reason.WAITING_FOR_PODS, text)
    return Finding(kind, FALSE, Reason.WAITING_FOR_PODS, "Pods are starting, none is lost.")


def consistent(goal: Goal, seen: Observation) -> Finding:
    """Whether the pods of the newest spec answered the golden samples as they must."""
    kind = ConditionType.CONSISTENT
    revision = seen.revisions.get(goal.revision, NOTHING)
    trouble = revision.trouble
    report = seen.verification if seen.verification and seen.verification.revision == goal.revision else None
    if trouble is not None and trouble.reason in CONSISTENCY_REASONS:
        return Finding(kind, FALSE, trouble.reason, trouble.message)
    if not goal.consistency_required:
        if report is not None and report.unequal:
            return Finding(
                kind,
                FALSE,
                Reason.NOT_CONSISTENT,
                f"Sample {report.unequal} differs. It serves all the same: spec.consistency.required is false.",
            )
        text = "spec.consistency.required is false: pods serve although nothing was proved. Remove it to be safe."
        return Finding(kind, UNKNOWN, Reason.NOT_REQUIRED, text)
    if revision.ready == 0:
        return Finding(
            kind,
            UNKNOWN,
            Reason.WAITING_FOR_PODS,
            f"No pod of revision {goal.revision} has answered the golden samples yet.",
        )
    if report is None:
        return Finding(kind, TRUE, Reason.GOLDEN_ANSWERS_MATCH, "Every Ready pod answered the golden samples right.")
    against = "Paddle Inference and the recorded answers" if report.verdict == "Recorded" else "Paddle Inference"
    return Finding(kind, TRUE, Reason.GOLDEN_ANSWERS_MATCH, f"{report.samples} golden samples agree with {against}.")


def model_available(goal: Goal, seen: Observation) -> Finding:
    """Whether the package of the newest spec was fetched, with the right digest."""
    kind = ConditionType.MODEL_AVAILABLE
    revision = seen.revisions.get(goal.revision, NOTHING)
    trouble = revision.trouble
    if trouble is not None and trouble.about_model:
        return Finding(kind, FALSE, trouble.reason, trouble.message)
    if revision.ready or revision.fetched:
        return Finding(kind, TRUE, Reason.AVAILABLE, f"The package has the digest {goal.model_digest}.")
    return Finding(kind, UNKNOWN, Reason.WAITING_FOR_PODS, "No pod has fetched the package yet.")


def moving(progress: Progress) -> Finding:
    """The condition of the rollout itself."""
    return Finding(ConditionType.PROGRESSING, progress.status, progress.reason, progress.message)


def stuck(trouble: Trouble) -> Progress:
    """A rollout that cannot go on by itself."""
    return Progress(FALSE, trouble.reason, trouble.message)
