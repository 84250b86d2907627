"""Whole requests that were computed beside each other, computed again alone: many at first, then one in 1,000."""

import itertools
from collections.abc import Callable

import pytest

from images.serving.tests.unit.engine.batching.fake import Fake, answer, ask, x
from images.serving.tests.unit.engine.batching.ops import KEEPING, SIZES, TELLING, TWICE, prove
from images.serving.tests.unit.engine.batching.test_proved_runs import Counted
from paddle_serving_runtime.engine import DirectEngine
from paddle_serving_runtime.engine.sharing import AUDITED_OF


def test_what_only_other_requests_share_is_found_by_the_audit_of_whole_requests(
    service: Callable[..., DirectEngine], caplog: pytest.LogCaptureFixture
) -> None:
    ledger = Counted()
    sharing = "LAST['x'] = values['x'].tolist() if values['x'].max() > 100 else 0"
    engine = service(KEEPING.format(keep=sharing, kept="LAST['x']"), before="\nLAST = {'x': 0}\n")
    prove(engine, ledger=ledger)
    assert engine.capacity == max(SIZES)
    results = ask(engine, x(200), x(300), x(400))
    assert [answer(result) for result in results] == [
        str(((2 * x(value)["x"]).tolist(), x(value)["x"].tolist())) for value in (200, 300, 400)
    ]
    assert (ledger.audits[-1], ledger.off) == (True, True)
    assert "2 of 3 requests of a service had other answers beside each other than alone" in caplog.text
    Fake.runs = []
    ask(engine, x(200), x(300))
    assert Fake.runs == [(1, 2)] * 2


def test_whole_requests_are_computed_again_often_at_first_and_then_one_time_of_a_thousand(
    service: Callable[..., DirectEngine],
) -> None:
    ledger = Counted()
    engine = service(TWICE + TELLING)
    prove(engine, ledger=ledger)
    ask(engine, x(1))  # beside nobody
    audited = []
    for number in range(1, 2 * AUDITED_OF + 1):
        before = sum(shape == (1, 2) for shape in Fake.runs)
        ask(engine, x(1), x(2))
        # what the audit of runs computes again are two runs too
        if sum(shape == (1, 2) for shape in Fake.runs) - before >= (4 if number % AUDITED_OF == 1 else 2):
            audited.append(number)
    assert audited == [*(2**power for power in range(10)), AUDITED_OF, 1024, 2 * AUDITED_OF]
    assert not ledger.off


def test_requests_that_take_long_together_are_not_computed_again(service: Callable[..., DirectEngine]) -> None:
    ledger, now = Counted(), itertools.count()
    seconds = 0
    engine = service(TWICE + TELLING, clock=lambda: seconds * next(now))
    prove(engine, ledger=ledger)
    ask(engine, x(1), x(2))  # whose run is audited
    seconds = 2
    assert [result.batch for result in ask(engine, x(1), x(2))] == [2, 2]


def test_an_op_that_changes_what_it_is_given_is_audited_by_what_was_given(
    service: Callable[..., DirectEngine],
) -> None:
    ledger = Counted()
    changing = TWICE.replace('return {"x": values["x"]}', 'values["x"] += 1; return {"x": values["x"]}')
    engine = service(changing + TELLING)
    prove(engine, ledger=ledger)
    assert engine.capacity == max(SIZES)
    results = ask(engine, x(1), x(2))
    assert [answer(result) for result in results] == [str([(2 * (x(value)["x"] + 1)).tolist()]) for value in (1, 2)]
    assert not ledger.off
