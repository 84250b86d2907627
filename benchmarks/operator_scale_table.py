"""The tables of benchmarks.operator_scale: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown

OPERATOR, BENCHMARK = "operator", "benchmark"
GOAL_SERVICES = 1000
SECONDS, CPU_PERCENT, MIB = 60.0, 1.0, 150.0

Row = Mapping[str, Any]


def table(raw: Mapping[str, Any]) -> str:
    """The goals, and the parts of the measurement, one row for each build and number of PaddleServices."""
    rows = settled(raw["rows"])
    parts = [_goals(rows), _reconciled(rows), _by_hand(rows), _settled(rows), _reaction(rows), _restarted(rows)]
    load = raw["machine"].get("load_average")
    said = f"Load average of the machine at the end: {load}." if load is not None else ""
    failed = [f"{row['build']}, {row['services']:,}: {row['failed']}." for row in raw["rows"] if "failed" in row]
    return "\n\n".join(filter(None, [*parts, "\n".join(failed), said]))


def _of(rows: Sequence[Row], what: str) -> list[Row]:
    return [row for row in rows if row["what"] == what]


def _head(row: Row) -> tuple[str, str]:
    return row["build"], f"{row['services']:,}"


def _around(row: Row) -> float:
    """CPU seconds of everything but the operator and the benchmark."""
    return float(sum(seconds for name, seconds in row["cpu_seconds"].items() if name not in {OPERATOR, BENCHMARK}))


def _part(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A part of the measurement; nothing where it has no rows."""
    return markdown(head, body) if body else ""


def _each(row: Row, *fields: str) -> str:
    return f"{sum(row[field] for field in fields) / row['services']:.1f}"


def _goals(rows: Sequence[Row]) -> str:
    mine = {row["what"]: row for row in rows if row["build"] == "this" and row["services"] == GOAL_SERVICES}
    body = []
    if row := mine.get("reconciled"):
        all_of_it = sum(row["cpu_seconds"].values())
        said = f"{row['seconds']:.0f} s; {all_of_it:.0f} s of CPU, the operator's {row['cpu_seconds'][OPERATOR]:.0f} s"
        body.append((f"{GOAL_SERVICES:,} reconciled within {SECONDS:.0f} s", said, row["seconds"] <= SECONDS))
    if row := mine.get("settled"):
        body.append(("settled: no write", str(row["writes"]), row["writes"] == 0))
        percent = row["cpu_percent"]
        body.append((f"settled: less than {CPU_PERCENT:.0f} % of a core", f"{percent:.2f} %", percent < CPU_PERCENT))
    if mine:
        peak = max(row.get("peak_mib", 0.0) for row in mine.values())
        body.append((f"at most {MIB:.0f} MiB", f"{peak:.0f} MiB", peak <= MIB))
    words = {True: "met", False: "**missed**"}
    return _part(("goal", "measured", ""), [(goal, said, words[met]) for goal, said, met in body])


def _reconciled(rows: Sequence[Row]) -> str:
    head = (
        "build",
        "PaddleServices",
        "all Healthy after s",
        "CPU s: operator",
        "control plane",
        "ms of the operator's CPU, each",
        "writes, each",
        "reads, each",
        "MiB, the most",
    )
    body = [
        (
            *_head(row),
            f"{row['seconds']:.1f}",
            f"{row['cpu_seconds'][OPERATOR]:.1f}",
            f"{_around(row):.1f}",
            f"{1000 * row['cpu_seconds'][OPERATOR] / row['services']:.1f}",
            _each(row, "writes"),
            _each(row, "reads"),
            f"{row['peak_mib']:.0f}",
        )
        for row in _of(rows, "reconciled")
    ]
    return _part(head, body)


def _by_hand(rows: Sequence[Row]) -> str:
    head = (
        "the same objects made by hand, without an operator",
        "all available after s",
        "CPU s: control plane",
        "ms, each",
    )
    body = [
        (
            f"those of {row['services']:,} PaddleServices, {row['objects']} each",
            f"{row['seconds']:.1f}",
            f"{_around(row):.1f}",
            f"{1000 * _around(row) / row['services']:.0f}",
        )
        for row in _of(rows, "by hand")
    ]
    return _part(head, body)


def _settled(rows: Sequence[Row]) -> str:
    head = ("build", "PaddleServices", "settled minutes", "operator's CPU, % of a core", "writes", "reads", "MiB")
    body = [
        (
            *_head(row),
            f"{row['seconds'] / 60:.1f}",
            f"{row['cpu_percent']:.2f}",
            f"{row['writes']:,}",
            f"{row['reads']:,}",
            f"{row['mib']:.0f}",
        )
        for row in _of(rows, "settled")
    ]
    return _part(head, body)


def _reaction(rows: Sequence[Row]) -> str:
    head = ("build", "PaddleServices", "changes of one", "p50 ms", "p99 ms", "the longest, ms")
    body = [
        (*_head(row), f"{row['changes']}", *(f"{row[name]:.0f}" for name in ("p50_ms", "p99_ms", "max_ms")))
        for row in _of(rows, "reaction")
    ]
    return _part(head, body)


def _restarted(rows: Sequence[Row]) -> str:
    head = ("build", "PaddleServices", "started anew: at rest after s", "operator's CPU s", "writes", "reads", "MiB")
    body = [
        (
            *_head(row),
            f"{row['seconds']:.0f}",
            f"{row['cpu_seconds'][OPERATOR]:.1f}",
            f"{row['writes']:,}",
            f"{row['reads']:,}",
            f"{row['peak_mib']:.0f}",
        )
        for row in _of(rows, "restarted")
    ]
    return _part(head, body)
