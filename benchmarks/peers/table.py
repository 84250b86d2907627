"""The tables and the plot of benchmarks.peers: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import BUSY, DIRECT, Row, Rows, settled
from benchmarks.tables import markdown, short

_GREEN, _GREY = "#0b6e4f", "#8a8a8a"


def table(raw: Mapping[str, Any]) -> str:
    """The servers, what they take to start, the engines alone, and what gave no figures with the reason."""
    rows: Rows = raw["rows"]
    served = [row for row in settled(rows) if row["kind"] == "server"]
    alone = [row for row in settled(rows) if row["kind"] == "engine"]
    parts = [servers(served), starts(served), engines(alone)]
    failed = dict.fromkeys(
        (str(row.get("server") or row.get("engine")), row["failed"]) for row in rows if "failed" in row
    )
    parts += [markdown(("what gave no figures", "why"), failed)] if failed else []
    flags = " ".join(raw.get("settings", {}).get("serve", ()))
    parts += [f"This project's server was started with `{flags}`."] if flags else []
    load = raw["machine"].get("load_average")
    parts += [f"Load average of the machine at the end: {load}."] if load is not None else []
    return "\n\n".join(part for part in parts if part)


def servers(rows: Rows) -> str:
    """Medians of every server and form; beside a peer, how many times as much this project's server answers.

    The ratios are medians over turns of the two of a pair, which were measured one after the other.
    """
    if not rows:
        return ""
    counts = sorted({row["connections"] for row in rows})
    body = []
    for server, form in dict.fromkeys((row["server"], row["form"]) for row in sorted(rows, key=_own_first)):
        mine = [row for row in rows if (row["server"], row["form"]) == (server, form)]
        cells = [_rate([row for row in mine if row["connections"] == count]) for count in counts]
        cells += [_median(mine, "cpu_ms", count) for count in counts]
        cells += [_times(rows, mine, "requests_per_second", count) for count in counts]
        cells += [_times(rows, mine, "cpu_ms", count) for count in counts]
        body.append((f"{server}, {form}", *cells, _worst([str(row["answer"]) for row in mine])))
    head = [
        *(f"requests/s (p50 ms), {count} conn." for count in counts),
        *(f"CPU ms per request, {count} conn." for count in counts),
        *(f"{DIRECT}'s requests/s over it, {count} conn." for count in counts),
        *(f"{DIRECT}'s CPU over it, {count} conn." for count in counts),
    ]
    return markdown(("server, form of the request", *head, "answer"), body)


def _own_first(row: Row) -> bool:
    return not is_own(row["server"])


def is_own(server: str) -> bool:
    """Whether it is this project's server, with whatever backend."""
    return server.partition(",")[0] == DIRECT


def _rate(rows: Rows) -> str:
    if not rows:
        return ""
    wrong = sum(row["errors"] for row in rows)
    errors = f", {wrong} errors" if wrong > sum(row["connections"] for row in rows) else ""
    rate, p50 = (median(row[field] for row in rows) for field in ("requests_per_second", "p50_ms"))
    return f"{short(rate)} ({short(p50)}{errors})"


def _median(rows: Rows, field: str, connections: int) -> str:
    values = [row[field] for row in rows if row["connections"] == connections]
    return short(median(values)) if values else ""


def ratios(rows: Rows, mine: Rows, field: str, connections: int) -> list[float]:
    """This project's figure over the peer's, turn by turn, where both were measured."""
    found = []
    for row in mine:
        if row["connections"] != connections or is_own(row["server"]) or not row[field]:
            continue
        wanted = (row["peer"], row["turn"], row["like"], connections)
        found += [
            one[field] / row[field]
            for one in rows
            if is_own(one["server"]) and (one["peer"], one["turn"], one["form"], one["connections"]) == wanted
        ]
    return found


def _times(rows: Rows, mine: Rows, field: str, connections: int) -> str:
    values = ratios(rows, mine, field, connections)
    return f"{median(values):.2f}" if values else ""


def _worst(answers: Sequence[str]) -> str:
    """`exact` where every answer was, else the text of the largest difference."""
    within = [answer for answer in answers if answer != "exact"]
    return max(within, key=lambda answer: float(answer.rpartition(" ")[2])) if within else "exact"


def starts(rows: Rows) -> str:
    """Size of each environment and seconds to the first answer."""
    body = []
    for server in dict.fromkeys(row["server"] for row in rows if "start_seconds" in row):
        mine = [row for row in rows if row["server"] == server]
        size = [str(row["installed_mb"]) for row in mine if "installed_mb" in row][:1]
        body.append((server, *(size or [""]), f"{median(row['start_seconds'] for row in mine):.1f}"))
    return markdown(("server", "environment, MB", "seconds to the first answer"), body) if body else ""


def engines(rows: Rows) -> str:
    """Runs per second, CPU of a run, how far the answer is from the default's; a part a model."""
    if not rows:
        return ""
    counts = sorted({row["processes"] for row in rows})
    body = []
    for model, engine in dict.fromkeys((row["model"], row["engine"]) for row in rows):
        mine = [row for row in rows if (row["model"], row["engine"]) == (model, engine)]
        by_count = [[row for row in mine if row["processes"] == count] for count in counts]
        cells = [_rate([{**row, "connections": 1} for row in some]) for some in by_count]
        cells += [short(median(row["cpu_ms"] for row in some)) if some else "" for some in by_count]
        worst = max(row["difference"] for row in mine)
        body.append((f"{model}, {engine}", *cells, f"{worst:.0e}" if worst else "same bits"))
    head = [
        *(f"runs/s (p50 ms), {count} processes" for count in counts),
        *(f"CPU ms of a run, {count} processes" for count in counts),
    ]
    return markdown(("engine alone, one thread", *head, "largest difference"), body)


def plot(raw: Mapping[str, Any]) -> Figure:
    """Requests per second and CPU per request of every server at the most connections, a bar a server and form."""
    rows = [row for row in settled(raw["rows"]) if row["kind"] == "server" and row["connections"] == BUSY]
    names = list(dict.fromkeys((row["server"], row["form"]) for row in sorted(rows, key=_order)))
    figure = Figure(figsize=(10, 0.3 * max(4, len(names)) + 0.8))
    for place, (field, title) in enumerate(
        (("requests_per_second", f"requests/s, {BUSY} connections"), ("cpu_ms", "CPU ms per request")), 1
    ):
        values = [median(row[field] for row in rows if (row["server"], row["form"]) == name) for name in names]
        _bars(figure.add_subplot(1, 2, place), names, values, title)
    figure.axes[1].set_yticklabels([])
    figure.subplots_adjust(wspace=0.08)
    return figure


def _order(row: Row) -> tuple[str, bool]:
    """Forms together, and in each this project's server first."""
    return str(row["like"]), not is_own(row["server"])


def _bars(axes: Axes, names: Sequence[tuple[str, str]], values: Sequence[float], title: str) -> None:
    colours = [_GREEN if is_own(server) else _GREY for server, _ in names]
    axes.barh(range(len(names)), values, color=colours, height=0.7)
    axes.set_yticks(range(len(names)), [f"{server}, {form}" for server, form in names])
    for place, value in enumerate(values):
        axes.text(value, place, f" {short(value)}", va="center", fontsize=7)
    axes.invert_yaxis()
    axes.set_title(title)
    axes.grid(visible=False, axis="y")
