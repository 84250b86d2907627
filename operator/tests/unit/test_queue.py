import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_operator.constants import Key
from paddle_serving_operator.reconcile.queue import (
    LONGEST_POLL,
    LONGEST_RETRY,
    POLL,
    RESYNC,
    RETRY,
    TIMER,
    Cause,
    Queue,
    Timing,
    Turn,
)

A, B = Key("default", "a"), Key("default", "b")
NOW = timedelta(0)
POD, SERVICE = Cause("Pod", "a-1 MODIFIED"), Cause("Service", "a DELETED")


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


def taken(queue: Queue) -> Key | None:
    turn = queue.take(NOW)
    return turn.key if turn else None


def test_a_key_added_many_times_is_taken_once(queue: Queue) -> None:
    for _ in range(5):
        queue.add(A, POD)
    assert queue.take(NOW) == Turn(A, (POD,), NOW)
    queue.finished(A)
    assert queue.take(NOW) is None


def test_a_key_that_is_worked_on_is_not_taken_by_another_worker_but_comes_again(queue: Queue) -> None:
    queue.add(A, POD)
    assert taken(queue) == A
    queue.add(A, POD)
    assert taken(queue) is None
    queue.finished(A)
    assert taken(queue) == A


def test_a_delayed_key_comes_when_it_is_due(queue: Queue, clock: Clock) -> None:
    queue.add(A, POD, timedelta(seconds=10))
    assert taken(queue) is None
    clock.seconds += 10
    assert taken(queue) == A


def test_the_earlier_of_two_moments_counts(queue: Queue, clock: Clock) -> None:
    for seconds in (10, 1, 20):
        queue.add(A, POD, timedelta(seconds=seconds))
    clock.seconds += 1
    assert taken(queue) == A


def test_the_key_that_waits_longest_comes_first(queue: Queue, clock: Clock) -> None:
    queue.add(B, POD)
    clock.seconds += 1
    queue.add(A, POD)
    assert [taken(queue), taken(queue)] == [B, A]


def test_a_turn_says_what_made_the_key_due_the_first_cause_first_and_not_what_would_have_later(
    queue: Queue, clock: Clock
) -> None:
    queue.done(A, timedelta(minutes=10), RESYNC)
    queue.add(A, SERVICE)
    clock.seconds += 1
    queue.add(A, POD)
    queue.add(A, Cause("Pod", "a-2 MODIFIED"))
    clock.seconds += 1
    assert queue.take(NOW) == Turn(A, (SERVICE, POD), timedelta(seconds=2))


def test_a_timer_is_told_from_a_resync(queue: Queue, clock: Clock) -> None:
    for cause in (TIMER, RESYNC):
        queue.done(A, timedelta(seconds=5), cause)
        clock.seconds += 5
        assert queue.take(NOW) == Turn(A, (cause,), NOW)


def polls(queue: Queue, clock: Clock, count: int, *, moved: bool = False) -> list[float]:
    """The waits of polls, each taken and put back."""
    waits = []
    for _ in range(count):
        waits.append(queue.poll(A, timedelta(minutes=10), RESYNC, moved=moved).total_seconds())
        clock.seconds += waits[-1]
        assert queue.take(NOW) == Turn(A, (POLL,), NOW)
    return waits


def test_what_is_awaited_is_looked_for_ever_more_rarely(queue: Queue, clock: Clock) -> None:
    queue.add(A, POD)
    queue.take(NOW)
    waits = polls(queue, clock, 12)
    assert waits[:4] == [0.15, 0.3, 0.6, 1.2]
    assert waits[-1] == waits[-2] == LONGEST_POLL.total_seconds()


def test_polls_begin_anew_when_something_happens_or_was_moved(queue: Queue, clock: Clock) -> None:
    queue.add(A, POD)
    queue.take(NOW)
    assert polls(queue, clock, 3) == [0.15, 0.3, 0.6]
    queue.add(A, POD)  # while it is worked on
    assert queue.poll(A, timedelta(minutes=10), RESYNC, moved=False).total_seconds() == 0.15
    assert queue.take(NOW) == Turn(A, (POD,), NOW)
    assert polls(queue, clock, 2) == [0.3, 0.6]
    assert polls(queue, clock, 2, moved=True) == [0.15, 0.15]
    queue.done(A, timedelta(seconds=1), TIMER)
    clock.seconds += 1
    queue.take(NOW)
    assert polls(queue, clock, 1) == [0.15]


def test_a_moment_that_is_known_comes_before_a_later_poll(queue: Queue, clock: Clock) -> None:
    queue.add(A, POD)
    queue.take(NOW)
    polls(queue, clock, 6)
    queue.poll(A, timedelta(seconds=2), TIMER, moved=False)
    clock.seconds += 2
    assert queue.take(NOW) == Turn(A, (TIMER,), NOW)


def test_failures_wait_longer_and_longer_up_to_a_limit_and_success_forgets_them(queue: Queue, clock: Clock) -> None:
    delays = []
    queue.add(A, POD)
    for _ in range(15):
        clock.seconds += 1000
        assert taken(queue) == A
        delays.append(queue.failed(A).total_seconds())
    assert delays[:4] == [0.25, 0.5, 1.0, 2.0]
    assert delays[-1] == LONGEST_RETRY.total_seconds()
    clock.seconds += LONGEST_RETRY.total_seconds()
    assert queue.take(NOW) == Turn(A, (RETRY,), NOW)
    queue.done(A, timedelta(seconds=1), TIMER)
    clock.seconds += 1
    assert taken(queue) == A
    assert queue.failed(A).total_seconds() == 0.25


@given(st.floats(0, 1, exclude_max=True))
def test_chance_shortens_a_wait_by_at_most_a_half(chance: float) -> None:
    queue = Queue(Timing(Clock(), jitter=lambda: chance))
    queue.add(A, POD)
    queue.take(NOW)
    assert 0.125 <= queue.failed(A).total_seconds() <= 0.25


def test_the_oldest_age_counts_late_and_unfinished_work_but_not_what_is_due_later(queue: Queue, clock: Clock) -> None:
    queue.add(A, POD, timedelta(seconds=50))
    clock.seconds += 30
    assert (queue.oldest_age(), queue.backlog()) == (timedelta(0), 0)
    clock.seconds += 30
    assert (queue.oldest_age(), queue.backlog()) == (timedelta(seconds=10), 1)
    assert taken(queue) == A
    clock.seconds += 5
    assert (queue.oldest_age(), queue.backlog()) == (timedelta(seconds=5), 0)
    queue.finished(A)
    assert queue.oldest_age() == timedelta(0)


def test_a_waiting_worker_is_woken_by_a_key_and_let_go_by_closing() -> None:
    queue = Queue(Timing(threading.TIMEOUT_MAX.__float__, jitter=lambda: 0.0))
    taken: list[Turn | None] = []
    worker = threading.Thread(target=lambda: taken.extend([queue.take(), queue.take()]), daemon=True)
    worker.start()
    queue.add(A, POD)
    queue.close()
    worker.join(60)
    assert not worker.is_alive()
    assert taken[-1] is None


def test_workers_that_wait_get_a_key_each_while_the_first_is_still_worked_on(queue: Queue) -> None:
    taken_keys, both = [], threading.Barrier(3)

    def work() -> None:
        turn = queue.take()
        assert turn is not None
        taken_keys.append(turn.key)
        both.wait(60)  # nobody finishes before both have one

    threads = [threading.Thread(target=work, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    queue.add(A, POD)
    queue.add(B, POD)
    both.wait(60)
    assert sorted(taken_keys) == [A, B]


def test_events_of_settled_keys_leave_nothing_behind_in_the_order(queue: Queue) -> None:
    for _ in range(1000):
        for key in (A, B):
            queue.add(key, POD)
            assert taken(queue) == key
            queue.done(key, timedelta(minutes=10), RESYNC)
    assert len(queue) == 2
    assert len(queue._order) < 100


def test_what_waited_for_its_resync_comes_then_although_it_was_looked_at_before(queue: Queue, clock: Clock) -> None:
    for key in (A, B):
        queue.add(key, POD)
        assert taken(queue) == key
        queue.done(key, timedelta(seconds=100), RESYNC)
    clock.seconds += 50
    queue.add(A, SERVICE)
    assert taken(queue) == A
    queue.done(A, timedelta(seconds=100), RESYNC)
    clock.seconds += 50
    assert [taken(queue), taken(queue)] == [B, None]
    clock.seconds += 50
    queue.done(B, timedelta(seconds=100), RESYNC)
    assert [taken(queue), taken(queue)] == [A, None]
