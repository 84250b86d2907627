"""Figures that a run of the tests gives away; recorded, never asserted."""

from __future__ import annotations

import json

from e2e.lib.dump import OUTPUT

FILE = OUTPUT / "measurements.json"


def record(name: str, seconds: float) -> None:
    """Puts one figure into build/e2e/measurements.json, beside those that are there."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    figures = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    figures[name] = {"value": round(seconds, 2), "unit": "s"}
    FILE.write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
