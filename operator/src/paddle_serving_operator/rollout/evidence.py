"""Whether a revision that is Ready has shown as much as the one that it is to replace."""

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.types import Require
from paddle_serving_operator.api.verification import Verification
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Progress


def must_know(intent: Intent, before: Verification | None, current: str | None) -> bool:
    """Whether the wanted revision may have the traffic only when it is known what it proved.

    `before` is what the revision with the traffic, `current`, proved.
    """
    known = before is not None and current is not None and before.revision == current and before.has_recorded
    return known and intent.require is Require.AUTO


def objection(intent: Intent, facts: Facts, current: str | None) -> Progress | None:
    """Why the wanted revision must not take the traffic although all of its pods are Ready; None where it may.

    Answers that were compared with the author's recorded ones are never replaced by answers that were not, unless the
    spec says so. With `require: Recorded` the pods see to it themselves. What the revision with the traffic proved may
    be unknown, and then there is nothing to fall behind.
    """
    before = facts.verification
    if before is None or not must_know(intent, before, current):
        return None
    after = facts.candidate
    if after is None or after.revision != intent.revision:
        text = (
            f"Every pod of revision {intent.revision} is ready, but none could be asked yet whether it was compared "
            f"with recorded answers, as revision {current} was, which serves. The operator asks port 8081 of a pod: "
            "let it through (NetworkPolicy), or set spec.consistency.require to Recorded, which the pods themselves "
            "see to, or to EngineOnly."
        )
        return Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_REPORT, text)
    if after.has_recorded:
        return None
    text = (
        f"The package of revision {intent.revision} has no recorded answers. Revision {current} was compared with its "
        "own, so it goes on serving. Record answers (`paddle-serving-runtime record`) and give the new "
        "digest, or set spec.consistency.require to EngineOnly to do without them."
    )
    return Progress(ConditionStatus.FALSE, Reason.RECORDED_ANSWERS_MISSING, text)
