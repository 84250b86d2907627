"""Runs that take too long, alone and shared."""

from collections.abc import Callable

import pytest

from images.serving.tests.unit.engine.batching.fake import BAD, Fake, answer, ask, engine, x
from paddle_serving_runtime.engine import OpFailed
from paddle_serving_runtime.protocol import Response


def ticking(*seconds: float) -> Callable[[], float]:
    """A clock of which every run takes the next of `seconds`."""
    times = iter([0.0, *seconds])
    state = {"now": 0.0, "odd": True}

    def clock() -> float:
        state["odd"] = not state["odd"]
        if state["odd"]:
            state["now"] += next(times)
        return float(state["now"])

    next(times)
    return clock


@pytest.mark.parametrize(
    ("runs", "retry", "err_no"),
    [((0.2,), 1, 6000), ((0.2, 0.05), 1, 6000), ((0.2, 0.05), 2, 0), ((0.2, 0.2, 0.2), 3, 6000), ((0.05,), 3, 0)],
)
def test_a_run_past_the_timeout_is_tried_again_and_then_a_timeout(
    runs: tuple[float, ...], retry: int, err_no: int
) -> None:
    one = engine(1, ticking(*runs), timeout_ms=100.0, retry=retry)
    (result,) = ask(one, x(1))
    if err_no:
        assert isinstance(result.outcome, OpFailed)
        assert (result.outcome.err_no, result.outcome.status) == (6000, 504)
        assert result.outcome.message == f"[a] inference took longer than 100 ms, {retry} times"
    else:
        assert answer(result) == repr(2 * x(1)["x"])
    used = runs[: len(Fake.runs)]
    assert len(used) == (retry if err_no else len(runs))
    assert result.inference_seconds == pytest.approx(sum(used))


def test_a_member_that_times_out_alone_does_not_end_batching() -> None:
    one = engine(4, ticking(0.2, *[0.0] * 6), timeout_ms=100.0)
    first, second = ask(one, x(1), x(2))
    assert (type(first.outcome), type(second.outcome)) == (OpFailed, Response)
    ask(one, x(1), x(2))
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(2, 2)]


def test_a_trial_past_the_timeout_decides_nothing() -> None:
    one = engine(4, ticking(0.0, 0.0, 0.2, *[0.0] * 6), timeout_ms=100.0)
    assert [type(result.outcome) for result in ask(one, x(1), x(2))] == [Response, Response]
    ask(one, x(1), x(2))
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(2, 2)]


def test_an_error_of_the_model_is_not_tried_again() -> None:
    ask(engine(1, timeout_ms=100.0, retry=3), x(BAD))
    assert len(Fake.runs) == 1


def test_a_shared_run_past_the_timeout_is_a_timeout_for_its_members() -> None:
    one = engine(4, ticking(0.0, 0.0, 0.0, 0.2), timeout_ms=100.0)
    ask(one, x(1), x(2))
    Fake.runs = []
    results = ask(one, x(1), x(2))
    assert [type(result.outcome) for result in results] == [OpFailed, OpFailed]
