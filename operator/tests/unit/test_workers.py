import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from typing_extensions import override

from paddle_serving_operator.constants import Key
from paddle_serving_operator.kube.budget import Budget, OutOfTime
from paddle_serving_operator.kube.errors import Conflict, Unavailable
from paddle_serving_operator.reconcile.outcome import GONE, Outcome
from paddle_serving_operator.reconcile.queue import RESYNC, RETRY, TIMER, Cause, Queue, Timing, Turn
from paddle_serving_operator.reconcile.workers import PASS_SECONDS, RESYNC_AFTER, Reconcile, Workers
from paddle_serving_operator.recorder import Unrecorded

KEY = Key("default", "ocr")
POD = Cause("Pod", "ocr-1 MODIFIED")
NOW = timedelta(0)


class Counts(Unrecorded):
    def __init__(self) -> None:
        self.passes: list[tuple[str, str]] = []

    @override
    def passed(self, cause: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        self.passes.append((cause, outcome))


class Stage:
    """One worker's passes over one key, with a clock that stands still."""

    def __init__(self, reconcile: Reconcile) -> None:
        self.now = 0.0
        timing = Timing(lambda: self.now, jitter=lambda: 0.0)
        self.counts = Counts()
        self.queue = Queue(timing)
        self.queue.add(KEY, POD)
        self.workers = Workers(self.queue, reconcile, 1, timing, self.counts)
        self.work()

    def work(self) -> Turn:
        turn = self.queue.take(NOW)
        assert turn is not None
        self.workers.work(turn)
        return turn

    def due_after(self, seconds: float) -> Cause | None:
        """What the key is due for after so many seconds, None where it was due before or is not due yet."""
        self.now += seconds - 0.01
        early = self.queue.take(NOW)
        self.now += 0.01
        turn = self.queue.take(NOW)
        return None if early or turn is None else turn.causes[0]


def answering(outcome: Outcome, writes: int = 0) -> Reconcile:
    def reconcile(_key: Key, _now: datetime, budget: Budget) -> Outcome:
        for _ in range(writes):
            with budget.spending("patch Service default/ocr", writes=True):
                pass
        return outcome

    return reconcile


def raising(error: Exception) -> Reconcile:
    def reconcile(_key: Key, _now: datetime, _budget: Budget) -> Outcome:
        raise error

    return reconcile


def test_a_pass_is_repeated_when_it_asks_for_it() -> None:
    assert Stage(answering(Outcome("Progressing", again=timedelta(seconds=3)))).due_after(3) == TIMER


def test_a_pass_that_asks_for_nothing_is_repeated_at_the_resync() -> None:
    assert Stage(answering(Outcome("Healthy"))).due_after(RESYNC_AFTER.total_seconds()) == RESYNC


def test_a_pass_that_asks_for_much_later_is_repeated_at_the_resync() -> None:
    later = answering(Outcome("Healthy", again=timedelta(days=1)))
    assert Stage(later).due_after(RESYNC_AFTER.total_seconds()) == RESYNC


def test_a_pass_that_awaits_something_is_repeated_ever_more_rarely_until_it_moves_something() -> None:
    written = 0

    def reconcile(key: Key, now: datetime, budget: Budget) -> Outcome:
        return answering(Outcome("Progressing", polls=True), written)(key, now, budget)

    stage = Stage(reconcile)
    waits = []
    for writes in (0, 0, 1, 0):
        written = writes
        before = stage.now
        while (turn := stage.queue.take(NOW)) is None:
            stage.now += 0.05
        waits.append(round(stage.now - before, 2))
        stage.workers.work(turn)
    assert waits == pytest.approx([0.15, 0.3, 0.6, 0.15], abs=0.06)


def test_an_object_that_is_gone_is_not_looked_at_again() -> None:
    stage = Stage(answering(GONE))
    stage.now = 1e9
    assert stage.queue.take(NOW) is None
    assert stage.counts.passes == [("Pod", "gone")]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Conflict("changed"), "conflict"),
        (Unavailable("down"), "error"),
        (OutOfTime("the 30 s of this pass are used up (list Pod default/ 29.0 s)"), "timeout"),
        (RuntimeError("a bug"), "bug"),
    ],
)
def test_a_pass_that_raises_is_repeated_logged_and_counted(
    error: Exception, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        stage = Stage(raising(error))
    assert stage.due_after(0.25) == RETRY
    assert str(error) in caplog.text
    assert stage.counts.passes == [("Pod", outcome)]


@pytest.mark.parametrize(
    ("writes", "level", "outcome"), [(2, logging.INFO, "written"), (0, logging.DEBUG, "unchanged")]
)
def test_a_pass_is_logged_with_its_causes_and_what_it_did_and_is_news_only_where_it_wrote(
    writes: int, level: int, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        stage = Stage(answering(Outcome("Healthy"), writes))
    (record,) = caplog.records
    assert record.levelno == level
    told = {name: vars(record)[name] for name in ("key", "causes", "writes", "phase")}
    assert told == {"key": "default/ocr", "causes": ["Pod ocr-1 MODIFIED"], "writes": writes, "phase": "Healthy"}
    assert stage.counts.passes == [("Pod", outcome)]


def test_a_pass_has_its_time_and_no_more() -> None:
    left: list[float] = []

    def reconcile(_key: Key, _now: datetime, budget: Budget) -> Outcome:
        left.append(budget.left())
        return GONE

    Stage(reconcile)
    assert left == [PASS_SECONDS]


def test_threads_work_until_they_are_stopped() -> None:
    timing = Timing(time.monotonic, jitter=lambda: 0.0)
    queue, seen = Queue(timing), []

    def reconcile(key: Key, now: datetime, _budget: Budget) -> Outcome:
        assert now.microsecond == 0
        seen.append(key)
        return GONE

    workers = Workers(queue, reconcile, 3, timing, Unrecorded())
    workers.start()
    assert workers.alive()
    keys = [Key("default", str(number)) for number in range(50)]
    for key in keys:
        queue.add(key, POD)
    until(lambda: len(seen) >= len(keys), lambda: f"only {len(seen)} of {len(keys)} keys were worked on")
    workers.stop()
    assert not workers.alive()
    assert sorted(seen) == sorted(keys)


def until(holds: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.01)
