"""What a person orders by a verb, and what becomes of it. Every order is obeyed or refused once, with an event."""

from dataclasses import replace
from datetime import datetime

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.memory import Halted, Promoting, Retreating, Shifting, Verifying, Why
from paddle_serving_operator.api.verbs import Verb, VerbName
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Event

ABORTED = "A person aborted it. `kubectl paddle retry NAME` starts it anew."


def obeyed(verb: Verb | None, memory: Memory, now: datetime) -> tuple[Memory, tuple[Event, ...]]:
    """The memory after an order, and what is told of it; unchanged where there is none, or it was heard before."""
    if verb is None or verb.token == memory.heard:
        return memory, ()
    heard = replace(memory, heard=verb.token)
    if verb.name is None:
        names = ", ".join(VerbName)
        text = f"The annotation for verbs says {verb.text[:100]!r}. Write `<verb> <token>`; verbs are {names}."
        return heard, (Event(warning=True, reason=Reason.VERB_REFUSED, message=text, token=verb.token),)
    after = ORDERS[verb.name](heard, now)
    if after is None:
        text = f"`{verb.name}` does not fit: {_stands(memory)}."
        return heard, (Event(warning=True, reason=Reason.VERB_REFUSED, message=text, token=verb.token),)
    text = f"`{verb.name}` is obeyed for revision {memory.candidate}."
    return after, (Event(warning=False, reason=Reason.VERB_OBEYED, message=text, token=verb.token),)


def _stands(memory: Memory) -> str:
    candidate = memory.candidate
    if candidate is None:
        return "no revision is being rolled out"
    words = {
        Verifying: "is being verified",
        Shifting: "is going through its steps",
        Promoting: "is being promoted",
        Retreating: "is losing its traffic",
        Halted: "was stopped",
    }
    held = ", held by a person" if memory.held else ""
    return f"revision {candidate} {words[type(memory.stage)]}{held}"


def _pause(memory: Memory, now: datetime) -> Memory | None:
    del now
    moving = isinstance(memory.stage, Verifying | Shifting | Promoting)
    return replace(memory, held=True) if moving and not memory.held else None


def _resume(memory: Memory, now: datetime) -> Memory | None:
    del now
    stage = memory.stage
    if isinstance(stage, Shifting) and stage.arrived is not None:
        return replace(memory, held=False, stage=replace(stage, resumed=True))
    return replace(memory, held=False) if memory.held else None


def _promote(memory: Memory, now: datetime) -> Memory | None:
    """Skips the steps, never the proof."""
    match memory.stage:
        case Verifying() as stage:
            return replace(memory, held=False, stage=replace(stage, skip=True))
        case Shifting(candidate=candidate):
            return replace(memory, held=False, stage=Promoting(candidate, now), clock=None)
        case _:
            return None


def _abort(memory: Memory, now: datetime) -> Memory | None:
    why = Why(Reason.ABORTED, ABORTED)
    match memory.stage:
        case Verifying(candidate=candidate):
            return replace(memory, held=False, stage=Halted(candidate, now, why), clock=None)
        case Shifting(candidate=candidate) | Promoting(candidate=candidate):
            return replace(memory, held=False, stage=Retreating(candidate, now, why), clock=None)
        case _:
            return None


def _retry(memory: Memory, now: datetime) -> Memory | None:
    match memory.stage:
        case Halted(candidate=candidate):
            return replace(memory, held=False, stage=Verifying(candidate, now), clock=None)
        case _:
            return None


ORDERS = {
    VerbName.PAUSE: _pause,
    VerbName.RESUME: _resume,
    VerbName.PROMOTE: _promote,
    VerbName.ABORT: _abort,
    VerbName.RETRY: _retry,
}
