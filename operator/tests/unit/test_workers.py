import logging
import time
from datetime import datetime, timedelta

import pytest

from paddle_serving_operator.constants import Key
from paddle_serving_operator.kube.errors import Conflict, Unavailable
from paddle_serving_operator.reconcile.queue import Queue, Timing
from paddle_serving_operator.reconcile.workers import RESYNC, Reconcile, Workers

KEY = Key("default", "ocr")


class Stage:
    """One worker's pass over one key, with a clock that stands still."""

    def __init__(self, reconcile: Reconcile) -> None:
        self.now = 0.0
        timing = Timing(lambda: self.now, jitter=lambda: 0.0)
        self.queue = Queue(timing)
        self.queue.add(KEY)
        assert self.queue.take(timedelta(0)) == KEY
        Workers(self.queue, reconcile, 1, timing).work(KEY)

    def due_after(self, seconds: float) -> bool:
        self.now = seconds - 0.01
        early = self.queue.take(timedelta(0))
        self.now = seconds
        return early is None and self.queue.take(timedelta(0)) == KEY


def test_a_pass_is_repeated_when_it_asks_for_it() -> None:
    assert Stage(lambda _key, _now: timedelta(seconds=3)).due_after(3)


def test_a_pass_that_asks_for_nothing_is_repeated_at_the_resync() -> None:
    assert Stage(lambda _key, _now: timedelta(days=1)).due_after(RESYNC.total_seconds())


def test_an_object_that_is_gone_is_not_looked_at_again() -> None:
    stage = Stage(lambda _key, _now: None)
    stage.now = 1e9
    assert stage.queue.take(timedelta(0)) is None


@pytest.mark.parametrize("error", [Conflict("changed"), Unavailable("down"), RuntimeError("a bug")])
def test_a_pass_that_raises_is_repeated_and_logged(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_key: Key, _now: datetime) -> timedelta:
        raise error

    with caplog.at_level(logging.INFO):
        stage = Stage(fail)
    assert stage.due_after(0.25)
    assert str(error) in caplog.text


def test_threads_work_until_they_are_stopped() -> None:
    timing = Timing(time.monotonic, jitter=lambda: 0.0)
    queue, seen = Queue(timing), []

    def reconcile(key: Key, now: datetime) -> timedelta | None:
        assert now.microsecond == 0
        seen.append(key)
        return None

    workers = Workers(queue, reconcile, 3, timing)
    workers.start()
    assert workers.alive()
    keys = [Key("default", str(number)) for number in range(50)]
    for key in keys:
        queue.add(key)
    deadline = time.monotonic() + 10
    while len(seen) < len(keys):
        assert time.monotonic() < deadline, f"only {len(seen)} of {len(keys)} keys were worked on"
        time.sleep(0.01)
    workers.stop()
    assert not workers.alive()
    assert sorted(seen) == sorted(keys)
