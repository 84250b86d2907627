"""Numbered steps on the terminal with their elapsed times, kept for docs/measurements.md."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Steps:
    """Prints `[i/n] title` when a step starts and its time when it ends; remembers both."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._seconds: dict[str, float] = {}

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Times what happens inside; an error inside is passed on and its step not recorded."""
        print(f"\n[{len(self._seconds) + 1}/{self._total}] {title}", flush=True)
        started = time.monotonic()
        yield
        self._seconds[title] = round(time.monotonic() - started, 1)
        print(f"      done in {self._seconds[title]:.1f} s", flush=True)

    def write(self, path: Path) -> None:
        """Writes {step: seconds} and the sum as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"steps": self._seconds, "total": round(sum(self._seconds.values()), 1)}
        path.write_text(json.dumps(document, indent=2) + "\n")
