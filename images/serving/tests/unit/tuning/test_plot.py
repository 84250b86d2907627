"""The picture of a tuning."""

from pathlib import Path

from PIL import Image

from paddle_serving_runtime.tuning.figures import Agreement, Row
from paddle_serving_runtime.tuning.plan import Setting
from paddle_serving_runtime.tuning.plot import draw

BLUE, RED = (0x2A, 0x7A, 0xB9), (0xC0, 0x39, 0x2B)


def row(rate: float | None, word: Agreement | None) -> Row:
    return Row(Setting("OpenVINO", 16, 64, batched=True), requests_per_second=rate, agreement=word)


def longest(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    """The most pixels of a colour in one line."""
    width, height = picture.size
    pixels = picture.load()
    assert pixels is not None
    return max(sum(pixels[x, y] == colour for x in range(width)) for y in range(height))


def test_bars_are_as_long_as_they_are_fast_and_coloured_by_agreement(tmp_path: Path) -> None:
    rows = [row(50.0, "differs"), row(100.0, "same bits"), row(None, None)]
    draw(rows, rows[1], tmp_path / "tune.png")
    with Image.open(tmp_path / "tune.png") as picture:
        assert picture.format == "PNG"
        blue, red = longest(picture, BLUE), longest(picture, RED)
    assert abs(blue - 2 * red) <= 2
    assert blue > 300


def test_nothing_is_a_picture_too(tmp_path: Path) -> None:
    draw([], None, tmp_path / "tune.png")
    with Image.open(tmp_path / "tune.png") as picture:
        assert picture.format == "PNG"
