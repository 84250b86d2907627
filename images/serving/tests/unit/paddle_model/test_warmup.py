"""The text of --warmup."""

import pytest

from paddle_serving_runtime.paddle_model.warmup import WarmShape


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("x=1x3x48x320", WarmShape("", {"x": (1, 3, 48, 320)})),
        ("rec:x=2,image.y=1x1", WarmShape("rec", {"x": (2,), "image.y": (1, 1)})),
        ("x=1x2,scalar=", WarmShape("", {"x": (1, 2), "scalar": ()})),
    ],
)
def test_it_is_read_and_written_alike(text: str, shape: WarmShape) -> None:
    assert WarmShape.parse(text) == shape
    assert str(shape) == text


@pytest.mark.parametrize("text", ["", "x", "=1", "x=1*3", "x=1x", "x=-1x3", "x=1x3,", "x=[1, 3]", "x=1.5"])
def test_what_is_no_shape_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not \[OP:\]INPUT=SHAPE,\.\.\., for example x=1x3x48x320"):
        WarmShape.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x=0x3", "the input x must have from 1 to 67108864 elements"),
        ("x=999999999x999999999", "the input x must have from 1 to 67108864 elements"),
        ("x=1,x=2", "names the input x twice"),
    ],
)
def test_shapes_of_nothing_or_of_more_than_memory_and_doubles_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        WarmShape.parse(text)
