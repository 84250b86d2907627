"""Times backends, threads, workers and batching on this machine with a package's own samples; says what to set."""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import orjson

from paddle_serving_runtime.cli.options import add_switches, computing_of, require
from paddle_serving_runtime.cli.progress import ProgressBar
from paddle_serving_runtime.errors import InvalidOption, NotConsistent, NotVerifiable, ServingError
from paddle_serving_runtime.evidence.processor import this_processor
from paddle_serving_runtime.package.contents import load_package
from paddle_serving_runtime.package.golden import load_recorded, load_samples
from paddle_serving_runtime.paddle_model.plugin import plugin_path, require_plugin
from paddle_serving_runtime.paddle_model.switches import Backend
from paddle_serving_runtime.supervisor.allocator import ALLOCATORS, find_allocator
from paddle_serving_runtime.supervisor.cpus import available_cpus
from paddle_serving_runtime.tuning.figures import Row, best, yaml_of
from paddle_serving_runtime.tuning.plan import plan
from paddle_serving_runtime.tuning.plot import draw
from paddle_serving_runtime.tuning.session import OVER, Found, Session, Subject
from paddle_serving_runtime.words import aligned, counted, visible

_MOST_SECONDS = 3600.0
_BUSY = 0.5
"""The load average of a CPU from which on others are in the way."""

_BACKENDS: tuple[Backend, ...] = get_args(Backend)
_HEAD = ("BACKEND", "WORKERS", "THREADS", "BATCHING", "REQUESTS/S", "RUN MS", "CPU MS", "WORKER MIB", "ANSWERS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `tune`."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="the model package, with golden samples")
    parser.add_argument("--seconds", type=float, default=60.0, help="for everything; default: %(default)g")
    parser.add_argument("--cpus", type=int, metavar="N", help="of a pod; default: those that this process may use")
    parser.add_argument(
        "--backends",
        default="",
        metavar="NAME[,NAME]",
        help=f"of {', '.join(_BACKENDS)}; default: Default, and OpenVINO where this installation has it",
    )
    parser.add_argument("--output", choices=("text", "json"), default="text", help="default: %(default)s")
    parser.add_argument("--plot", type=Path, default=Path("tune.png"), metavar="FILE", help="default: %(default)s")
    parser.add_argument("--allocator", choices=ALLOCATORS, default=ALLOCATORS[0], help="as of serve")
    add_switches(parser)


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 with an advice. Raises ServingError: NotConsistent where every setting's answers are wrong."""
    require(1 <= arguments.seconds <= _MOST_SECONDS, f"--seconds must be between 1 and {_MOST_SECONDS:g}")
    backends, notes = _backends(arguments.backends)
    plot = _writable(arguments.plot)
    computing = computing_of(arguments, 1, "Default")
    package = load_package(arguments.directory, computing.script)
    samples, recorded = load_samples(package), load_recorded(package)
    if not samples:
        raise NotVerifiable(f"{package.golden} has no samples. Add requests as golden/<name>.json or <name>.npz.")
    cpus = _cpus(arguments.cpus)
    notes += _others(os.getloadavg()[0], cpus)
    with tempfile.TemporaryDirectory(prefix="paddle-serving-") as folder, _bar(arguments.seconds) as progress:
        subject = Subject(package.root, recorded, computing, find_allocator(arguments.allocator), Path(folder))
        session = Session(subject, plan(backends, cpus), arguments.seconds, progress.say)
        found = asyncio.run(session.run())
    tuned = Tuned(found, plot, cpus, len(samples), (*notes, *_notes(found)))
    draw(found.rows, tuned.best, plot)
    print(tuned.as_json() if arguments.output == "json" else tuned.as_text())
    tuned.require_advice(arguments.seconds)
    return 0


@dataclass(frozen=True)
class Tuned:
    """Everything that is told at the end."""

    found: Found
    plot: Path
    cpus: int
    samples: int
    notes: Sequence[str]

    @property
    def best(self) -> Row | None:
        """The row to take."""
        return best(self.found.rows)

    @property
    def yaml(self) -> str:
        """What is to be pasted; empty where nothing is."""
        batches = not self.found.in_config and any(row.setting.batched for row in self.found.rows)
        return yaml_of(self.best, batches=batches) if self.best is not None else ""

    def as_json(self) -> str:
        """For other programs."""
        fields: Mapping[str, Any] = {
            "processor": this_processor().name,
            "cpus": self.cpus,
            "samples": self.samples,
            "rows": [row.as_json() for row in _ordered(self.found.rows)],
            "best": self.best.as_json() if self.best is not None else None,
            "yaml": self.yaml,
            "plot": str(self.plot),
            "notes": list(self.notes),
        }
        return orjson.dumps(fields, option=orjson.OPT_INDENT_2).decode()

    def as_text(self) -> str:
        """For people."""
        parts = [_table(_ordered(self.found.rows), self.best), *map(visible, self.notes), f"Plot: {self.plot}"]
        if self.best is not None:
            where = f"{counted(self.samples, 'sample')}, {counted(self.cpus, 'CPU')} of {this_processor().name}"
            parts += [f"Fastest here ({where}): {self.best.setting}. Below `spec:` of a PaddleService:\n", self.yaml]
        return "\n".join(parts)

    def require_advice(self, seconds: float) -> None:
        """Raises ServingError where there is nothing to advise."""
        if self.best is not None:
            return
        if not any(row.agreement for row in self.found.rows):
            raise ServingError(
                "NothingMeasured", f"The package was not loaded within {seconds:g} s. Allow more with --seconds."
            )
        raise NotConsistent(f"No setting answers as recorded. {next(row.note for row in self.found.rows if row.note)}")


def _cpus(asked: int | None) -> int:
    """How many are to be used. Raises InvalidOption for more than there are."""
    there = max(1, int(available_cpus()))
    require(asked is None or 1 <= asked <= there, f"--cpus must be between 1 and {there}, which this process may use")
    return asked or there


def _backends(text: str) -> tuple[tuple[Backend, ...], tuple[str, ...]]:
    """Default and the others, and what is to be said about one that is missing. Raises InvalidOption."""
    if not text:
        if plugin_path() is not None:
            return ("Default", "OpenVINO"), ()
        return ("Default",), ("OpenVINO is not timed: this installation of Paddle has no such engine.",)
    asked = text.split(",")
    for name in asked:
        known = ", ".join(_BACKENDS)
        require(name in _BACKENDS, f"--backends {name!r} is not a backend; give some of {known}, with commas between")
    if "OpenVINO" in asked:
        require_plugin()
    # the bits of the others are compared with its own
    return ("Default", *(name for name in _BACKENDS if name in asked and name != "Default")), ()


def _writable(path: Path) -> Path:
    """The file, absolute. Raises InvalidOption where it cannot be written, before anything is measured."""
    plot = path.resolve()
    is_new = not plot.exists()
    try:
        with plot.open("ab"):
            pass
        if is_new:
            plot.unlink()  # an empty picture is not to be left where nothing comes of the measurement
    except OSError as error:
        raise InvalidOption(f"--plot {path} cannot be written: {error.strerror}. Name another file.") from None
    return plot


@contextlib.contextmanager
def _bar(seconds: float) -> Iterator[ProgressBar]:
    progress = ProgressBar(seconds, sys.stderr, time.monotonic)
    try:
        yield progress
    finally:
        progress.end()


def _notes(found: Found) -> tuple[str, ...]:
    """Why something is not in the table, each reason once."""
    reasons = [f"Not batched: {reason}." for reason in found.reasons]
    differences = [f"{row.setting.backend} differs: {row.note}" for row in found.rows if row.note and row.agreement]
    untimed = [row for row in found.rows if not row.agreement]
    missing = [f"{row.setting.backend} is not timed: {row.note}" for row in untimed if row.note != OVER]
    late = sum(row.note == OVER for row in untimed)
    over = [f"{counted(late, 'setting')} not timed: {OVER}."] if late else []
    return tuple(dict.fromkeys([*reasons, *differences, *missing, *over]))


def _others(load: float, cpus: int) -> tuple[str, ...]:
    """What is to be said where other programs compute here too; `load` is the load average before the first run."""
    if load < _BUSY * cpus:
        return ()
    return (f"Others computed here too, load average {load:.1f}: take the figures with care.",)


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """The fastest first, those without figures last."""
    return sorted(rows, key=lambda row: -(row.requests_per_second or 0.0))


def _table(rows: Sequence[Row], chosen: Row | None) -> str:
    return aligned([_HEAD, *(_cells(row, chosen=row is chosen) for row in rows)])


def _cells(row: Row, *, chosen: bool) -> tuple[str, ...]:
    setting = row.setting
    head = (setting.backend, str(setting.workers), str(setting.threads), str(row.requests) if setting.batched else "-")
    if row.requests_per_second is None:
        return (*head, "-", "-", "-", "-", "not timed")
    figures = (f"{row.requests_per_second:.1f}", f"{row.p50_ms:.2f}", f"{row.cpu_ms:.2f}", f"{row.worker_mib:.0f}")
    return (*head, *figures, f"{row.agreement}{'  <' if chosen else ''}")
