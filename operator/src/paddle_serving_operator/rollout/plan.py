"""One pass of a rollout, as values: the status that was written and what is seen in, the next plan out."""

from dataclasses import replace
from datetime import datetime

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Finding, Reason, set_conditions
from paddle_serving_operator.api.memory import candidate_of
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.rollout import findings, telling
from paddle_serving_operator.rollout import memory as memories
from paddle_serving_operator.rollout.advance import advance, witnessed
from paddle_serving_operator.rollout.events import events_between
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Memory, remembered
from paddle_serving_operator.rollout.move import Move, Plan, Progress
from paddle_serving_operator.rollout.restrain import restrain
from paddle_serving_operator.rollout.shares import WHOLE


def next_plan(intent: Intent, status: ServiceStatus, facts: Facts, now: datetime) -> Plan:
    """The next plan. The same arguments give the same plan; carrying it out and asking again comes to rest."""
    written = remembered(status)
    move = restrain(advance(intent, written, facts, now), intent, written, facts)
    after = telling.status_after(intent, status, move, facts, now)
    return Plan(
        pods=move.pods,
        shares=move.shares,
        stable=pinned(move, facts),
        status=after,
        look_again_in=move.again,
        polls=move.polls,
        events=(*move.events, *events_between(status, after)),
    )


def pinned(move: Move, facts: Facts) -> str | None:
    """What the Service of the stable revision selects.

    A Gateway divides traffic between Services: the stable one changes only while nothing is sent to it.
    """
    whole = next((name for name, share in move.shares.items() if share == WHOLE), None)
    taken = facts.gateway is not None and facts.gateway.accepted and facts.gateway.canary_weight == WHOLE
    if taken and facts.gateway is not None and whole == facts.gateway.canary:
        return whole
    return move.memory.stable


def holder(intent: Intent, status: ServiceStatus, facts: Facts) -> str | None:
    """The revision that has the traffic, by the Service where it selects what the status names, else by the status."""
    return witnessed(intent, remembered(status), facts).stable


def refused(
    status: ServiceStatus, intent: Intent, facts: Facts, finding: tuple[Reason, str], now: datetime
) -> ServiceStatus:
    """The status of a spec that cannot be used. Nothing else changes: what answers goes on answering.

    `intent.revision` is the revision that has the traffic, so that Ready, Degraded and Evictable stay
    true to its pods.
    """
    reason, message = finding
    progress = Progress(ConditionStatus.FALSE, reason, message)
    memory = witnessed(intent, remembered(status), facts)
    pool = findings.pool_of(memory.stable, facts)
    promised = memories.promised(intent, memory, pool.found.ready)
    found = (
        findings.ready(intent, facts, pool, progress, promised),
        findings.moving(progress),
        findings.degraded(intent, pool, promised),
        findings.evictable(intent, facts),
        *findings.batching(intent, status, facts),
        *findings.outcome(Phase.INVALID, progress),
    )
    return telling.written(intent, status, memory, facts, found, now, phase=Phase.INVALID, divided=None)


def unseen(status: ServiceStatus, generation: int, finding: tuple[Reason, str], now: datetime) -> ServiceStatus:
    """The status where the cluster does not let anybody look: what it said of pods may be wrong by now."""
    reason, message = finding
    progress = Progress(ConditionStatus.FALSE, reason, message)
    found = (
        Finding(ConditionType.READY, ConditionStatus.UNKNOWN, reason, message),
        findings.moving(progress),
        Finding(ConditionType.DEGRADED, ConditionStatus.UNKNOWN, reason, message),
        *findings.outcome(Phase.INVALID, progress),
    )
    return replace(
        status,
        phase=Phase.INVALID,
        observed_generation=generation,
        conditions=set_conditions(status.conditions, found, generation, now),
    )


def names_of(memory: Memory) -> tuple[str, ...]:
    """The revisions that a memory speaks of."""
    return tuple(name for name in (memory.stable, candidate_of(memory.stage)) if name)
