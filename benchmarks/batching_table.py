"""The table of benchmarks.batching: pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown

_KEY = ("model", "protocol", "connections")


def table(raw: Mapping[str, Any]) -> str:
    """Requests per second, p50 and CPU of a request, by model, protocol and connections: Off beside Auto."""
    rows = {(*(row[name] for name in _KEY), row["batching"]): row for row in settled(raw["rows"])}
    pairs = [(rows[key], rows.get((*key[:-1], "Auto"))) for key in rows if key[-1] == "Off"]
    head = (
        *("model, protocol, connections", "requests/s, Off", "Auto", "p50 ms, Off", "Auto", "CPU ms, Off", "Auto"),
        "requests of a run",
    )
    return markdown(head, [_of(off, auto) for off, auto in pairs if auto is not None])


def _of(off: Mapping[str, Any], auto: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        ", ".join(str(off[name]) for name in _KEY),
        *(f"{row['requests_per_second']:,.0f}" for row in (off, auto)),
        *(f"{row[what]:.2f}" for what in ("p50_ms", "cpu_ms") for row in (off, auto)),
        f"{auto['requests_of_a_run']:.1f}",
    )
