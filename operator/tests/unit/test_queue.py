import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_operator.constants import Key
from paddle_serving_operator.reconcile.queue import LONGEST_RETRY, Queue, Timing

A, B = Key("default", "a"), Key("default", "b")
NOW = timedelta(0)


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Queue:
    return Queue(Timing(clock, jitter=lambda: 0.0))


def test_a_key_added_many_times_is_taken_once(queue: Queue) -> None:
    for _ in range(5):
        queue.add(A)
    assert queue.take(NOW) == A
    queue.finished(A)
    assert queue.take(NOW) is None


def test_a_key_that_is_worked_on_is_not_taken_by_another_worker_but_comes_again(queue: Queue) -> None:
    queue.add(A)
    assert queue.take(NOW) == A
    queue.add(A)
    assert queue.take(NOW) is None
    queue.finished(A)
    assert queue.take(NOW) == A


def test_a_delayed_key_comes_when_it_is_due(queue: Queue, clock: Clock) -> None:
    queue.add(A, timedelta(seconds=10))
    assert queue.take(NOW) is None
    clock.seconds += 10
    assert queue.take(NOW) == A


def test_the_earlier_of_two_moments_counts(queue: Queue, clock: Clock) -> None:
    queue.add(A, timedelta(seconds=10))
    queue.add(A, timedelta(seconds=1))
    queue.add(A, timedelta(seconds=20))
    clock.seconds += 1
    assert queue.take(NOW) == A


def test_the_key_that_waits_longest_comes_first(queue: Queue, clock: Clock) -> None:
    queue.add(B)
    clock.seconds += 1
    queue.add(A)
    assert [queue.take(NOW), queue.take(NOW)] == [B, A]


def test_failures_wait_longer_and_longer_up_to_a_limit_and_success_forgets_them(queue: Queue, clock: Clock) -> None:
    delays = []
    queue.add(A)
    for _ in range(15):
        clock.seconds += 1000
        assert queue.take(NOW) == A
        delays.append(queue.failed(A).total_seconds())
    assert delays[:4] == [0.25, 0.5, 1.0, 2.0]
    assert delays[-1] == LONGEST_RETRY.total_seconds()
    clock.seconds += 1000
    assert queue.take(NOW) == A
    queue.done(A, timedelta(seconds=1))
    clock.seconds += 1
    assert queue.take(NOW) == A
    assert queue.failed(A).total_seconds() == 0.25


@given(st.floats(0, 1, exclude_max=True))
def test_chance_shortens_a_wait_by_at_most_a_half(chance: float) -> None:
    queue = Queue(Timing(Clock(), jitter=lambda: chance))
    queue.add(A)
    queue.take(NOW)
    assert 0.125 <= queue.failed(A).total_seconds() <= 0.25


def test_the_oldest_age_counts_late_and_unfinished_work_but_not_what_is_due_later(queue: Queue, clock: Clock) -> None:
    queue.add(A, timedelta(seconds=50))
    clock.seconds += 30
    assert queue.oldest_age() == timedelta(0)
    clock.seconds += 30
    assert queue.oldest_age() == timedelta(seconds=10)
    assert queue.take(NOW) == A
    clock.seconds += 5
    assert queue.oldest_age() == timedelta(seconds=5)
    queue.finished(A)
    assert queue.oldest_age() == timedelta(0)


def test_a_waiting_worker_is_woken_by_a_key_and_let_go_by_closing() -> None:
    queue = Queue(Timing(threading.TIMEOUT_MAX.__float__, jitter=lambda: 0.0))
    taken: list[Key | None] = []
    worker = threading.Thread(target=lambda: taken.extend([queue.take(), queue.take()]), daemon=True)
    worker.start()
    queue.add(A)
    queue.close()
    worker.join(10)
    assert not worker.is_alive()
    assert taken[-1] is None
