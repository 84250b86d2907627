"""A model is batched only once it has shown that its rows do not depend on each other."""

import logging
from typing import Any

import numpy as np
import pytest

from images.serving.tests.unit.engine.batching.fake import Fake, Model, answer, ask, engine, x


def test_the_first_shared_run_is_checked_against_single_runs_and_the_single_answers_are_given() -> None:
    results = ask(engine(), x(1), x(2))
    assert Fake.runs == [(1, 2), (1, 2), (2, 2)]
    assert [result.batch for result in results] == [1, 1]


def test_equal_requests_prove_nothing_about_independent_rows() -> None:
    one = engine()
    Fake.model = staticmethod(lambda x: x - x.mean(axis=0))
    ask(one, x(1), x(1))
    assert answer(ask(one, x(1), x(2))[0]) == repr(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("value", [x(1), {"x": np.zeros((1, 2), np.float32)}, {"x": np.array([[1, 2]])}])
def test_equal_requests_are_tried_beside_one_of_other_values_and_then_share_runs(value: dict[str, Any]) -> None:
    one = engine()
    results = ask(one, value, value, value)
    assert [answer(result) for result in results] == [repr(2 * value["x"])] * 3
    assert Fake.runs == [(1, 2), (1, 2), (1, 2), (1, 2), (2, 2)]
    Fake.runs = []
    ask(one, value, value, value)
    assert Fake.runs == [(3, 2)]


def test_integers_that_are_all_the_same_have_nothing_to_be_tried_beside() -> None:
    value = {"x": np.array([[1, 1]])}
    ask(engine(), value, value)
    assert Fake.runs == [(1, 2), (1, 2)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda x: x - x.mean(axis=0), "depends on the requests beside it"),
        (lambda x: x[:1], "the first axis of an output is not the batch"),
        (lambda x: np.array(x.sum()), "the first axis of an output is not the batch"),
        (lambda x: x.reshape(1, 2), "fails for several requests together"),
    ],
)
def test_a_model_whose_rows_are_not_independent_is_not_batched_any_more_and_the_log_says_why(
    model: Model, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = engine()
    Fake.model = staticmethod(model)
    with caplog.at_level(logging.WARNING):
        results = ask(one, x(1), x(2))
    assert words in caplog.text
    assert "batch_size of op a has no effect" in caplog.text
    assert [answer(result) for result in results] == [repr(model(x(row)["x"])) for row in (1, 2)]
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(1, 2), (1, 2)]


@pytest.mark.parametrize("shapes", [{"x": (1, 2), "y": (-1, 2)}, {"x": (-1, 2), "y": (1, 2)}, {"x": (-1, 2), "y": ()}])
def test_a_program_with_a_fixed_batch_is_never_batched(
    shapes: dict[str, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "shapes", shapes)
    one = engine(auto_batching_timeout_ms=50.0)
    ask(one, x(1), x(2))
    assert Fake.runs == [(1, 2), (1, 2)]
    assert (one.capacity, one.wait_seconds) == (1, 0)
