"""Raw figures on disk: written after every cell, so that a run that was stopped goes on where it was."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.models import ROOT

FOLDER = ROOT / "docs" / "measurements"
WORK = ROOT / "build" / "bench"


class Results:
    """Rows by key. A run with the same settings goes on with what an unfinished one has left below build/bench.

    Threads may put rows at the same time.
    """

    def __init__(self, name: str, settings: Mapping[str, Any], output: Path, *, fresh: bool) -> None:
        self.output = output
        self._partial = WORK / f"{name}.partial.json"
        self._began = time.monotonic()
        self._writing = threading.Lock()
        # as it will be read back: tuples are lists there
        self.settings = json.loads(json.dumps(dict(settings)))
        self.rows: dict[str, Any] = {}
        self.failures: list[dict[str, Any]] = []
        if not fresh:
            with suppress(OSError, ValueError):
                kept = json.loads(self._partial.read_text())
                if kept["settings"] == self.settings:
                    self.rows = kept["rows"]
                    self.say(f"going on with {len(self.rows)} rows of an unfinished run; --fresh begins anew")

    def say(self, text: str) -> None:
        """One line of progress with the time since the start."""
        sys.stderr.write(f"[{time.monotonic() - self._began:6.1f} s] {text}\n")
        sys.stderr.flush()

    def put(self, key: str, row: Mapping[str, Any]) -> None:
        """Keeps a row, on disk too."""
        with self._writing:
            self.rows[key] = dict(row)
            write(self._partial, {"settings": self.settings, "rows": self.rows})

    def fail(self, head: Mapping[str, Any], error: Exception) -> None:
        """A row that says what failed; not kept for the next run, which tries again."""
        self.say(f"{' / '.join(map(str, head.values()))} FAILED: {error}")
        self.failures.append({**head, "failed": str(error).partition("\n")[0]})

    def finish(self) -> int:
        """Writes the raw data to its place; exit status 1 where something failed, which another run tries again."""
        rows = [*self.rows.values(), *self.failures]
        write(self.output, {"machine": machine(), "settings": self.settings, "rows": rows})
        if not self.failures:
            self._partial.unlink(missing_ok=True)
        with suppress(ValueError):
            self.say(f"written: {self.output.relative_to(ROOT)}")
        return 1 if self.failures else 0


def write(path: Path, content: Mapping[str, Any]) -> None:
    """The content as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, indent=1) + "\n")
    new.replace(path)


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "cpus": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "paddle": importlib.metadata.version("paddlepaddle"),
        "python": platform.python_version(),
        "commit": commit_of(ROOT),
        "load_average": round(os.getloadavg()[0], 2),
    }


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, in short; empty where it is none."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def arguments(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the flags that every measurement has."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="a look at everything in short; figures mean little")
    parser.add_argument("--fresh", action="store_true", help="do not go on with an unfinished run")
    parser.add_argument(
        "--output", type=Path, help=f"raw data; default docs/measurements/{name}.json, with --quick below build/"
    )
    return parser


def output_of(name: str, options: argparse.Namespace) -> Path:
    """Where the raw data goes."""
    if options.output:
        return Path(options.output)
    return (WORK / "quick" if options.quick else FOLDER) / f"{name}.json"
