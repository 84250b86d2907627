"""From what was seen to conditions: every sentence that a user reads in a status is written here."""

from dataclasses import dataclass, replace

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Finding, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.api.verification import Verification
from paddle_serving_operator.rollout import commands, shares
from paddle_serving_operator.rollout.facts import Facts, RevisionSeen
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Progress

TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
MOST_NAMES = 3
"""Of pods that a sentence names."""

CONSISTENCY_REASONS = frozenset({Reason.NOT_CONSISTENT, Reason.NOT_VERIFIABLE})


@dataclass(frozen=True, slots=True)
class Pool:
    """The pods that users may be answered by: those of the revision with the traffic, or of the two that share it.

    `name` is None where no revision has traffic.
    """

    name: str | None
    found: RevisionSeen


def pool_of(stable: str | None, facts: Facts) -> Pool:
    """The pods that must answer."""
    names = sorted(shares.holders(facts), key=lambda name: (name != stable, name))
    if stable is None or len(names) < 2 or stable not in names:  # noqa: PLR2004 - one has everything
        return Pool(stable, facts.of(stable))
    seen = [facts.of(name) for name in names]
    together = replace(
        seen[0],
        wanted=sum(one.wanted for one in seen),
        pods=sum(one.pods for one in seen),
        ready=sum(one.ready for one in seen),
        dropped=sum(one.dropped for one in seen),
        trouble=next((one.trouble for one in seen if one.trouble), None),
    )
    return Pool(" and ".join(names), together)


def ready(intent: Intent, facts: Facts, pool: Pool, progress: Progress, promised: int) -> Finding:
    """Whether every promised pod answers; pods that are being added are no promise."""
    kind = ConditionType.READY
    if pool.name is None:
        return Finding(kind, FALSE, progress.reason, progress.message)
    if intent.replicas == 0:
        text = f"spec.replicas is 0, nobody answers. Scale up with {commands.scale_to_one(intent.key)}."
        return Finding(kind, FALSE, Reason.SCALED_TO_ZERO, text)
    count = f"{min(pool.found.ready, intent.replicas)} of {intent.replicas} pods of revision {pool.name} are ready"
    if is_short(pool.found, intent, promised):
        trouble = pool.found.trouble
        return (
            Finding(kind, FALSE, trouble.reason, f"{count}. {trouble.message}")
            if trouble
            else Finding(kind, FALSE, Reason.WAITING_FOR_PODS, f"{count}.")
        )
    if not facts.asked:
        return Finding(kind, FALSE, Reason.WAITING_FOR_ENDPOINTS, f"{count}, but the Service has no endpoints yet.")
    if pool.found.ready < intent.replicas:
        return Finding(kind, TRUE, Reason.AVAILABLE, f"{count}; those from before the scale-up answer.")
    return Finding(kind, TRUE, Reason.AVAILABLE, f"{count}.")


def is_short(revision: RevisionSeen, intent: Intent, promised: int) -> bool:
    """Whether fewer pods are Ready than were promised; before the first time that all were Ready, that is all."""
    return revision.ready < (promised or intent.replicas)


def degraded(intent: Intent, pool: Pool, promised: int) -> Finding:
    """Whether pods that had traffic are lost."""
    kind, found = ConditionType.DEGRADED, pool.found
    if pool.name is None or intent.replicas == 0 or not is_short(found, intent, promised):
        return Finding(kind, FALSE, Reason.AVAILABLE, "No pod of the revision with the traffic is lost.")
    if found.trouble is not None:
        return Finding(kind, TRUE, found.trouble.reason, found.trouble.message)
    if found.dropped:
        lost = "1 pod" if found.dropped == 1 else f"{found.dropped} pods"
        was = "was Ready and is not" if found.dropped == 1 else "were Ready and are not"
        text = f"{lost} of revision {pool.name} {was} any more. Look at nodes and pods."
        return Finding(kind, TRUE, Reason.PODS_LOST, text)
    return Finding(kind, FALSE, Reason.WAITING_FOR_PODS, "Pods are starting, none is lost.")


def consistent(intent: Intent, facts: Facts) -> Finding:
    """Whether the pods of the newest spec answered the golden samples as they must."""
    kind = ConditionType.CONSISTENT
    revision = facts.of(intent.revision)
    trouble = revision.trouble
    known = (facts.candidate, facts.verification)
    report = next((report for report in known if report and report.revision == intent.revision), None)
    if trouble is not None and trouble.reason in CONSISTENCY_REASONS:
        return Finding(kind, FALSE, trouble.reason, trouble.message)
    if not intent.consistency_required:
        if report is not None and report.unequal:
            return Finding(
                kind,
                FALSE,
                Reason.NOT_CONSISTENT,
                f"Sample {report.unequal} differs. It serves anyway: spec.consistency.required is false.",
            )
        text = "spec.consistency.required is false: pods serve although nothing was proved. Remove it to be safe."
        return Finding(kind, UNKNOWN, Reason.NOT_REQUIRED, text)
    if revision.ready == 0:
        return Finding(
            kind,
            UNKNOWN,
            Reason.NOT_PROVED_YET,
            f"No pod of revision {intent.revision} has answered the golden samples yet.",
        )
    if report is None:
        return Finding(
            kind, TRUE, Reason.GOLDEN_ANSWERS_MATCH, "Every Ready pod answered the golden samples correctly."
        )
    return Finding(kind, TRUE, Reason.GOLDEN_ANSWERS_MATCH, proved(report))


def proved(report: Verification) -> str:
    """What a revision proved, how well, and what its package should have besides."""
    if report.verdict == "None":
        return " ".join(("Nothing was proved.", *report.warnings))
    against = "Paddle Inference and the recorded answers" if report.verdict == "Recorded" else "Paddle Inference"
    number = "1 golden sample agrees" if report.samples == 1 else f"{report.samples} golden samples agree"
    few = f" ({report.recorded} of them have one)" if 0 < report.recorded < report.samples else ""
    far = f" Largest difference from the recorded answers: {report.difference}." if report.difference else ""
    return " ".join((f"{number} with {against}{few}.{far}", *report.warnings))


def model_available(intent: Intent, facts: Facts) -> Finding:
    """Whether the package of the newest spec was fetched, with the right digest."""
    kind = ConditionType.MODEL_AVAILABLE
    revision = facts.of(intent.revision)
    trouble = revision.trouble
    if trouble is not None and trouble.about_model:
        return Finding(kind, FALSE, trouble.reason, trouble.message)
    if revision.ready or revision.fetched:
        return Finding(kind, TRUE, Reason.AVAILABLE, f"The package has the digest {intent.model_digest}.")
    return Finding(kind, UNKNOWN, Reason.NOT_FETCHED_YET, "No pod has fetched the package yet.")


def evictable(intent: Intent, facts: Facts) -> Finding:
    """Whether a node drain can move the pods: the API server evicts no pod that has more than one budget."""
    kind = ConditionType.EVICTABLE
    if len(facts.budgets) + intent.budgeted <= 1:
        return Finding(kind, TRUE, Reason.AVAILABLE, "At most one PodDisruptionBudget covers the pods.")
    others = " and ".join(facts.budgets)
    also = "the operator's own budget covers" if intent.budgeted else "each cover"
    advice = "set spec.disruption.enabled to false, or delete it" if intent.budgeted else "delete all but one"
    text = (
        f"PodDisruptionBudget {others}: {also} the same pods, and Kubernetes evicts no pod that has several budgets. "
    )
    return Finding(kind, FALSE, Reason.SEVERAL_BUDGETS, f"{text}No node with such a pod can be drained; {advice}.")


def batching(intent: Intent, before: ServiceStatus, facts: Facts) -> tuple[Finding, ...]:
    """Whether requests that shared a run got the bits that they get alone; nothing while no audit says otherwise."""
    kind, pods = ConditionType.BATCHING, facts.batch_differences
    if pods is None or (not pods and before.condition(kind) is None):
        return ()
    if not pods:
        return (Finding(kind, TRUE, Reason.BATCHES_AGREE, "No audit of a pod that is Ready has found a difference."),)
    more = f" and {len(pods) - MOST_NAMES} more" if len(pods) > MOST_NAMES else ""
    text = (
        f"An audit found that a request gets other bits in a run with others than alone, in pod "
        f"{', '.join(pods[:MOST_NAMES])}{more}, which computes every request alone since then. Answers of earlier "
        f"shared runs may have differed too. See {commands.batching_log(pods[0], intent.key)}; set "
        "spec.engine.batching.mode to Off, or add a golden sample that shows it, so that no pod batches."
    )
    return (Finding(kind, FALSE, Reason.BATCH_DIFFERENCE, text),)


def outcome(phase: Phase | None, progress: Progress) -> tuple[Finding, Finding, Finding]:
    """Whether the newest spec is done, under way or stuck, for those who wait: kubectl wait, and kstatus.

    A rollout that is held as its spec asks (paused) is neither under way nor stuck.
    """
    found = {
        ConditionType.HEALTHY: phase is Phase.HEALTHY,
        ConditionType.RECONCILING: progress.status is TRUE,
        ConditionType.STALLED: phase in {Phase.FAILED, Phase.INVALID},
    }
    healthy, reconciling, stalled = (
        Finding(kind, TRUE if holds else FALSE, progress.reason, progress.message) for kind, holds in found.items()
    )
    return healthy, reconciling, stalled


def moving(progress: Progress) -> Finding:
    """The condition of the rollout itself."""
    return Finding(ConditionType.PROGRESSING, progress.status, progress.reason, progress.message)
