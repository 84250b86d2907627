"""What a status that was written means for those who count: rollouts that ended, proofs, verbs."""

import threading
from collections.abc import Iterable
from datetime import datetime

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import Halted, Idle, Stage, Turn, candidate_of
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.verbs import Verb
from paddle_serving_operator.constants import Key
from paddle_serving_operator.recorder import Recorder
from paddle_serving_operator.rollout.move import Event

PROMOTED, STOPPED, REPLACED = "promoted", "stopped", "replaced"
OUTCOMES_OF_VERBS = {Reason.VERB_OBEYED: "obeyed", Reason.VERB_REFUSED: "refused"}
IDLE = Idle()


class Tally:
    """Tells a recorder. Safe for several threads, as long as each has its own key.

    When a rollout began is remembered here: a status has only when its stage did, which is what counts after a restart.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lock = threading.Lock()
        self._began: dict[Key, tuple[str, datetime]] = {}

    def forget(self, key: Key) -> None:
        """Drops what is remembered of a PaddleService."""
        with self._lock:
            self._began.pop(key, None)

    def wrote(self, key: Key, before: ServiceStatus, after: ServiceStatus, now: datetime) -> None:
        """A status was written in the place of another."""
        old, new = _stage(before), _stage(after)
        if (outcome := outcome_of(before, after)) is not None:
            # a clock that was put back must not take anything from what was counted
            self._recorder.rolled(outcome, max(0.0, (now - self._begin(key, old, now)).total_seconds()))
        candidate = candidate_of(new)
        if candidate is not None and (candidate != candidate_of(old) or _waits(before)):
            with self._lock:
                self._began[key] = (candidate, now)
        if (verdict := verdict_of(before, after)) is not None:
            self._recorder.proved(verdict)

    def told(self, verb: Verb | None, events: Iterable[Event]) -> None:
        """These events were written; `verb` is the order that stands in the annotations."""
        for event in events:
            if event.reason in OUTCOMES_OF_VERBS:
                name = verb.name.value if verb is not None and verb.name is not None else "unknown"
                self._recorder.ordered(name, OUTCOMES_OF_VERBS[event.reason])

    def _begin(self, key: Key, stage: Stage, now: datetime) -> datetime:
        with self._lock:
            candidate, began = self._began.pop(key, ("", now))
        if candidate == candidate_of(stage):
            return began
        return now if isinstance(stage, Idle) else stage.since


def outcome_of(before: ServiceStatus, after: ServiceStatus) -> str | None:
    """How a rollout ended between two statuses; None where none did. Pure."""
    old, new = _stage(before), _stage(after)
    if isinstance(old, Idle | Halted) or candidate_of(old) == candidate_of(new):
        return STOPPED if isinstance(new, Halted) and not isinstance(old, Idle | Halted) else None
    if after.rollout is not None and after.rollout.stable == candidate_of(old):
        return PROMOTED
    return REPLACED


def verdict_of(before: ServiceStatus, after: ServiceStatus) -> str | None:
    """What became known of a proof between two statuses: a verdict, or the reason why there is none. Pure."""
    failed = _failure(after)
    if failed is not None and failed != _failure(before):
        return failed.value
    old, new = before.verification, after.verification
    if new is None or (old is not None and (old.revision, old.verdict) == (new.revision, new.verdict)):
        return None
    return new.verdict


def _failure(status: ServiceStatus) -> Reason | None:
    condition = status.condition(ConditionType.CONSISTENT)
    return condition.reason if condition is not None and condition.status is ConditionStatus.FALSE else None


def _waits(status: ServiceStatus) -> bool:
    """Whether a rollout waits for its turn, which is not part of its time."""
    return status.rollout is not None and status.rollout.turn is Turn.WAITING


def _stage(status: ServiceStatus) -> Stage:
    return status.rollout.stage if status.rollout is not None else IDLE
