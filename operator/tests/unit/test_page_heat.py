"""The heat map: how hot a difference is, what is said of it, and that it can be read."""

import math
import re
from pathlib import Path

import pytest

from paddle_serving_operator.page import heat as page_heat
from paddle_serving_operator.page.heat import Point, heat, level
from paddle_serving_operator.page.rendering import apart

STYLE = (Path(page_heat.__file__).parent / "static" / "style.css").read_text(encoding="utf-8")
ENOUGH = 4.5  # the contrast that WCAG 2 asks of text


def point(far: float | None, sample: str = "a", tensor: str = "x", *, wrong: bool = False) -> Point:
    return Point(sample, tensor, far, wrong)


@pytest.mark.parametrize(
    ("far", "wrong", "expected", "text"),
    [
        (0.0, False, 0, "0"),
        (1e-30, False, 1, "1e-30"),
        (9.9e-7, False, 1, "1e-6"),
        (1e-6, False, 2, "1e-6"),
        (1.2e-4, False, 3, "1e-4"),
        (0.01, False, 4, "0.01"),
        (0.512, True, 4, "✘ 0.51"),
        (1.0, False, 5, "1"),
        (123456.0, False, 5, "1e5"),
        (None, False, 5, "≠"),
        (None, True, 5, "✘ ≠"),
        (0.0, True, 5, "✘ ≠"),
        (math.inf, False, 5, "inf"),
    ],
)
def test_a_cell_is_as_hot_as_its_difference_and_says_it(
    far: float | None,
    wrong: bool,  # noqa: FBT001 - parameters of a test
    expected: int,
    text: str,
) -> None:
    made = heat("k", "t", [point(far, wrong=wrong), point(1.0, "b")])
    assert made is not None
    assert (level(point(far, wrong=wrong)), made.cells[0].text) == (expected, text)


def test_where_nothing_differs_there_is_no_picture() -> None:
    assert heat("k", "t", []) is None
    assert heat("k", "t", [point(0.0), point(0.0, "b")]) is None


def test_cells_stand_in_the_row_of_their_sample_and_the_column_of_their_tensor() -> None:
    made = heat("k", "t", [point(0.1, "a", "x"), point(0.2, "a", "y"), point(0.3, "b", "y")])
    assert made is not None
    rows, columns = {name.whole: name.y for name in made.rows}, {name.whole: name.x for name in made.columns}
    places = {cell.title.partition(":")[0]: (cell.x + 32, cell.y + 13) for cell in made.cells}
    assert places == {
        "a, x": (columns["x"], rows["a"]),
        "a, y": (columns["y"], rows["a"]),
        "b, y": (columns["y"], rows["b"]),
    }
    assert all(cell.x + 66 <= made.width and cell.y + 26 <= made.height for cell in made.cells)


def test_of_too_many_the_hottest_are_drawn_and_the_rest_is_told() -> None:
    points = [point(index / 1000, f"s{index}", f"t{index % 20}") for index in range(100)]
    made = heat("k", "t", [*points, point(None, "text", "t0", wrong=True)])
    assert made is not None
    assert (len(made.rows), len(made.columns)) == (24, 12)
    assert {"text", "s99"} <= {name.whole for name in made.rows}
    assert "s0" not in {name.whole for name in made.rows}
    assert made.left_out == "No room for 77 samples and 8 tensors with smaller differences."
    assert made.description.endswith(
        "The farthest is tensor t0 of sample text: differs, nothing to subtract, more than may be."
    )


def test_a_name_that_does_not_fit_is_cut_and_kept() -> None:
    made = heat("k", "t", [point(1.0, "a" * 40, "b" * 40)])
    assert made is not None
    assert (made.rows[0].text, made.rows[0].whole) == ("a" * 13 + "…", "a" * 40)
    assert (made.columns[0].text, made.columns[0].whole) == ("b" * 8 + "…", "b" * 40)


@pytest.mark.parametrize(
    ("expected", "got", "shown"),
    [
        ("0.9992426", "0.4871093", ("0.", "9992426", "4871093")),
        ("ab", "ab", ("ab", "", "")),
        ("", "x", ("", "", "x")),
        ("a" * 300, "a" * 300 + "b", ("a" * 200 + "…", "", "")),
    ],
)
def test_two_values_are_marked_from_where_they_differ(expected: str, got: str, shown: tuple[str, str, str]) -> None:
    assert apart(expected, got) == shown


def themes() -> list[dict[str, str]]:
    """The colours by name, of the light and the dark page."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return [dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", block)) for block in blocks]


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


PAIRS = (
    *((ink, paper) for ink in ("ink", "quiet", "link") for paper in ("paper", "soft")),
    *((name, f"{name}-paper") for name in ("good", "bad", "going", "waiting")),
    *((f"on-{step}", f"heat-{step}") for step in range(6)),
    ("on-stable", "stable"),
    ("on-canary", "canary"),
    ("ink", "going-paper"),
    ("ink", "bad-paper"),
    ("ink", "waiting-paper"),
)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "paper"), PAIRS)
def test_text_stands_out_from_its_paper(theme: int, ink: str, paper: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[ink], colours[paper]) >= ENOUGH


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_heat_goes_one_way_so_that_it_can_be_read_without_seeing_colours(theme: int) -> None:
    steps = [luminance(themes()[theme][f"heat-{step}"]) for step in range(6)]
    assert steps == sorted(steps, reverse=theme == 0)
