"""The table of benchmarks.apply: pure."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.figures import settled
from benchmarks.tables import markdown

BUILDS = ("baseline", "this")


def table(raw: Mapping[str, Any]) -> str:
    """Seconds of both builds, and the ratio of their medians."""
    rows = settled(raw["rows"])
    seconds = {build: [float(row["seconds"]) for row in rows if row["build"] == build] for build in BUILDS}
    body = [_of(build, times) for build, times in seconds.items() if times]
    text = markdown(("build", "times", "s, median", "the shortest", "the longest"), body)
    if all(seconds.values()):
        before, now = (median(seconds[build]) for build in BUILDS)
        text += f"\n\nRatio of the medians, this build to the baseline: {now / before:.2f}."
    return text


def _of(build: str, times: list[float]) -> tuple[str, ...]:
    return (build, str(len(times)), f"{median(times):.2f}", f"{min(times):.2f}", f"{max(times):.2f}")
