"""Named shapes are computed before the first request, with the numbers of rows that requests will share."""

import pytest

from images.serving.tests.unit.engine.batching.fake import Fake, engine
from paddle_serving_runtime.engine import DirectEngine
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.paddle_model.warmup import WarmShape


def warmed(one: DirectEngine, *texts: str) -> list[int]:
    told: list[int] = []
    one.warm([WarmShape.parse(text) for text in texts], told.append)
    return told


def test_each_shape_is_computed_and_told() -> None:
    assert warmed(engine(1), "x=1x2", "x=3x7") == [1, 2]
    assert Fake.runs == [(1, 2), (3, 7)]


def test_a_shape_of_one_row_is_computed_with_all_rows_that_a_run_may_have() -> None:
    one = engine(3)
    assert one.warm([WarmShape.parse("a:x=1x2")], lambda _: None).sizes == 2
    assert Fake.runs == [(1, 2), (2, 2), (3, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("b:x=1x2", "there is no model b; the models are a"),
        ("y=1x2", "the inputs are y, but the model's are x"),
        ("x=1x2,y=1", "the inputs are x, y, but the model's are x"),
        ("x=1x2x3", r"input x has shape \[1, 2, 3\], but the model's is \[-1, -1\]"),
    ],
)
def test_a_shape_that_no_model_has_is_refused_before_anything_is_computed(text: str, words: str) -> None:
    with pytest.raises(InvalidOption, match=rf"^InvalidOption: --warmup {text} \(engine.warmup.shapes\) .*{words}"):
        warmed(engine(), "x=1x2", text)
    assert not Fake.runs


def test_a_shape_that_the_model_cannot_compute_is_refused_with_paddles_own_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_x: object) -> None:
        raise RuntimeError("the width must be a multiple of 8 (at /paddle/conv.cc:1)")

    monkeypatch.setattr(Fake, "model", staticmethod(fail))
    with pytest.raises(InvalidOption, match=r"cannot compute it: .*the width must be a multiple of 8"):
        warmed(engine(), "x=1x2")
