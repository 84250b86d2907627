"""The table of benchmarks.recheck: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import Rows, settled
from benchmarks.tables import markdown


def table(raw: Mapping[str, Any]) -> str:
    """By kind of fault how many changed a golden answer, and how many of those were found; then the cost."""
    rows = settled(raw["rows"])
    injected = [row for row in rows if "kind" in row]
    body = [_of(kind, [row for row in injected if row["kind"] == kind]) for kind in dict.fromkeys(_kinds(injected))]
    body.append(_of("all", injected))
    head = (
        "fault",
        "injected",
        "changed a golden answer",
        "of these found",
        "others found",
        "found after s, median",
        "the longest",
    )
    return f"{markdown(head, body)}\n\n{_cost(rows)}"


def _kinds(rows: Rows) -> list[str]:
    return [str(row["kind"]) for row in rows]


def _of(kind: str, rows: Rows) -> tuple[str, ...]:
    changed = [row for row in rows if row["changed"]]
    found = [row for row in changed if row["found"]]
    others = [row for row in rows if row["found"] and not row["changed"]]
    times = [row["seconds"] for row in found]
    ends = (f"{median(times):.1f}", f"{max(times):.1f}") if times else ("", "")
    return (kind, str(len(rows)), str(len(changed)), str(len(found)), str(len(others)), *ends)


def _cost(rows: Rows) -> str:
    percents = {row["interval"]: row["cpu_percent"] for row in rows if "interval" in row}
    if len(percents) < 2:  # noqa: PLR2004 - without a recheck and with one
        return "What it costs has not been measured."
    interval = max(percents)
    return (
        f"Idle, without requests, the whole server takes {percents[0.0]:.2f} % of a CPU without a recheck and "
        f"{percents[interval]:.2f} % with one every {interval:.0f} s: "
        f"{max(0.0, percents[interval] - percents[0.0]):.2f} % more."
    )
