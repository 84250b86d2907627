"""The table of benchmarks.reaction: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown

FIRST_SHARE = "first share"
GOALS = {"pause": 1.0, "resume": 1.0, "abort": 1.0, FIRST_SHARE: 2.0}
"""Seconds that each may take at most."""


def table(raw: Mapping[str, Any]) -> str:
    """Seconds until an operator has done what it was told, beside the goal; how busy the machine was."""
    rows = settled(raw["rows"])
    body = []
    for what, goal in GOALS.items():
        times = [float(row["seconds"]) for row in rows if row["what"] == what]
        if times:
            met = "yes" if max(times) <= goal else f"no, {sum(time > goal for time in times)} later"
            body.append((what, str(len(times)), f"{median(times):.2f}", f"{max(times):.2f}", f"{goal:.0f}", met))
    head = ("", "times", "s, median", "the longest", "goal, s", "met by all")
    load = raw["machine"].get("load_average")
    said = f"\n\nLoad average of the machine at the end: {load}." if load is not None else ""
    return f"{markdown(head, body)}{said}"
