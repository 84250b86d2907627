"""What a person orders by a verb, and what becomes of it. Every order is obeyed or refused once, with an event."""

from dataclasses import dataclass, replace
from datetime import datetime

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.memory import Halted, Promoting, Retreating, Shifting, Turn, Verifying, Why, step_of
from paddle_serving_operator.api.verbs import Verb, VerbName
from paddle_serving_operator.constants import Key
from paddle_serving_operator.rollout import commands
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Event


@dataclass(frozen=True, slots=True)
class Order:
    """What an order meets: the PaddleService, its memory, which has heard the order, and the moment."""

    key: Key
    memory: Memory
    now: datetime


def obeyed(intent: Intent, memory: Memory, now: datetime) -> tuple[Memory, tuple[Event, ...]]:
    """The memory after an order, and what is told of it; unchanged where there is none, or it was heard before."""
    verb = intent.verb
    if verb is None or verb.token == memory.heard:
        return memory, ()
    heard = replace(memory, heard=verb.token)
    if memory.blank:
        event = Event(warning=True, reason=Reason.VERB_REFUSED, message=_stale(intent, verb), token=verb.token)
        return heard, (event,)
    if verb.name is None:
        names = ", ".join(VerbName)
        text = f"The annotation for verbs says {verb.text[:100]!r}. Write `<verb> <token>`; verbs are {names}."
        return heard, (Event(warning=True, reason=Reason.VERB_REFUSED, message=text, token=verb.token),)
    after = ORDERS[verb.name](Order(intent.key, heard, now))
    if after is None:
        text = f"`{verb.name}` does not fit: {_stands(memory)}."
        return heard, (Event(warning=True, reason=Reason.VERB_REFUSED, message=text, token=verb.token),)
    text = f"`{verb.name}` is obeyed for revision {memory.candidate}."
    return after, (Event(warning=False, reason=Reason.VERB_OBEYED, message=text, token=verb.token),)


def _stale(intent: Intent, verb: Verb) -> str:
    """A copy, a restore or a manifest in git brings along an order that was given to another rollout, long ago."""
    again = f" {commands.paddle(verb.name, intent.key)} gives it anew." if verb.name is not None else ""
    return (
        f"The annotation for verbs says {verb.text[:100]!r}, which stood there before this service had a status. It is "
        f"not obeyed: it may have been meant for another rollout.{again}"
    )


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


def _pause(order: Order) -> Memory | None:
    moving = isinstance(order.memory.stage, Verifying | Shifting | Promoting)
    return replace(order.memory, held=True) if moving and not order.memory.held else None


def _resume(order: Order) -> Memory | None:
    stage = order.memory.stage
    if isinstance(stage, Shifting) and stage.arrived is not None:
        return replace(order.memory, held=False, stage=replace(stage, resumed=True))
    if isinstance(stage, Verifying) and order.memory.turn is Turn.WAITING and not order.memory.held:
        return replace(order.memory, turn=Turn.AHEAD)
    return replace(order.memory, held=False) if order.memory.held else None


def _promote(order: Order) -> Memory | None:
    """Skips the steps, never the proof."""
    match order.memory.stage:
        case Verifying() as stage:
            return replace(order.memory, held=False, stage=replace(stage, skip=True))
        case Shifting(candidate=candidate):
            return replace(order.memory, held=False, stage=Promoting(candidate, order.now), clock=None)
        case _:
            return None


def _abort(order: Order) -> Memory | None:
    text = f"A person aborted it. {commands.paddle(VerbName.RETRY, order.key)} starts it anew."
    why = Why(Reason.ABORTED, text)
    match order.memory.stage:
        case Verifying(candidate=candidate):
            return replace(order.memory, held=False, stage=Halted(candidate, order.now, why), clock=None)
        case (Shifting(candidate=candidate) | Promoting(candidate=candidate)) as stage:
            left = Retreating(candidate, order.now, why, step_of(stage))
            return replace(order.memory, held=False, stage=left, clock=None)
        case _:
            return None


def _retry(order: Order) -> Memory | None:
    match order.memory.stage:
        case Halted(candidate=candidate):
            return replace(order.memory, held=False, stage=Verifying(candidate, order.now), clock=None)
        case _:
            return None


ORDERS = {
    VerbName.PAUSE: _pause,
    VerbName.RESUME: _resume,
    VerbName.PROMOTE: _promote,
    VerbName.ABORT: _abort,
    VerbName.RETRY: _retry,
}
