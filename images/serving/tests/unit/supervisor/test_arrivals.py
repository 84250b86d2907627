"""How long a pod that is told to end goes on taking requests."""

import asyncio
from collections.abc import Sequence

import pytest

from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.supervisor import arrivals
from paddle_serving_runtime.supervisor.arrivals import arrivals_end
from paddle_serving_runtime.supervisor.stopping import StopRequest

TICK = 0.02


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "QUIET_SECONDS", TICK)


def looks(counts: Sequence[int], *, longest: float = 60.0, delay: float = TICK) -> tuple[bool, int]:
    """Whether it was told to quit, and how often it looked; the last count stays."""
    looked = 0

    async def count() -> int:
        nonlocal looked
        looked += 1
        return counts[min(looked, len(counts)) - 1]

    return asyncio.run(arrivals_end(count, StopRequest(), delay, longest)), looked


def test_where_nobody_comes_any_more_the_delay_is_all() -> None:
    assert looks([7, 7]) == (False, 2)


def test_it_goes_on_while_requests_come() -> None:
    assert looks([7, 8, 9, 12, 12]) == (False, 5)


def test_who_never_stops_sending_is_not_waited_for_for_ever() -> None:
    told, looked = looks(range(10_000), longest=5 * TICK)
    assert not told
    assert looked < 100


def test_without_a_delay_nothing_is_waited_for() -> None:
    assert looks([1, 2, 3], delay=0.0) == (False, 0)


def test_a_front_that_has_died_holds_nothing_up() -> None:
    async def count() -> int:
        raise FrontError("HAProxy's admin socket: gone")

    assert not asyncio.run(arrivals_end(count, StopRequest(), TICK, 60.0))


def test_a_second_signal_ends_the_waiting() -> None:
    async def run() -> bool:
        stop, seen = StopRequest(), 0

        async def count() -> int:
            nonlocal seen
            seen += 1
            if seen == 3:
                stop.quit.set()
            return seen

        return await arrivals_end(count, stop, TICK, 60.0)

    assert asyncio.run(run())
