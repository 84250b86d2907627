"""The table of benchmarks.backends: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown


def table(raw: Mapping[str, Any]) -> str:
    """CPU milliseconds of a run by backend, the ratio of paired rounds, and how far the answers are apart."""
    rows = settled(raw["rows"])
    body = []
    for row in rows:
        if row["backend"] == "Auto":
            continue
        default = next(one for one in rows if (one["model"], one["backend"]) == (row["model"], "Default"))
        body.append(
            (
                row["model"],
                row["backend"],
                f"{median(row['cpu_ms']):.2f} ({min(row['cpu_ms']):.2f})",
                f"{median(row['rested_cpu_ms']):.2f} ({min(row['rested_cpu_ms']):.2f})",
                f"{_ratio(row, default, 'cpu_ms'):.2f}",
                f"{_ratio(row, default, 'rested_cpu_ms'):.2f}",
                "same bits" if row["same_bits"] else f"{row['largest_difference']:.1e}",
            )
        )
    head = (
        *("model", "backend", "CPU ms, median (least)", "after a rest, median (least)"),
        *("of Default, median of pairs", "after a rest", "largest difference from Default"),
    )
    taken = [f"Auto takes {row['taken']} for {row['model']}." for row in rows if row["backend"] == "Auto"]
    return "\n\n".join([markdown(head, body), *taken, f"Load average at the end: {raw['machine']['load_average']}."])


def _ratio(row: Mapping[str, Any], default: Mapping[str, Any], what: str) -> float:
    return float(median(mine / its for mine, its in zip(row[what], default[what], strict=True)))
