"""From a move to the status that tells of it. Decides nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from paddle_serving_operator.api.conditions import ConditionStatus, Finding, Reason, set_conditions
from paddle_serving_operator.api.memory import Stage, Verifying, candidate_of, step_of
from paddle_serving_operator.api.status import Phase, ServiceStatus, Track
from paddle_serving_operator.rollout import findings, shares
from paddle_serving_operator.rollout import memory as memories
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Move


def status_after(intent: Intent, before: ServiceStatus, move: Move, facts: Facts, now: datetime) -> ServiceStatus:
    """The whole status once the move is made."""
    memory, progress = move.memory, move.progress
    pool = findings.pool_of(memory.stable, facts)
    promised = memories.promised(intent, memory, pool.found.ready)
    phase = phase_of(intent, move, facts)
    found = (
        findings.ready(intent, facts, pool, progress, promised),
        findings.moving(progress),
        findings.consistent(intent, facts),
        findings.model_available(intent, facts),
        findings.degraded(intent, pool, promised),
        findings.evictable(intent, facts),
        *findings.batching(intent, before, facts),
        *findings.outcome(phase, progress),
    )
    return written(intent, before, memory, facts, found, now, phase=phase, divided=move.shares)


def phase_of(intent: Intent, move: Move, facts: Facts) -> Phase:
    """Where the rollout stands, in one word."""
    if move.progress.reason is Reason.ROLLED_OUT:
        return Phase.HEALTHY
    if move.progress.status is ConditionStatus.FALSE:
        return Phase.FAILED
    stage = move.memory.stage
    waits = intent.replicas == 0 or not facts.of(intent.revision).deployed
    starting = isinstance(stage, Verifying) and move.memory.stable is None
    return Phase.PENDING if starting and waits else Phase.PROGRESSING


def written(
    intent: Intent,
    before: ServiceStatus,
    memory: Memory,
    facts: Facts,
    found: Iterable[Finding],
    now: datetime,
    *,
    phase: Phase,
    divided: Mapping[str, int] | None,
) -> ServiceStatus:
    """The status with these findings. `divided`: the traffic by revision, None where it is as it was."""
    pool = findings.pool_of(memory.stable, facts)
    weights = _weights(divided, facts) if divided is not None else shares.seen(facts)
    return replace(
        before,
        observed_generation=intent.generation,
        phase=phase,
        conditions=set_conditions(before.conditions, found, intent.generation, now),
        stable=_track(intent, facts, before, memory.stable, weights),
        canary=_track(intent, facts, before, memory.candidate, weights) if memory.candidate != memory.stable else None,
        rollout=memory.written(),
        step=_step(intent, memory.stage),
        verification=facts.verification,
        leaving=memories.leaving(memory, facts),
        promised_replicas=memories.promised(intent, memory, pool.found.ready),
        progress_started_at=memory.clock.started if memory.clock else None,
        progress_replicas=memory.clock.most if memory.clock else 0,
        url=intent.url or before.url,
        replicas=pool.found.pods,
        ready_replicas=pool.found.ready,
    )


def _weights(planned: Mapping[str, int], facts: Facts) -> Mapping[str, int]:
    """A ratio of pods is what it is, from the moment on that the Service selects them.

    A Gateway takes over weights some time after they are written. Who gets everything has it as planned.
    """
    if len(planned) == 1:
        return planned
    return shares.seen(facts) if facts.gateway is not None else shares.ratio(planned, facts)


def _step(intent: Intent, stage: Stage) -> str:
    """The step and how many there are; empty where the spec has none, or others than those that were gone through."""
    if isinstance(stage, Verifying) and intent.steps:
        return f"0/{len(intent.steps)}"
    step = step_of(stage)
    known = step is not None and step < len(intent.steps) and candidate_of(stage) == intent.revision
    return f"{step + 1}/{len(intent.steps)}" if step is not None and known else ""


def _track(
    intent: Intent, facts: Facts, status: ServiceStatus, revision: str | None, weights: Mapping[str, int]
) -> Track | None:
    if revision is None:
        return None
    found = facts.of(revision)
    known = next((track for track in (status.stable, status.canary) if track and track.revision == revision), None)
    wanted = revision == intent.revision
    return Track(
        revision=revision,
        model_digest=intent.model_digest if wanted else found.model_digest or (known.model_digest if known else ""),
        image=intent.image if wanted else found.image or (known.image if known else ""),
        replicas=found.pods,
        ready_replicas=found.ready,
        weight=weights.get(revision, 0),
    )
