"""The table of benchmarks.warmup: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import Rows, settled
from benchmarks.tables import markdown

_FIGURES = ("ready_seconds", "cpu_ms", "p50_ms", "p99_ms", "p99.9_ms", "max_ms", "largest_process_mib")


def table(raw: Mapping[str, Any]) -> str:
    """Start, CPU of a request, latencies and memory, medians of the rounds; the modes one below the other."""
    rows = settled(raw["rows"])
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["model"], row["backend"], row["warmup"]), []).append(row)
    times = ("CPU ms", "p50 ms", "p99", "p99.9", "longest")
    head = ("model, backend, warm-up", "Ready after, s", *times, "largest process, MiB", "requests", "errors")
    return markdown(head, [_of(key, found) for key, found in groups.items()])


def _of(key: tuple[str, str, str], rows: Rows) -> tuple[str, ...]:
    model, backend, mode = key
    return (
        f"{model}, {backend}, {mode}",
        *(f"{median(row[figure] for row in rows):.1f}" for figure in _FIGURES),
        *(f"{sum(row[what] for row in rows):,}" for what in ("answered", "errors")),
    )
