"""Plots of the raw data as SVG on white; the same data gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks import rollout_table
from benchmarks.figures import (
    AUTO,
    BASELINE,
    DIRECT,
    MODELS,
    RAW,
    STOCK,
    Rows,
    find,
    own_cpu,
    pss_of_all,
    series,
    settled,
)
from benchmarks.peers import table as peers_table

_COLOURS = {
    AUTO: "#2a6fb0",
    BASELINE: "#8f6bb3",
    DIRECT: "#0b6e4f",
    "pipeline engine": "#c77700",
    STOCK: "#a4161a",
    RAW: "#555555",
}
_PARTS = {"predictor": "#555555", "worker": "#0b6e4f", "HAProxy": "#2a6fb0", "supervisor": "#c77700"}
_LINES = {"JSON": "-", "gRPC": "--", "OIP REST binary": "-.", "OIP gRPC": ":"}
_SETTINGS: Any = {
    "svg.hashsalt": "paddle-serving",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "figure.subplot.wspace": 0.3,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def svg(draw: Callable[[Mapping[str, Any]], Figure], raw: Mapping[str, Any], source: str) -> str:
    """The picture; `source` stands in it, so that a stale one can be told without drawing."""
    with mpl.rc_context(_SETTINGS):
        figure = draw(raw)
        figure.set_facecolor("white")
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Description": source}, bbox_inches="tight")
    # matplotlib leaves blanks at the ends of lines
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def throughput(raw: Mapping[str, Any]) -> Figure:
    """Requests per second over connections, a panel a model."""
    rows = settled(raw["rows"])
    models = [model for model in MODELS if model != "path" and find(rows, model=model, server=DIRECT)]
    figure = Figure(figsize=(4 * max(1, len(models)), 3.4))
    for place, model in enumerate(models, 1):
        axes = figure.add_subplot(1, len(models), place)
        mine = [row for row in rows if row["model"] == model]
        for server, protocol in dict.fromkeys((row["server"], row["protocol"]) for row in mine if row["server"] != RAW):
            points = sorted(
                (row["connections"], row["requests_per_second"])
                for row in mine
                if (row["server"], row["protocol"]) == (server, protocol)
            )
            style: Any = {"color": _COLOURS[server], "linestyle": _LINES[protocol], "marker": "o", "markersize": 3}
            axes.plot(*zip(*points, strict=True), label=f"{server}, {protocol}", **style)
        top = max((row["requests_per_second"] for row in mine if row["server"] == RAW), default=None)
        if top is not None and model != "uci":
            axes.axhline(top, color=_COLOURS[RAW], linewidth=1, label=RAW)
        _connections(axes, model, sorted({row["connections"] for row in mine if row["server"] == DIRECT}))
        if place == 1:
            axes.set_ylabel("requests per second")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4)
    return figure


def _connections(axes: Axes, title: str, counts: list[int]) -> None:
    axes.set_title(title)
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("connections")
    axes.set_ylim(bottom=0)


def cpu(raw: Mapping[str, Any]) -> Figure:
    """CPU per request at the fewest connections by process, a bar a protocol, a panel a model."""
    rows = settled(raw["rows"])
    count = min((row["connections"] for row in rows if row["server"] == DIRECT), default=1)
    models = [model for model in MODELS if find(rows, model=model, server=DIRECT, connections=count)]
    figure = Figure(figsize=(3 * max(1, len(models)), 3))
    for place, model in enumerate(models, 1):
        axes = figure.add_subplot(1, len(models), place)
        bars = [row for row in rows if (row["model"], row["server"], row["connections"]) == (model, DIRECT, count)]
        bottom = [0.0] * len(bars)
        for part, colour in _PARTS.items():
            heights = [_part(rows, row, part) for row in bars]
            axes.bar(range(len(bars)), heights, bottom=bottom, color=colour, label=part, width=0.6)
            bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
        axes.set_title(model)
        axes.set_xticks(range(len(bars)), [row["protocol"] for row in bars], rotation=30, ha="right")
        if place == 1:
            axes.set_ylabel(f"ms of CPU per request, {count} conn.")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=4)
    return figure


def _part(rows: Rows, row: Mapping[str, Any], part: str) -> float:
    own = own_cpu(rows, row) or 0.0
    if part == "predictor":
        return own
    value = float(row["cpu_ms_by_process"].get(part, 0.0))
    return max(0.0, value - own) if part == "worker" else value


def soak(raw: Mapping[str, Any]) -> Figure:
    """Memory, descriptors and threads of every process over the requests answered."""
    (row,) = [row for row in raw["rows"] if "samples" in row]
    samples = row["samples"]
    figure = Figure(figsize=(12, 3.2))
    fields = {"rss_mib": "resident memory, MiB", "fds": "file descriptors", "threads": "threads"}
    for place, (field, label) in enumerate(fields.items(), 1):
        axes = figure.add_subplot(1, 3, place)
        workers = 0
        for process in samples[-1]["processes"]:
            lived = series(samples, process["pid"])
            answered = [sample["answered"] / 1000 for sample in samples[-len(lived) :]]
            workers += process["process"] == "worker"
            name = f"worker {workers}" if process["process"] == "worker" else process["process"]
            colour = _PARTS.get(process["process"], "#888888")
            axes.plot(answered, [one[field] for one in lived], label=name, color=colour, linestyle=_dash(name))
        axes.set_xlabel("thousand requests answered")
        axes.set_title(label)
        axes.set_ylim(bottom=0)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=6)
    return figure


def _dash(name: str) -> str:
    return "--" if name == "worker 2" else "-"


def startup(raw: Mapping[str, Any]) -> Figure:
    """Seconds to Ready and memory over the number of workers, beside Paddle Inference alone."""
    rows = [row for row in settled(raw["rows"]) if row["model"] == "rec"]
    counts = sorted({row["workers"] for row in rows})
    figure = Figure(figsize=(8, 3))
    time, memory = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2)
    ready = [median(row["served"]["ready_seconds"] for row in rows if row["workers"] == count) for count in counts]
    alone = [
        median(row["alone"]["import_seconds"] + row["alone"]["load_seconds"] for row in rows if row["workers"] == count)
        for count in counts
    ]
    time.plot(counts, ready, marker="o", color=_COLOURS[DIRECT], label="the runtime, until Ready")
    time.plot(counts, alone, marker="o", color=_COLOURS[RAW], label="Paddle alone: import and load")
    time.set_ylabel("seconds")
    for side, name in (("served", "the whole server"), ("alone", "Paddle alone")):
        values = [median(pss_of_all(row, side) for row in rows if row["workers"] == count) for count in counts]
        memory.plot(counts, values, marker="o", color=_COLOURS[DIRECT if side == "served" else RAW], label=name)
    memory.set_ylabel("MiB (PSS), all together")
    for axes in (time, memory):
        axes.set_xlabel("workers")
        axes.set_xticks(counts)
        axes.set_ylim(bottom=0)
        axes.legend()
    return figure


PLOTS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Figure]]] = {
    "throughput": ("serving", throughput),
    "cpu": ("serving", cpu),
    "soak": ("soak", soak),
    "startup": ("startup", startup),
    "rollout": ("rollout", rollout_table.plot),
    "peers": ("peers", peers_table.plot),
}
