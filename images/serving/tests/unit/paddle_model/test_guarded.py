import os

import numpy as np
import pytest

from paddle_serving_runtime.paddle_model.guarded import Answer, Feed, GuardedRuns
from paddle_serving_runtime.paddle_model.openvino import ErrorWatch, RunFailed


class Engine:
    """Doubles what it is given; fails for 13 as Paddle does: a line on stderr, and the answer of the run before."""

    def __init__(self) -> None:
        self.offset = 0.0
        self.broken = False
        self._last: Answer = {}

    def run(self, feed: Feed) -> Answer:
        if self.broken or feed["x"][0] == 13:
            os.write(2, b"E1130 16:04:45.633701 1 engine.cc:72] Exception from a.cpp:1:\nno\n\n")
        else:
            self._last = {"y": feed["x"] * 2 + self.offset}
        return self._last


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def ends() -> list[str]:
    return []


@pytest.fixture
def runs(engine: Engine, ends: list[str]) -> GuardedRuns:
    return GuardedRuns(engine.run, ErrorWatch(), ends.append)


def feed(value: float) -> Feed:
    return {"x": np.array([value])}


def test_a_failed_run_never_answers_with_the_run_before(runs: GuardedRuns, ends: list[str]) -> None:
    assert runs.run(feed(1.0))["y"].tolist() == [2.0]
    with pytest.raises(RunFailed):
        runs.run(feed(13.0))
    assert runs.run(feed(3.0))["y"].tolist() == [6.0]
    assert ends == [], "it has repeated its first answer, so it goes on"


@pytest.mark.parametrize(
    ("broken", "offset", "sentence"),
    [
        (True, 0.0, "cannot repeat its first run: "),
        (False, 1e-12, "does not repeat the answer of its first run"),
    ],
)
def test_an_engine_that_cannot_repeat_its_first_answer_is_at_its_end(
    runs: GuardedRuns, engine: Engine, ends: list[str], *, broken: bool, offset: float, sentence: str
) -> None:
    runs.run(feed(1.0))
    engine.broken, engine.offset = broken, offset
    with pytest.raises(RunFailed):
        runs.run(feed(13.0))
    assert [sentence in end for end in ends] == [True]


def test_what_a_service_does_to_its_arrays_does_not_matter(runs: GuardedRuns, ends: list[str]) -> None:
    fed = feed(1.0)
    answer = runs.run(fed)
    fed["x"][0], answer["y"][0] = 5.0, 7.0
    with pytest.raises(RunFailed):
        runs.run(feed(13.0))
    assert ends == []


def test_its_first_run_may_be_the_one_that_fails(runs: GuardedRuns, ends: list[str]) -> None:
    with pytest.raises(RunFailed):
        runs.run(feed(13.0))
    assert runs.run(feed(1.0))["y"].tolist() == [2.0]
    assert ends == []
