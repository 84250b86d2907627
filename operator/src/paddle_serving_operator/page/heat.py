"""Differences as a heat map, a cell for each sample and tensor: where each thing is drawn, and how hot it is.

A report has of each comparison its worst element and counts, and not every element: so a cell stands for a tensor.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paddle_serving_operator.view.proof import Comparison, Element
from paddle_serving_operator.view.words import counted, number

MOST_ROWS, MOST_COLUMNS = 24, 12
LEFT, TOP, WIDTH, HEIGHT, GAP = 104, 22, 66, 26, 2  # of the names, and of a cell; in the units of the picture
CHARACTERS_LEFT, CHARACTERS_TOP = 14, 9  # of a name that fit

READABLE = 0.01
"""From here on to its inverse a figure is written out."""

BOUNDS = (1e-6, 1e-4, 1e-2, 1.0)
WORDS = (
    "the same, bit for bit",
    "below 1e-6",
    "1e-6 to 1e-4",
    "1e-4 to 0.01",
    "0.01 to 1",
    "1 or more, or nothing to subtract",
)
"""What each level of heat says about a relative difference."""


@dataclass(frozen=True, slots=True)
class Point:
    """One tensor of one sample. `far`: relative where that is known, else absolute, None where there is no number.

    `wrong`: it is more than may be.
    """

    sample: str
    tensor: str
    far: float | None
    wrong: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle at x, y; `text` in it, `title` for who points at it or cannot see it."""

    x: int
    y: int
    level: int
    wrong: bool
    text: str
    title: str


@dataclass(frozen=True, slots=True)
class Name:
    """A name at x, y, cut where it does not fit."""

    x: int
    y: int
    text: str
    whole: str


@dataclass(frozen=True, slots=True)
class Heat:
    """A picture. `description` says in words what it shows, `left_out` what had no room."""

    key: str
    title: str
    description: str
    left_out: str
    width: int
    height: int
    rows: tuple[Name, ...]
    columns: tuple[Name, ...]
    cells: tuple[Cell, ...]


def compared(comparisons: Iterable[Comparison], against: str) -> tuple[Point, ...]:
    """The points of one side, `reference` or `recorded`."""
    mine = (item for item in comparisons if item.against == against)
    return tuple(Point(item.sample, item.tensor, _far(item), not item.equal) for item in mine)


def drifted(elements: Iterable[Element]) -> tuple[Point, ...]:
    """The points of a drift, which names the tensors that are not equal bit for bit."""
    return tuple(Point(item.sample, item.tensor, _far(item), wrong=item.equal is False) for item in elements)


def _far(item: Comparison | Element) -> float | None:
    if item.absolute == 0:
        return 0.0
    if isinstance(item, Comparison) and item.equal and item.absolute is None:
        return 0.0  # text that is the same has nothing to subtract either
    return item.relative if item.relative is not None else item.absolute


def heat(key: str, title: str, points: Sequence[Point]) -> Heat | None:
    """The picture; None where no two sides differ, and so there is nothing to see."""
    if all(point.far == 0 and not point.wrong for point in points):
        return None
    samples = _hottest(points, [point.sample for point in points], MOST_ROWS)
    tensors = _hottest(points, [point.tensor for point in points], MOST_COLUMNS)
    shown = [point for point in points if point.sample in samples and point.tensor in tensors]
    return Heat(
        key=key,
        title=title,
        description=_description(points),
        left_out=_left_out(points, samples, tensors),
        width=LEFT + len(tensors) * WIDTH,
        height=TOP + len(samples) * HEIGHT,
        rows=tuple(
            Name(LEFT - 8, _y(index) + HEIGHT // 2, _cut(name, CHARACTERS_LEFT), name)
            for index, name in enumerate(samples)
        ),
        columns=tuple(
            Name(_x(index) + (WIDTH - GAP) // 2, TOP - 8, _cut(name, CHARACTERS_TOP), name)
            for index, name in enumerate(tensors)
        ),
        cells=tuple(_cell(point, samples, tensors) for point in shown),
    )


def level(point: Point) -> int:
    """How hot a point is, from 0 for the same to 5."""
    if point.far == 0:
        return 5 if point.wrong else 0
    if point.far is None or not math.isfinite(point.far):
        return 5
    return 1 + sum(point.far >= bound for bound in BOUNDS)


def _cell(point: Point, samples: Sequence[str], tensors: Sequence[str]) -> Cell:
    return Cell(
        x=_x(tensors.index(point.tensor)),
        y=_y(samples.index(point.sample)),
        level=level(point),
        wrong=point.wrong,
        text=_short(point),
        title=f"{point.sample}, {point.tensor}: {_said(point)}",
    )


def _x(column: int) -> int:
    return LEFT + column * WIDTH


def _y(row: int) -> int:
    return TOP + row * HEIGHT


def _short(point: Point) -> str:
    if point.far is None or (point.far == 0 and point.wrong):
        return "✘ ≠" if point.wrong else "≠"
    return f"✘ {_figure(point.far)}" if point.wrong else _figure(point.far)


def _figure(far: float) -> str:
    """In as few characters as fit into a cell."""
    mantissa, mark, exponent = (f"{far:.2g}" if READABLE <= far < 1 / READABLE else f"{far:.0e}").partition("e")
    return f"{mantissa}e{int(exponent)}" if mark and far else mantissa if far else "0"


def _said(point: Point) -> str:
    beyond = ", more than may be" if point.wrong else ""
    if point.far is None or (point.far == 0 and point.wrong):
        return f"differs, nothing to subtract{beyond}"
    return f"{number(point.far)}{beyond}" if point.far else WORDS[0]


def _heat(point: Point) -> tuple[bool, float]:
    far = math.inf if point.far is None or not math.isfinite(point.far) else point.far
    return point.wrong, far


def _hottest(points: Sequence[Point], names: Sequence[str], most: int) -> list[str]:
    """The names, in their order; where there are too many those with the largest differences."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) <= most:
        return distinct
    by_heat = sorted(zip(points, names, strict=True), key=lambda pair: _heat(pair[0]), reverse=True)
    kept = set(list(dict.fromkeys(name for _, name in by_heat))[:most])
    return [name for name in distinct if name in kept]


def _description(points: Sequence[Point]) -> str:
    different = sum(1 for point in points if point.far != 0 or point.wrong)
    wrong = sum(1 for point in points if point.wrong)
    beyond = f", {wrong} by more than may be" if wrong else ""
    hottest = max(points, key=_heat)
    return (
        f"{different} of {counted(len(points), 'tensor')} of {counted(len({p.sample for p in points}), 'sample')} "
        f"{'differs' if different == 1 else 'differ'}{beyond}. The farthest is tensor "
        f"{hottest.tensor} of sample {hottest.sample}: {_said(hottest)}."
    )


def _left_out(points: Sequence[Point], samples: Sequence[str], tensors: Sequence[str]) -> str:
    more_samples = len({point.sample for point in points}) - len(samples)
    more_tensors = len({point.tensor for point in points}) - len(tensors)
    parts = [counted(more_samples, "sample")] * bool(more_samples) + [counted(more_tensors, "tensor")] * bool(
        more_tensors
    )
    return f"No room for {' and '.join(parts)} with smaller differences." if parts else ""


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
