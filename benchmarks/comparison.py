"""The table of benchmarks.compare: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown, short

THIS = "this"


def table(raw: Mapping[str, Any]) -> str:
    """Medians of both sides, and the median of the ratios of turns that were measured one after the other."""
    rows = settled(raw["rows"])
    (other,) = {row["side"] for row in rows} - {THIS}
    body = []
    for kind in dict.fromkeys((row["model"], row["protocol"], row["connections"]) for row in rows):
        mine, theirs = (turns(raw, side, *kind) for side in (THIS, other))
        model, protocol, connections = kind
        texts = []
        for field in ("cpu_ms", "requests_per_second"):
            pairs = [(mine[turn][field], theirs[turn][field]) for turn in mine.keys() & theirs.keys()]
            texts += [short(median(pair[1] for pair in pairs)), short(median(pair[0] for pair in pairs))]
            texts.append(f"{median(new / old for new, old in pairs):.2f}")
        body.append((f"{model}, {protocol}", str(connections), *texts))
    head = ("", "conn.", f"CPU ms, {other}", "now", "ratio", f"requests/s, {other}", "now", "ratio")
    return markdown(head, body)


def turns(
    raw: Mapping[str, Any], side: str, model: str, protocol: str, connections: int
) -> dict[int, Mapping[str, Any]]:
    """The rows of one side by their turn."""
    wanted = {"side": side, "model": model, "protocol": protocol, "connections": connections}
    return {
        row["turn"]: row for row in settled(raw["rows"]) if all(row[name] == value for name, value in wanted.items())
    }
