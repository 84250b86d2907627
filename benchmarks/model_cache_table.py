"""The table of benchmarks.model_cache: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import Rows, settled
from benchmarks.tables import markdown

_PARTS = ("fetch_seconds", "serve_seconds")


def table(raw: Mapping[str, Any]) -> str:
    """Seconds of the first and of a second pod, medians of the rounds, with and without, and their ratio.

    The same for a model image that is copied and one that is mounted, where they were measured.
    """
    rows = settled(raw["rows"])
    kinds = ("without", "with", "copied", "mounted")
    later = {kind: [row for row in rows if row["cache"] == kind and row["round"]] for kind in kinds}
    filling = [row for row in rows if row["cache"] == "with" and not row["round"]]
    without, second = _sum(later["without"]), _sum(later["with"])
    shown = [
        ("without a cache", later["without"]),
        ("with a cache, the first pod", filling),
        ("with a cache, every further pod", later["with"]),
    ]
    shown += [(f"with a model image that is {kind}", later[kind]) for kind in kinds[2:] if later[kind]]
    body = [(what, *(f"{_median(found, part):.1f}" for part in _PARTS), f"{_sum(found):.1f}") for what, found in shown]
    text = markdown(("pod", "fetch, s", "serve until Ready, s", "together, s"), body)
    said = f"{text}\n\nA further pod takes {second / without:.2f} of the time without a cache."
    if not later["copied"] or not later["mounted"]:
        return said
    share = _sum(later["mounted"]) / _sum(later["copied"])
    return f"{said} A mounted image takes {share:.2f} of the time of a copied one."


def _median(rows: Rows, part: str) -> float:
    return median(float(row[part]) for row in rows)


def _sum(rows: Rows) -> float:
    return sum(_median(rows, part) for part in _PARTS)
