"""From the start of the process to Ready, and memory, for one to four workers; beside Paddle Inference alone.

Memory is the proportional set size (PSS): a page that n processes share counts 1/n for each of them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from benchmarks import models, raw, servers
from benchmarks.cpu import PROC, command_of, role
from benchmarks.models import Model
from benchmarks.results import WORK, Results, arguments, output_of

MODELS = ("rec", "uci")
WORKERS = (1, 2, 3, 4)
_KIB = 1024


def pss_mib(smaps_rollup: str) -> float:
    """The Pss line of /proc/<pid>/smaps_rollup in MiB. Source: Linux, Documentation/filesystems/proc.rst."""
    for line in smaps_rollup.splitlines():
        if line.startswith("Pss:"):
            return round(int(line.split()[1]) / _KIB, 1)
    raise ValueError("smaps_rollup has no Pss")


def memory(pids: Iterable[int]) -> dict[str, list[float]]:
    """PSS in MiB of every process by what it is."""
    found: dict[str, list[float]] = {}
    for pid in sorted(pids):
        with suppress(OSError):
            found.setdefault(role(command_of(pid)), []).append(pss_mib((PROC / str(pid) / "smaps_rollup").read_text()))
    return found


def alone(model: Model, processes: int) -> dict[str, Any]:
    """Paddle Inference alone: import, load and first run of the first process in seconds, PSS of all in MiB."""
    with raw.predictors(model, processes, 0.0) as started:
        pids = [process.process.pid for process in started]
        figures = memory(pids)
        for process in started:
            process.go()
        first = started[0].figures()
    parts = {name: round(first[name], 3) for name in ("import_seconds", "load_seconds", "first_run_seconds")}
    return {**parts, "pss_mib": sorted(value for values in figures.values() for value in values)}


def served(model: Model, workers: int) -> dict[str, Any]:
    """The runtime: seconds to the first 200 of /readyz, CPU seconds until then, PSS by process in MiB."""
    server = servers.runtime(model, "direct", workers)
    with servers.launched(server) as (run, log):
        servers.wait_until_ready(run, log)
        seconds, used = time.monotonic() - run.started, run.cpu_seconds()
        servers.wait_for_answer(run, model, log)
        return {
            "ready_seconds": round(seconds, 3),
            "cpu_seconds": round(used, 2),
            "pss_mib": memory(run.pids()),
        }


def main() -> int:
    """Measures what is not there yet; exit status 1 where a server did not start."""
    parser = arguments("startup", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=3, help="starts of each kind")
    options = parser.parse_args()
    repeat, workers = (1, WORKERS[:2]) if options.quick else (options.repeat, WORKERS)
    settings = {"repeat": repeat, "workers": workers}
    results = Results("startup", settings, output_of("startup", options), fresh=options.fresh)
    for model in models.prepare(MODELS, WORK / "startup"):
        for count in workers if model.name == "rec" else workers[:1]:
            for turn in range(repeat):
                key = f"{model.name}, {count} workers, {turn + 1} of {repeat}"
                if key in results.rows:
                    continue
                try:
                    row = {"alone": alone(model, count), "served": served(model, count)}
                except servers.ServerError as error:
                    results.fail({"model": model.name, "workers": count}, error)
                    continue
                results.put(key, {"model": model.name, "workers": count, **row})
                results.say(f"{key}: ready after {row['served']['ready_seconds']} s")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
