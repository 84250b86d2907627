"""The tables of benchmarks.allocators and benchmarks.allocator_memory: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import Rows, settled
from benchmarks.tables import markdown

SYSTEM = "glibc"


def table(raw: Mapping[str, Any]) -> str:
    """CPU time as a share of the system's allocator, medians of turns."""
    rows = settled(raw["rows"])
    timed = [row for row in rows if "turn" in row]
    names = list(dict.fromkeys(row["model"] for row in timed))
    variants = list(dict.fromkeys(row["variant"] for row in timed))
    body = [
        (variant, *(_cell(timed, model, variant) for model in names), _same(timed, variant)) for variant in variants
    ]
    head = ("CPU of a run, in a loop / after a rest", *names, "same bits?")
    return markdown(head, body)


def ratios(rows: Rows, model: str, variant: str, field: str) -> list[float]:
    """Those of turns that were measured one after the other."""
    mine, base = (
        {row["turn"]: row[field] for row in rows if field in row and (row["model"], row["variant"]) == (model, name)}
        for name in (variant, SYSTEM)
    )
    return [mine[turn] / base[turn] for turn in mine.keys() & base.keys()]


def _cell(rows: Rows, model: str, variant: str) -> str:
    fields = ("loop_cpu_ms", "rest_cpu_ms")
    if variant == SYSTEM:
        values = [
            median(row[field] for row in rows if row["model"] == model and row["variant"] == SYSTEM) for field in fields
        ]
        return " / ".join(f"{value:.2f}" if value >= 1 else f"{value:.3f}" for value in values) + " ms"
    found = [ratios(rows, model, variant, field) for field in fields]
    return " / ".join(f"{median(some):.2f}" if some else "-" for some in found)


def _same(rows: Rows, variant: str) -> str:
    different = list(dict.fromkeys(row["model"] for row in rows if row["variant"] == variant and not row["same_bits"]))
    return f"not {', '.join(different)}" if different else "yes"


def memory(raw: Mapping[str, Any]) -> str:
    """What is resident before and after inputs of many sizes, and the most of it."""
    body = [
        (
            f"{row['model']}, {row['variant']}, {row['runs']:,} runs",
            f"{row['before_mib']:.0f}",
            f"{row['after_mib']:.0f}",
            f"{row['most_mib']:.0f}",
        )
        for row in settled(raw["rows"])
    ]
    return markdown(("MiB resident, inputs of mixed shapes", "before", "after", "most"), body)
