"""The rows as a picture, drawn with the library that the image has for the pictures of services."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from paddle_serving_runtime.tuning.figures import Row

_WIDTH, _LINE, _MARGIN = 1000, 30, 16
_LABELS, _NUMBERS = 400, 190
_FONT_SIZE = 15
_INK, _PAPER, _FAINT = "#222222", "#ffffff", "#999999"
_COLOURS = {"same bits": "#2a7ab9", "within tolerance": "#e0a030", "differs": "#c0392b"}


def draw(rows: Sequence[Row], best: Row | None, path: Path) -> None:
    """Writes a PNG: for each row that has figures a bar, its length requests per second, its colour the agreement."""
    timed = sorted((row for row in rows if row.requests_per_second is not None), key=_rate, reverse=True)
    picture = Image.new("RGB", (_WIDTH, 2 * _MARGIN + _LINE * (len(timed) + 2)), _PAPER)
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(_FONT_SIZE)
    pen.text((_MARGIN, _MARGIN), "requests per second, and how the answers agree", _INK, font)
    most = max(map(_rate, timed), default=1.0)
    for number, row in enumerate(timed, start=1):
        top = _MARGIN + number * _LINE
        label = f"{row.setting}{'  <' if row is best else ''}"
        pen.text((_MARGIN, top + 5), label, _INK, font)
        length = (_WIDTH - _LABELS - _NUMBERS) * _rate(row) / most
        pen.rectangle(
            (_LABELS, top + 3, _LABELS + max(1.0, length), top + _LINE - 5), _COLOURS[row.agreement or "differs"]
        )
        pen.text((_LABELS + length + 8, top + 5), f"{_rate(row):.1f}  ({row.p50_ms:.1f} ms a run)", _INK, font)
    _legend(pen, font, _MARGIN + _LINE * (len(timed) + 1))
    picture.save(path, "PNG")


def _rate(row: Row) -> float:
    return row.requests_per_second or 0.0


def _legend(pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, top: int) -> None:
    left = float(_LABELS)
    for word, colour in _COLOURS.items():
        pen.rectangle((left, top + 6, left + 12, top + 18), colour)
        pen.text((left + 18, top + 4), word, _FAINT, font)
        left += 18 + pen.textlength(word, font) + 24
