"""The wanted revision has the traffic: finish the switch, remove what is left, watch."""

from dataclasses import replace
from datetime import datetime

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.rollout import memory as memories
from paddle_serving_operator.rollout import patience, shares
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.guards import Case, draining, in_time, stuck, waiting
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Move, Progress
from paddle_serving_operator.rollout.shares import WHOLE


def settled(intent: Intent, memory: Memory, facts: Facts, now: datetime) -> Move:
    """Every pod of the revision with the traffic; all others go once nobody asks them any more."""
    current = intent.revision
    case = Case(intent, memory, facts, current, intent.replicas, now)
    promised = memories.promised(intent, memory, case.found.ready)
    grows = promised <= case.found.ready < intent.replicas and promised > 0
    progress = waiting(case) if grows else _standing(case)
    waits = progress.reason is not Reason.ROLLED_OUT
    return Move(
        pods={current: intent.replicas},
        shares={current: WHOLE},
        memory=replace(memory, clock=case.clock if waits else None),
        progress=progress,
        again=patience.again(case, progress) if waits else None,
        polls=patience.polls(progress),
    )


def _standing(case: Case) -> Progress:
    """How a revision stands that has the traffic and no fewer pods asked for than before."""
    current, needs = case.revision, case.needs
    if needs > 0 and case.found.ready < needs:
        if case.found.trouble is not None:
            return stuck(case.found.trouble)
        return waiting(case)
    if shares.holders(case.facts) - {current} or case.facts.traffic != current or _nobody_is_asked(case):
        text = f"{case.count}; the endpoints of the Service are being changed."
        return in_time(Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_ENDPOINTS, text), case)
    if old := memories.leaving(case.memory, case.facts):
        text = f"{case.count}; the pods of revision {' and '.join(old)} finish their requests and end."
        return draining(case, text, old)
    return Progress(ConditionStatus.FALSE, Reason.ROLLED_OUT, f"Revision {current} has all traffic.")


def _nobody_is_asked(case: Case) -> bool:
    return case.needs > 0 and case.revision not in case.facts.asked
