"""The table and the plot of benchmarks.rollout: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.figure import Figure

from benchmarks.figures import settled
from benchmarks.tables import markdown

COLUMNS = 3
_OLD, _NEW = "#555555", "#0b6e4f"


def table(raw: Mapping[str, Any]) -> str:
    """A row a change: requests, failed and wrong ones, the slowest answer, the fewest ready pods; what has no row."""
    head = ("change", "requests", "failed", "wrong", "slowest, ms", "fewest ready pods", "promised")
    body = [
        (
            row["change"].replace("_", " "),
            f"{row['requests']:,}",
            str(row["failed_requests"]),
            str(row["wrong_answers"]),
            f"{row['slowest_ms']:.0f}",
            str(row["fewest_ready_pods"]),
            str(row["promised_pods"]),
        )
        for row in settled(raw["rows"])
    ]
    measured = {row["change"] for row in settled(raw["rows"])}
    missing = ", ".join(each.replace("_", " ") for each in raw["settings"]["changes"] if each not in measured)
    return markdown(head, body) + (f"\n\nNot measured yet: {missing}." if missing else "")


def plot(raw: Mapping[str, Any]) -> Figure:
    """Answers per second of the old and of the new model over time, a panel a change."""
    rows = settled(raw["rows"])
    lines = -(-len(rows) // COLUMNS)
    figure = Figure(figsize=(4 * COLUMNS, 2.2 * max(1, lines)), layout="constrained")
    for place, row in enumerate(rows, 1):
        axes = figure.add_subplot(lines, COLUMNS, place)
        for label, column, colour in (("old model", 1, _OLD), ("new model", 2, _NEW)):
            axes.plot(*rates(row["points"], column), label=label, color=colour)
        axes.set_title(row["change"].replace("_", " "), fontsize=9)
        axes.set_ylim(bottom=0)
    if rows:
        figure.axes[0].legend()
        figure.supxlabel("seconds", fontsize=9)
        figure.supylabel("answers per second", fontsize=9)
    return figure


def rates(points: Sequence[Sequence[float]], column: int) -> tuple[list[float], list[float]]:
    """Moments and what was answered per second between them."""
    pairs = [(first, second) for first, second in pairwise(points) if second[0] > first[0]]
    moments = [second[0] for _, second in pairs]
    return moments, [(second[column] - first[column]) / (second[0] - first[0]) for first, second in pairs]
