"""The threads that take keys from the queue and reconcile them."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from paddle_serving_operator.constants import Key
from paddle_serving_operator.kube.budget import Budget, OutOfTime
from paddle_serving_operator.kube.errors import Conflict, KubeError
from paddle_serving_operator.reconcile.outcome import GONE, Outcome
from paddle_serving_operator.reconcile.queue import RESYNC, TIMER, Queue, Timing, Turn
from paddle_serving_operator.recorder import Recorder

log = logging.getLogger(__name__)

RESYNC_AFTER = timedelta(minutes=10)  # an event may get lost; nothing stays wrong for longer than this
PASS_SECONDS = 30.0  # for all API calls of a pass; a slow API server must not keep a worker from the other keys
STOP_SECONDS = 15.0

Reconcile: TypeAlias = Callable[[Key, datetime, Budget], Outcome]
"""Reconciles one key at a moment, with the time that its API calls may take."""


class Workers:
    """N threads on one queue. A pass that raises is logged and repeated later; a thread never ends by it."""

    def __init__(self, queue: Queue, reconcile: Reconcile, count: int, timing: Timing, recorder: Recorder) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._timing = timing
        self._recorder = recorder
        self._threads = [
            threading.Thread(target=self._run, name=f"reconcile-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the passes that are under way finish, for at most 15 s in all."""
        self._queue.close()
        deadline = self._timing.clock() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._timing.clock()))

    def alive(self) -> bool:
        """Whether every thread lives."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (turn := self._queue.take()) is not None:
            self.work(turn)

    def work(self, turn: Turn) -> None:
        """One pass over one key that was taken from the queue."""
        budget = Budget(self._timing.clock, PASS_SECONDS)
        began = self._timing.clock()
        try:
            outcome = self._reconcile(turn.key, datetime.now(UTC).replace(microsecond=0), budget)
        except KubeError as error:
            result = self._repeat(turn, error)
        except Exception:
            delay = self._queue.failed(turn.key)
            log.exception("unexpected error; trying again in %.1f s", delay.total_seconds(), extra=_fields(turn))
            result = "bug"
        else:
            self._plan(turn.key, outcome, moved=budget.writes > 0)
            result = "gone" if outcome is GONE else "written" if budget.writes else "unchanged"
            level = logging.INFO if budget.writes else logging.DEBUG
            fields = _fields(turn) | {"phase": outcome.phase, "writes": budget.writes}
            log.log(level, "pass: %d writes, phase %s", budget.writes, outcome.phase, extra=fields)
        self._recorder.passed(turn.causes[0].word, result, self._timing.clock() - began)

    def _plan(self, key: Key, outcome: Outcome, *, moved: bool) -> None:
        """Puts the key back for the next pass."""
        resync = RESYNC_AFTER * (1 + self._timing.jitter() / 10)
        again, cause = min((outcome.again, TIMER) if outcome.again is not None else (resync, RESYNC), (resync, RESYNC))
        if outcome is GONE:
            self._queue.finished(key)
        elif outcome.polls:
            self._queue.poll(key, again, cause, moved=moved)
        else:
            self._queue.done(key, again, cause)

    def _repeat(self, turn: Turn, error: KubeError) -> str:
        """Puts the key back after a failure. Returns the word for it."""
        delay = self._queue.failed(turn.key)
        if isinstance(error, Conflict):
            log.info("%s", error, extra=_fields(turn))
            return "conflict"
        log.warning("%s; trying again in %.1f s", error, delay.total_seconds(), extra=_fields(turn))
        return "timeout" if isinstance(error, OutOfTime) else "error"


def _fields(turn: Turn) -> dict[str, object]:
    """What a log line says of a pass beside its sentence."""
    return {"key": turn.key.path(), "causes": [str(cause) for cause in turn.causes]}
