"""Revisions that no spec asked for: where a runtime profile changes, its services follow one at a time. Pure.

Nobody hands the turn out. A service writes into its status that it waits, then that it takes the turn, and begins only
if, with that written, no other service has taken it: of two that take it at once, at least one sees the other. Of two
that have taken it and have not begun, the first by name keeps it. The plan that begins makes a Deployment, so that it
is always made from what the API server says, not from the mirror.
"""

from dataclasses import replace

from paddle_serving_operator.api.conditions import ConditionStatus, Reason
from paddle_serving_operator.api.memory import Halted, Idle, Turn, Verifying
from paddle_serving_operator.api.verbs import VerbName
from paddle_serving_operator.constants import Key
from paddle_serving_operator.rollout import commands
from paddle_serving_operator.rollout.facts import Facts, Rival, TurnSeen
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Move, Progress
from paddle_serving_operator.rollout.shares import WHOLE

TRUE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.UNKNOWN


def entitled(intent: Intent, memory: Memory, facts: Facts) -> Memory:
    """The memory with its place among the services, as it follows from what is asked for now.

    What the spec asks for needs no turn, nor does what has no pods. A rollout that was stopped keeps its turn: whatever
    was wrong with it is not tried on the next service.
    """
    if not isinstance(memory.stage, Verifying | Halted):
        return memory
    if facts.turn is None or intent.replicas == 0:
        return replace(memory, turn=None)
    return replace(memory, turn=memory.turn or Turn.WAITING) if isinstance(memory.stage, Verifying) else memory


def waiting(intent: Intent, memory: Memory, facts: Facts, written: Memory) -> Move | None:
    """The move of a candidate that may not begin yet; None where nothing but its own proof is awaited.

    `written` is the memory as the status says it.
    """
    seen, stable = facts.turn, memory.stable
    if seen is None or stable is None or memory.turn in {None, Turn.AHEAD}:
        return None
    claimed = memory.turn is written.turn is Turn.TAKEN
    begun = facts.of(memory.candidate).deployed
    paused = intent.paused or memory.held
    if claimed and (begun or not (seen.taken or paused)):
        return None
    known = claimed or (written.turn is Turn.WAITING and written.candidate == memory.candidate)
    may_claim = known and not (begun or paused) and _comes_next(seen, claimed=claimed)
    return Move(
        pods={stable: intent.replicas},
        shares={stable: WHOLE},
        memory=replace(memory, turn=Turn.TAKEN if may_claim else Turn.WAITING, clock=None),
        progress=_held(intent, memory) if paused else _queued(intent, memory, seen),
    )


def _comes_next(seen: TurnSeen, *, claimed: bool) -> bool:
    """Whether the turn is to be taken, or kept where it is `claimed`."""
    return not any(rival.first for rival in seen.taken) if claimed else not (seen.taken or seen.before)


def over(move: Move, facts: Facts) -> Move:
    """The move without its turn, once the rollout is through and the room of the revision before is free."""
    left = any(found.deployed for name, found in facts.revisions.items() if name != move.memory.stable)
    through = isinstance(move.memory.stage, Idle) and move.progress.reason is Reason.ROLLED_OUT and not left
    return replace(move, memory=replace(move.memory, turn=None)) if through else move


def _held(intent: Intent, memory: Memory) -> Progress:
    who = (
        "spec.rollout.paused is true; set it to false"
        if intent.paused
        else f"the rollout was paused by a person; {commands.paddle(VerbName.RESUME, intent.key)} lets it"
    )
    text = f"{_asked(memory)} It lets other services go first: {who} to take its turn."
    return Progress(UNKNOWN, Reason.PAUSED, text)


def _queued(intent: Intent, memory: Memory, seen: TurnSeen) -> Progress:
    """For whom it waits; no counts, so that the sentence changes only when that does."""
    go_ahead = f"{commands.paddle(VerbName.RESUME, intent.key)} lets this one begin all the same."
    if not (seen.taken or seen.before):
        return Progress(TRUE, Reason.WAITING_FOR_TURN, f"{_asked(memory)} It is the next.")
    rival = max(seen.taken, key=lambda one: (one.failed, bool(one.reason))) if seen.taken else seen.before[0]
    look = _look_at(rival)
    if rival.failed:
        text = (
            f"It waits because {rival.name} has failed with it ({rival.reason}). {look}: mend the profile, or change "
            f"that service's spec (an image of its own, for example) or delete it. {go_ahead}"
        )
        return Progress(UNKNOWN, Reason.WAITING_FOR_TURN, f"{_asked(memory)} {text}")
    if rival.reason:
        text = f"It waits for {rival.name}, which a person holds ({rival.reason}). {look}. {go_ahead}"
        return Progress(UNKNOWN, Reason.WAITING_FOR_TURN, f"{_asked(memory)} {text}")
    first = "which is being rolled out" if seen.taken else "which comes first"
    text = f"{_asked(memory)} It waits for {rival.name}, {first}. {go_ahead}"
    return Progress(TRUE, Reason.WAITING_FOR_TURN, text)


def _asked(memory: Memory) -> str:
    return (
        f"The runtime profile asks for revision {memory.candidate}, and services that use it follow one at a time; "
        f"revision {memory.stable} goes on serving."
    )


def _look_at(rival: Rival) -> str:
    return f"See {commands.paddle('describe', Key(*rival.name.split('/')))}"
