"""Which other PaddleServices have the turn of a changed profile, or wait for it, by their statuses."""

from collections.abc import Iterable, Sequence

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import Turn
from paddle_serving_operator.api.status import Phase
from paddle_serving_operator.constants import EVERYWHERE, PADDLE_SERVICE, Key, Manifest
from paddle_serving_operator.observe.reading import Reader
from paddle_serving_operator.rollout.facts import Rival, TurnSeen

HELD = (ConditionStatus.FALSE, ConditionStatus.UNKNOWN)


def turn_seen(reader: Reader, namespaces: Sequence[str], key: Key) -> TurnSeen:
    """What the others do, of these namespaces or (none given) of the cluster. Raises what the reader raises."""
    taken, before = [], []
    for other in sorted(_every(reader, namespaces), key=key_of):
        turn = turn_of(other)
        if turn is None or key_of(other) == key or "deletionTimestamp" in other["metadata"]:
            continue
        rival = _rival(key, other)
        if turn != Turn.WAITING:
            taken.append(rival)
        elif rival.first and waits(other):
            before.append(rival)
    return TurnSeen(tuple(taken), tuple(before))


def _every(reader: Reader, namespaces: Sequence[str]) -> Iterable[Manifest]:
    for namespace in dict.fromkeys(namespaces) or (EVERYWHERE,):
        yield from reader.list(PADDLE_SERVICE, namespace, "")


def _rival(key: Key, other: Manifest) -> Rival:
    progressing = _progressing(other)
    return Rival(
        name=key_of(other).path(),
        first=key_of(other) < key,
        failed=other["status"].get("phase") in {Phase.FAILED, Phase.INVALID},
        reason=str(progressing.get("reason", "")) if progressing.get("status") in HELD else "",
    )


def key_of(service: Manifest) -> Key:
    """The key of a PaddleService."""
    return Key(service["metadata"]["namespace"], service["metadata"]["name"])


def turn_of(service: Manifest) -> str | None:
    """The place of a PaddleService among those whose profile changed, None where it has none."""
    found = ((service.get("status") or {}).get("rollout") or {}).get("turn")
    return str(found) if found else None


def waits(service: Manifest) -> bool:
    """Whether a PaddleService with a place waits, and will begin by itself."""
    return bool(turn_of(service)) and _progressing(service).get("reason") == Reason.WAITING_FOR_TURN


def stands(service: Manifest) -> tuple[str, ...]:
    """All that others can see of a PaddleService's place; empty where it has none."""
    turn = turn_of(service)
    if turn is None:
        return ()
    if turn == Turn.WAITING:
        return (turn,) if waits(service) else ()
    rival = _rival(key_of(service), service)
    return (turn, str(rival.failed), rival.reason)


def _progressing(service: Manifest) -> Manifest:
    conditions = (service.get("status") or {}).get("conditions") or ()
    return next((item for item in conditions if item.get("type") == ConditionType.PROGRESSING), {})
