"""Markdown tables of the raw data: pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean, median
from typing import Any

from benchmarks.figures import (
    AUTO,
    BASELINE,
    BUSY,
    DIRECT,
    MODELS,
    RAW,
    STOCK,
    VISION,
    Rows,
    beyond,
    find,
    memory_growth,
    own_cpu,
    pss_of_all,
    settled,
)

_SERVERS = (STOCK, "pipeline engine", BASELINE, DIRECT, AUTO)
_HEAVY = ("worker", "HAProxy", "supervisor")


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text, cells that are empty say "-"."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell or "-" for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def serving(raw: Mapping[str, Any]) -> str:
    """Throughput and latency, a table a model; then CPU per request."""
    rows: Rows = raw["rows"]
    parts = []
    for model, title in (MODELS | VISION).items():
        mine = [row for row in rows if row["model"] == model and "failed" not in row]
        if mine:
            taken = dict.fromkeys(row["backend"] for row in mine if row["server"] == AUTO)
            parts += [f"### {title}", throughput(mine), *(f"Auto has taken {backend}." for backend in taken)]
    parts += ["### CPU per request", cpu(rows)]
    failures = [row for row in rows if "failed" in row]
    if failures:
        parts += ["### Failed", markdown(("what", "why"), ((_name(row), row["failed"]) for row in failures))]
    return "\n\n".join(parts)


def throughput(rows: Rows) -> str:
    """Requests per second and median latency by server and protocol (down) and connections (across)."""
    connections = sorted({row["connections"] for row in rows if row["server"] != RAW})
    body = [_alone([row for row in rows if row["server"] == RAW], len(connections))]
    for server in _SERVERS:
        for protocol in dict.fromkeys(row["protocol"] for row in rows if row["server"] == server):
            cells = [_rate(find(rows, server=server, protocol=protocol, connections=count)) for count in connections]
            body.append((f"{server}, {protocol}", *cells))
    return markdown(("requests/s (p50 ms)", *(f"{count} conn." for count in connections)), body)


def _alone(rows: Rows, columns: int) -> tuple[str, ...]:
    """Raw Paddle Inference has processes in place of connections; the cells that it does not have stay empty."""
    cells = [_rate(row) for row in sorted(rows, key=lambda row: row["connections"])][:columns]
    return (f"{RAW}, that many processes", *cells, *([""] * (columns - len(cells))))


def _rate(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return ""
    errors = f", {row['errors']} errors" if row["errors"] > row["connections"] else ""
    return f"{row['requests_per_second']:,.0f} ({short(row['p50_ms'])}{errors})"


def short(value: float) -> str:
    """A number with three digits that mean something."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def cpu(rows: Rows) -> str:
    """CPU milliseconds per request, by process, at one connection and at sixteen."""
    head = ("ms of CPU per request", "conn.", "all", "predictor alone", "beyond it", *_HEAVY)
    body = []
    for row in rows:
        if row.get("server") not in {DIRECT, STOCK} or row.get("connections") not in {1, BUSY}:
            continue
        own, parts = own_cpu(rows, row), row["cpu_ms_by_process"]
        figures = [row["cpu_ms"], own, beyond(rows, row), *(parts.get(name) for name in _HEAVY)]
        texts = ["" if figure is None else f"{figure:.2f}" for figure in figures]
        body.append((f"{row['model']}, {row['server']}, {row['protocol']}", str(row["connections"]), *texts))
    return markdown(head, body)


def overload(raw: Mapping[str, Any]) -> str:
    """Goodput and refusals at ten times the peak."""
    head = ("workers", "peak req/s", "offered", "good", "of peak", "refused with 429", "p50 ms", "p99 ms", "other")
    body = []
    for row in raw["rows"]:
        if "failed" in row:
            continue
        full = row["by_status"].get("429", {"count": 0, "p50_ms": 0.0, "p99_ms": 0.0})
        figures = [mean(row["peaks_per_second"]), row["offered_per_second"], row["goodput_per_second"]]
        texts = [*(f"{figure:,.0f}" for figure in figures), f"{row['goodput_percent']:.0f} %"]
        tail = [f"{full['count']:,}", short(full["p50_ms"]), short(full["p99_ms"]), str(row["others"])]
        body.append((str(row["workers"]), *texts, *tail))
    return markdown(head, body)


def soak(raw: Mapping[str, Any]) -> str:
    """What every process held at the beginning and at the end of the second half of the run."""
    (row,) = [row for row in raw["rows"] if "samples" in row]
    last = row["samples"][-1]
    head = ("process", "MiB after the first half", "MiB at the end", "growth", "descriptors", "threads")
    body = []
    for growth in memory_growth(row["samples"]):
        ranges = [f"{low}-{high}" if low != high else str(low) for low, high in (growth.fds, growth.threads)]
        body.append((growth.process, f"{growth.begin:.1f}", f"{growth.end:.1f}", f"{growth.percent:+.2f} %", *ranges))
    counted = f"{last['answered']:,} good answers in {last['seconds']:,.0f} s over {', '.join(row['protocols'])}"
    rows = ", ".join(map(str, row["sizes"]))
    return f"{counted}, of {rows} rows each; {row['errors']} wrong ones.\n\n{markdown(head, body)}"


def startup(raw: Mapping[str, Any]) -> str:
    """Time to Ready, and memory, beside Paddle Inference alone."""
    head = ("model", "workers", "Ready after s", "alone: import + load s", "PSS MiB, all processes", "alone: PSS MiB")
    body = []
    groups = dict.fromkeys((row["model"], row["workers"]) for row in settled(raw["rows"]))
    for model, workers in groups:
        mine = [row for row in settled(raw["rows"]) if (row["model"], row["workers"]) == (model, workers)]
        loads = [f"{_mid(mine, 'alone', part):.2f}" for part in ("import_seconds", "load_seconds")]
        memory = [median(pss_of_all(row, side) for row in mine) for side in ("served", "alone")]
        ready = f"{_mid(mine, 'served', 'ready_seconds'):.2f}"
        body.append((model, str(workers), ready, " + ".join(loads), *(f"{value:.0f}" for value in memory)))
    return markdown(head, body)


def _mid(rows: Rows, side: str, field: str) -> float:
    return float(median(row[side][field] for row in rows))


def machine(raw: Mapping[str, Any]) -> str:
    """One line on what was measured where."""
    facts = raw["machine"]
    return (
        f"{facts['cpus']} CPUs ({facts['processor']}), Linux {facts['kernel']}, Paddle {facts['paddle']}, "
        f"Python {facts['python']}, commit {facts['commit']}."
    )


def recovery(raw: Mapping[str, Any]) -> str:
    """Seconds until a dead worker's successor serves, with and without a standby process."""
    rows = settled(raw["rows"])
    body = []
    for engine in dict.fromkeys(row["engine"] for row in rows):
        mine = [row for row in rows if row["engine"] == engine]
        times = [
            ", ".join(f"{row[field]:.1f}" for row in mine if row["standby"] == standby)
            for field, standby in (("seconds", True), ("again_seconds", True), ("seconds", False))
        ]
        failed, every = (sum(row[field] for row in mine) for field in ("errors", "requests"))
        body.append((engine, *times, f"{failed} of {every:,}"))
    head = (
        "engine",
        "seconds with a standby process",
        "again, at once",
        "without a standby process",
        "requests that failed, of all deaths together",
    )
    return markdown(head, body)


def _name(row: Mapping[str, Any]) -> str:
    return " / ".join(str(row[key]) for key in ("model", "server", "protocol", "workers") if key in row)


SECTIONS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "serving": serving,
    "overload": overload,
    "soak": soak,
    "startup": startup,
    "recovery": recovery,
}
