import asyncio
import selectors
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest
import uvloop
from typing_extensions import override

from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.worker.batching import BatchingEngine


class Recording:
    """An engine that answers every call with the number of calls that came with it."""

    models = ()

    def __init__(self, capacity: int, wait_seconds: float = 0.0) -> None:
        self.capacity = capacity
        self.wait_seconds = wait_seconds
        self.batches: list[list[int]] = []

    def infer(self, calls: Sequence[Call]) -> list[Result]:
        self.batches.append([call.log_id for call in calls])
        return [Result(Response(0, "", {"n": str(call.log_id)})) for call in calls]


class Broken(Recording):
    @override
    def infer(self, calls: Sequence[Call]) -> list[Result]:
        raise MemoryError("no memory")


class Skipping(selectors.DefaultSelector):
    """Waits for nothing: the time that a loop would have waited has passed at once."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += timeout or 0.0
        return super().select(0)


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop whose time is that of its timers alone: a slow machine does not make it later."""

    def __init__(self) -> None:
        self._skipping = Skipping()
        super().__init__(self._skipping)

    @override
    def time(self) -> float:
        return self._skipping.passed


def run_by_timers(coroutine: Coroutine[None, None, None]) -> None:
    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(coroutine)


def call(number: int) -> Call:
    return Call(SERVICE, {}, number)


def submit(engine: BatchingEngine, *numbers: int) -> list[asyncio.Future[Result]]:
    futures = []
    for number in numbers:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        engine.submit(call(number), future.set_result)
        futures.append(future)
    return futures


def values(results: Sequence[Any]) -> list[str]:
    return [result.outcome.values["n"] for result in results]


def test_one_call_at_a_time_is_answered_at_once_without_an_event_loop() -> None:
    results: list[Result] = []
    engine = Recording(1)
    BatchingEngine(engine).submit(call(7), results.append)
    assert values(results) == ["7"]


def test_a_call_that_is_to_be_alone_neither_waits_nor_shares() -> None:
    async def run() -> list[list[int]]:
        engine = Recording(4, wait_seconds=0.01)
        batching = BatchingEngine(engine)
        futures = submit(batching, 1, 2)
        alone: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        batching.submit(Call(SERVICE, {}, 3, alone=True), alone.set_result)
        assert alone.done()
        await asyncio.gather(*futures)
        return engine.batches

    assert asyncio.run(run()) == [[3], [1, 2]]


def test_without_a_waiting_time_what_has_arrived_goes_together() -> None:
    async def run() -> list[Result]:
        return await asyncio.gather(*submit(BatchingEngine(engine), 1, 2, 3))

    engine = Recording(8)
    assert values(asyncio.run(run())) == ["1", "2", "3"]
    assert engine.batches == [[1, 2, 3]]


def test_a_full_batch_goes_at_once_and_the_rest_when_the_time_is_over() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        first, second, third = submit(BatchingEngine(engine), 1, 2, 3)
        assert first.done()
        assert second.done()
        assert not third.done()
        await asyncio.sleep(0)
        assert not third.done()
        assert values([await third]) == ["3"]
        assert loop.time() - started == pytest.approx(0.05)

    engine = Recording(2, 0.05)
    run_by_timers(run())
    assert engine.batches == [[1, 2], [3]]


def test_the_waiting_time_begins_with_the_first_call_of_a_batch() -> None:
    async def run() -> None:
        queue = BatchingEngine(engine)
        (first,) = submit(queue, 1)
        await asyncio.sleep(0.02)
        (second,) = submit(queue, 2)
        await first
        assert second.done()
        started = asyncio.get_running_loop().time()
        await asyncio.gather(*submit(queue, 3))
        assert asyncio.get_running_loop().time() - started == pytest.approx(0.04)

    engine = Recording(8, 0.04)
    run_by_timers(run())
    assert engine.batches == [[1, 2], [3]]


def test_a_reply_that_fails_costs_the_others_of_its_run_nothing() -> None:
    answered = []

    def done(result: Result) -> None:
        if isinstance(result.outcome, Response) and result.outcome.values["n"] == "1":
            raise ValueError("the second reply")
        answered.append(result.outcome)

    async def run() -> None:
        engine = BatchingEngine(Recording(3))
        for number in range(2):
            engine.submit(call(number), done)
        with pytest.raises(ValueError, match="the second reply"):
            engine.submit(call(2), done)

    asyncio.run(run())
    assert len(answered) == 2


def test_an_error_of_the_engine_is_the_outcome_of_every_call(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> list[Result]:
        return await asyncio.gather(*submit(BatchingEngine(Broken(2)), 1, 2))

    assert [type(result.outcome) for result in asyncio.run(run())] == [MemoryError, MemoryError]
    assert "the engine failed" in caplog.text


class WithLoop(Recording):
    """An engine whose Ops run an event loop of their own, which may fail."""

    def __init__(self, capacity: int, wait_seconds: float, run: Callable[[Coroutine[None, None, str]], str]) -> None:
        super().__init__(capacity, wait_seconds)
        self._run = run

    @override
    def infer(self, calls: Sequence[Call]) -> list[Result]:
        return [Result(Response(0, "", {"n": self._run(doubled(call.log_id))})) for call in calls]


async def doubled(number: int) -> str:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError(number)
    return str(2 * number)


def in_a_new_loop(coroutine: Coroutine[None, None, str]) -> str:
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


@pytest.mark.parametrize("outer", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("own", [asyncio.run, in_a_new_loop, uvloop.run])
@pytest.mark.parametrize(("capacity", "wait_seconds"), [(1, 0.0), (8, 0.0), (8, 0.001)])
def test_ops_may_run_an_event_loop_of_their_own(
    outer: Callable[..., None], own: Callable[..., str], capacity: int, wait_seconds: float
) -> None:
    async def run() -> None:
        before = asyncio.get_running_loop()
        engine = BatchingEngine(WithLoop(capacity, wait_seconds, own))
        assert values(await asyncio.gather(*submit(engine, 1, 2))) == ["2", "4"]
        (failed,) = await asyncio.gather(*submit(engine, -1))
        assert isinstance(failed.outcome, ValueError)
        assert asyncio.get_running_loop() is before

    outer(run())
