"""The backend Auto beside Paddle Inference alone and beside another build."""

from typing import Any

from benchmarks import figures, goals, tables
from benchmarks.tests.test_report import row, serving


def backends() -> list[dict[str, Any]]:
    binary = "OIP REST binary"
    rows = [
        row(figures.AUTO, binary, 16, 1800, 0.9),
        row(figures.AUTO, binary, 1, 700, 1.1),
        row(figures.DIRECT, binary, 16, 1000, 1.5),
        row(figures.DIRECT, binary, 1, 320, 2.9),
    ]
    return [*(one | {"backend": "OpenVINO"} for one in rows[:2]), *rows[2:], *serving()["rows"][:2]]


def met(rows: list[dict[str, Any]], words: str) -> tuple[str, bool | None, str]:
    (goal,) = (goal for goal in goals.every({"serving": {"rows": rows}}) if words in goal.goal)
    return goal.measured, goal.met, goal.detail


def test_a_backend_is_held_against_as_many_processes_of_paddle_inference() -> None:
    rows = backends()
    assert met(rows, "cls, backend Auto: 2.5 x as many processes") == ("2.57 x", True, "")
    assert met(rows, "cls, backend Default: 1.5 x as many processes") == ("1.43 x", False, "")
    assert met(rows, "rec, backend Auto: 2 x as many processes") == ("", None, "")


def test_auto_is_held_against_the_baseline_build_and_against_default_where_there_is_none() -> None:
    rows, binary = backends(), "OIP REST binary"
    beside = "beside: backend Default of this build"
    assert met(rows, "cls, backend Auto: 4 x the baseline") == ("1.80 x", False, beside)
    assert met(rows, "p50 at one connection at most") == ("0.46 x", True, beside)
    rows += [row(figures.BASELINE, binary, 16, 420, 3.9), row(figures.BASELINE, binary, 1, 350, 2.9)]
    assert met(rows, "cls, backend Auto: 4 x the baseline") == ("4.29 x", True, "beside: baseline build")
    assert met(rows, "p50 at one connection at most") == ("0.50 x", True, "beside: baseline build")


def test_the_table_says_what_auto_has_taken() -> None:
    text = tables.serving({"rows": backends()})
    assert "| direct engine, backend Auto, OIP REST binary | 700 (1.43) | 1,800 (0.556) |" in text
    assert "Auto has taken OpenVINO." in text
