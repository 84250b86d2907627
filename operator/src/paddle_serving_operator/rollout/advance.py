"""The state machine of a rollout: a total function from what is asked, remembered and seen to the next move.

No clock, no I/O: timers are timestamps in the memory. Canary is steps, BlueGreen is no steps, Recreate is capacity
first; no strategy has code of its own. What no move may do whatever the stage says is in restrain.py.
"""

from dataclasses import replace
from datetime import datetime

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.memory import Halted, Idle, Promoting, Retreating, Shifting, Verifying, Why, step_of
from paddle_serving_operator.rollout import guards, patience, settled, shares, turns
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.guards import Case, clock_after, first_objection
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Clock, Memory, dated
from paddle_serving_operator.rollout.move import Move, Progress
from paddle_serving_operator.rollout.shares import WHOLE
from paddle_serving_operator.rollout.verbs import obeyed


def advance(intent: Intent, memory: Memory, facts: Facts, now: datetime) -> Move:
    """The next move. The same arguments give the same move; making it and asking again comes to rest."""
    memory = dated(memory, now)
    aimed = retargeted(intent, witnessed(intent, memory, facts), facts, now)
    heard, events = obeyed(intent, turns.entitled(intent, aimed, facts), now)
    ordered = turns.entitled(intent, heard, facts)  # a verb may have begun a rollout
    match ordered.stage:
        case Idle():
            move = settled.settled(intent, ordered, facts, now)
        case Verifying() as stage:
            queued = turns.waiting(intent, ordered, facts, memory)
            move = queued or verifying(intent, ordered, facts, now, stage, written=memory)
        case Shifting() as stage:
            move = shifting(intent, ordered, facts, now, stage)
        case Promoting() as stage:
            move = promoting(intent, ordered, facts, now, stage)
        case Retreating() as stage:
            move = retreating(intent, ordered, facts, now, stage)
        case Halted() as stage:
            move = halted(intent, ordered, stage)
    return replace(turns.over(move, facts), events=(*events, *move.events))


def witnessed(intent: Intent, memory: Memory, facts: Facts) -> Memory:
    """The memory after what the cluster shows and no status says yet, because the operator ended in between.

    What the traffic Service selects has the traffic, where the status names it as the candidate, or names nothing.
    """
    moving = isinstance(memory.stage, Verifying | Shifting | Promoting)
    if facts.traffic in facts.revisions and (memory.stable is None or (moving and facts.traffic == memory.candidate)):
        left = memory.without(memory.stable)
        return replace(left, stable=facts.traffic, stage=Idle(), held=False, clock=None)
    lost = memory.stable is None and isinstance(memory.stage, Idle)
    if lost and facts.broad:  # a status that was lost: what answers goes on answering
        stable = facts.pinned or min(facts.asked - {intent.revision}, default=None)
        return replace(memory, stable=stable or min(facts.asked, default=None), stage=Idle())
    if memory.stable in facts.revisions or memory.stable == intent.revision:
        return memory
    # a stable revision of which neither Deployment nor record is left cannot have traffic again
    return replace(memory, stable=None)


def retargeted(intent: Intent, memory: Memory, facts: Facts, now: datetime) -> Memory:
    """The memory for the revision that is asked for now. A candidate with a share loses it before another is begun."""
    stage, target = memory.stage, intent.revision
    if memory.candidate == target and target != memory.stable:
        # with nobody left beside it there is nothing to divide
        if isinstance(stage, Shifting) and (stage.step >= len(intent.steps) or memory.stable is None):
            return memory.enter(Promoting(target, now))
        return memory
    if isinstance(stage, Retreating):
        return memory
    if isinstance(stage, Shifting | Promoting) and stage.candidate in shares.holders(facts):
        text = f"The spec asks for revision {target} now."
        left = Retreating(stage.candidate, now, Why(Reason.SUPERSEDED, text), step_of(stage))
        return replace(memory, stage=left, clock=None)
    if target == memory.stable:
        return memory if isinstance(stage, Idle) else replace(memory, stage=Idle(), held=False, clock=None)
    return replace(memory, stage=Verifying(target, now), held=False, clock=None)


def verifying(
    intent: Intent, memory: Memory, facts: Facts, now: datetime, stage: Verifying, *, written: Memory
) -> Move:
    """A candidate without traffic: it gets a share when nothing is said against it any more."""
    first = intent.replicas if not intent.steps or memory.stable is None else min(1, intent.replicas)
    case = Case(intent, memory, facts, stage.candidate, first, now)
    # the last rule looks at the status as it was read
    objection = first_objection(guards.MAY_TAKE_SHARE, case) or guards.is_written(replace(case, memory=written))
    if objection is None and intent.steps and memory.stable is not None and not stage.skip:
        clock = Clock(now, case.found.ready)
        begun = replace(memory, stage=Shifting(stage.candidate, now, 0), clock=clock)
        return shifting(intent, begun, facts, now, Shifting(stage.candidate, now, 0), entered=True)
    if objection is None:
        return promoting(intent, memory.enter(Promoting(stage.candidate, now)), facts, now, None)
    if _gives_up(intent, memory, objection):
        why = Why(objection.reason, objection.message)
        return halting(replace(memory, clock=None), facts, Halted(stage.candidate, now, why))
    return Move(
        pods=_beside_stable(intent, memory, facts, stage.candidate, first),
        shares=_all_to(memory.stable),
        memory=replace(memory, clock=clock_after(case, objection)),
        progress=objection,
        again=patience.again(case, objection),
        polls=patience.polls(objection),
    )


def _gives_up(intent: Intent, memory: Memory, objection: Progress) -> bool:
    """Where the pods from before had to end, a candidate that fails must not leave users without any."""
    failed = objection.status is ConditionStatus.FALSE
    return failed and intent.capacity_first and intent.rollback and memory.stable is not None


def _beside_stable(intent: Intent, memory: Memory, facts: Facts, candidate: str, first: int) -> dict[str, int]:
    stable = memory.stable
    if stable is None:
        return {candidate: first}
    if not intent.capacity_first:
        return {stable: intent.replicas, candidate: first}
    ended = stable not in facts.answering and not facts.of(stable).pods
    return {stable: 0, candidate: first if ended or facts.of(candidate).pods else 0}


def shifting(
    intent: Intent, memory: Memory, facts: Facts, now: datetime, stage: Shifting, *, entered: bool = False
) -> Move:
    """A candidate with the share of a step. `entered`: in this very pass."""
    stable, candidate = memory.stable or "", stage.candidate
    weight = intent.steps[stage.step].weight
    rest, share = shares.sizes(intent.replicas, weight, intent.surge) if intent.replicas else (0, 0)
    case = Case(intent, memory, facts, candidate, share, now)
    trouble = first_objection(guards.MUST_RETREAT, case)
    objection = trouble or first_objection(guards.MAY_GO_ON, case)
    if objection is not None and objection.status is ConditionStatus.FALSE and intent.rollback:
        why = Why(objection.reason, objection.message)
        left = Retreating(candidate, now, why, stage.step)
        return retreating(intent, replace(memory, stage=left, clock=None), facts, now, left)
    if guards.share_is_seen(case) is None and stage.arrived is None:
        stage = replace(stage, arrived=now)
        objection = objection or guards.has_been_held(replace(case, memory=memory.enter(stage)))
    remaining = _shrinking(intent, facts, stable, candidate, rest)
    over = Progress(ConditionStatus.TRUE, Reason.SHIFTING_TRAFFIC, f"{case.count}; the step is over.")
    kept = Move(
        pods={stable: remaining, candidate: _growing(intent, facts, candidate, share, remaining)},
        shares={stable: WHOLE - weight, candidate: weight},
        memory=replace(memory, stage=stage, clock=clock_after(case, objection)),
        progress=objection or over,
        again=patience.earliest(
            guards.left_of_pause(replace(case, memory=memory.enter(stage))),
            patience.again(case, objection or over),
            patience.next_reading(intent, objection),
        ),
        polls=objection is None or patience.polls(objection),
    )
    if objection is not None or entered:
        return kept
    # Only the memory moves on: pods of a step that no written status names would be taken back by an operator that
    # is started anew, and so on for as long as it is ended in between.
    return replace(
        kept, memory=replace(memory, stage=_following(intent, stage, now), clock=Clock(now, case.found.ready))
    )


def _following(intent: Intent, stage: Shifting, now: datetime) -> Shifting | Promoting:
    if stage.step + 1 < len(intent.steps):
        return Shifting(stage.candidate, now, stage.step + 1)
    return Promoting(stage.candidate, now)


def _shrinking(intent: Intent, facts: Facts, stable: str, candidate: str, rest: int) -> int:
    """Pods of the stable revision while the candidate grows: one goes for each that is asked there, down to `rest`.

    Where a Gateway divides the traffic all of them stay: the weights can come back at any moment.
    """
    if facts.gateway is not None:
        return intent.replicas
    answering = facts.of(candidate).ready if candidate in facts.asked else 0
    return max(rest, min(facts.of(stable).wanted or intent.replicas, intent.replicas - answering))


def _growing(intent: Intent, facts: Facts, candidate: str, goal: int, stable_pods: int) -> int:
    """Pods of the candidate on its way to `goal`: as many as `maxSurge` leaves room for, at least one at a time."""
    if facts.gateway is not None:
        return goal
    room = intent.replicas + max(1, intent.surge) - stable_pods
    return min(goal, max(room, min(facts.of(candidate).wanted, goal), 1))


def promoting(intent: Intent, memory: Memory, facts: Facts, now: datetime, stage: Promoting | None) -> Move:
    """A candidate that gets all traffic once all of its pods are Ready. Trouble is told, and both revisions are kept.

    `stage` None: it is entered in this very pass.
    """
    candidate, stable = memory.candidate or "", memory.stable
    case = Case(intent, memory, facts, candidate, intent.replicas, now)
    objection = first_objection((guards.has_replicas, guards.pods_are_ready, guards.is_not_held), case)
    clock = clock_after(case, objection)
    pods = {candidate: intent.replicas}
    if stable is not None:
        mixed = {candidate, stable} <= shares.holders(facts)
        kept_back = intent.steps or intent.capacity_first
        pods[stable] = min(facts.of(stable).wanted, intent.replicas) if kept_back else intent.replicas
        if mixed:
            pods[stable] = _shrinking(intent, facts, stable, candidate, min(1, intent.replicas))
            pods[candidate] = _growing(intent, facts, candidate, intent.replicas, pods[stable])
    if objection is not None:
        kept = shares.kept(facts, stable, candidate)
        after = patience.again(case, objection)
        return Move(pods, kept, replace(memory, clock=clock), objection, after, patience.polls(objection))
    text = f"{case.count}, it gets the traffic."
    moves = Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_ENDPOINTS, text)
    if stage is None:
        entered = replace(memory.enter(Promoting(candidate, now)), clock=Clock(now, case.found.ready))
        return Move(pods, _all_to(candidate), entered, moves, intent.progress_deadline, polls=True)
    moves, after = guards.in_time(moves, case), patience.again(case, moves)
    return Move(pods, _all_to(candidate), replace(memory, clock=clock), moves, after, patience.polls(moves))


def retreating(intent: Intent, memory: Memory, facts: Facts, now: datetime, stage: Retreating) -> Move:
    """A candidate that loses its share: first the stable revision has its pods again, then all of the traffic."""
    stable, candidate = memory.stable, stage.candidate
    found, lost = facts.of(stable), facts.of(candidate)
    if stable is None or (candidate not in shares.holders(facts) and candidate not in facts.serving):
        return halting(memory.without(candidate), facts, Halted(candidate, now, stage.why, stage.step))
    restored = found.ready >= intent.replicas or lost.ready == 0
    pods = {stable: intent.replicas, candidate: max(1, min(lost.wanted, intent.replicas - found.ready))}
    text = f"Revision {candidate} loses its traffic to revision {stable}. {stage.why.message}"
    case = Case(intent, replace(memory, clock=Clock(stage.since, lost.ready)), facts, candidate, 0, now)
    progress = guards.in_time(Progress(ConditionStatus.TRUE, Reason.ROLLING_BACK, text), case)
    return Move(
        pods=pods,
        shares=_all_to(stable) if restored else shares.kept(facts, stable, candidate),
        memory=memory,
        progress=progress,
        again=patience.left_of_deadline(case),
        polls=patience.polls(progress),
    )


def halting(memory: Memory, facts: Facts, stage: Halted) -> Move:
    """A candidate that is stopped now. Only the memory moves on, as after a step.

    An operator that is started anew between the end of the candidate's pods and the status would find a candidate
    without pods, and start them again.
    """
    progress = Progress(ConditionStatus.FALSE, stage.why.reason, stage.why.message)
    names = [name for name in (memory.stable, stage.candidate) if name and facts.of(name).deployed]
    pods = {name: facts.of(name).wanted for name in names}
    return Move(pods, _all_to(memory.stable), memory.enter(stage), progress, polls=True)


def halted(intent: Intent, memory: Memory, stage: Halted) -> Move:
    """A candidate that was stopped: the stable revision has everything, until a person or the spec says otherwise."""
    progress = Progress(ConditionStatus.FALSE, stage.why.reason, stage.why.message)
    pods = {memory.stable: intent.replicas} if memory.stable else {}
    return Move(pods, _all_to(memory.stable), memory.enter(stage), progress)


def _all_to(revision: str | None) -> dict[str, int]:
    return {revision: WHOLE} if revision else {}
