"""From the death of a worker under load until its successor serves, with a standby process and without.

The load generator and the server share the cores. Two deaths of every server: the second one as soon as the first is
made good, when no standby process can be there. It has the back-off of a second crash within a minute in it, 0.25 s.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

from benchmarks import cpu, load, models, payload, servers
from benchmarks.measure import port
from benchmarks.models import Model
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.servers import Running

WORKERS = 2
CONNECTIONS = 4
LOAD_SECONDS, LOADED_SECONDS = 15, 2.0
"""How long the load lasts, and how long it has lasted when the worker dies."""

RECOVERY_SECONDS = 60.0
_STEP_SECONDS = 0.02
_RESTARTS, _SERVING = "paddle_serving_worker_restarts_total", "paddle_serving_workers"


def recovery(run: Running, model: Model) -> dict[str, Any]:
    """Kills two workers of a loaded server; seconds until each successor serves, and what the load saw of it."""
    request = payload.build(payload.JSON, model.service, model.inputs)
    seen: list[load.Figures] = []
    loading = threading.Thread(
        target=lambda: seen.append(load.run(request, port(run.server, payload.JSON), CONNECTIONS, LOAD_SECONDS))
    )
    loading.start()
    try:
        time.sleep(LOADED_SECONDS)
        seconds = [killed_and_replaced(run, restarts) for restarts in (1, 2)]
    finally:
        loading.join()
    first, again = (round(each, 2) for each in seconds)
    return {"seconds": first, "again_seconds": again, "requests": seen[0].requests, "errors": seen[0].errors}


def worker(run: Running) -> int:
    """One of the workers that the supervisor has started; those of the pipeline engine have children of their own."""
    children = (pid for pid, stat in cpu.stats(run.pids()).items() if stat.parent == run.process.pid)
    return min(pid for pid in children if cpu.role(cpu.command_of(pid)) == "worker")


def killed_and_replaced(run: Running, restarts: int) -> float:
    """Seconds until all workers serve, `restarts` of them so far. Raises ServerError after RECOVERY_SECONDS."""
    os.kill(worker(run), signal.SIGKILL)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < RECOVERY_SECONDS:
        if run.metric(_RESTARTS) == restarts and run.metric(_SERVING, 'phase="serving"') == WORKERS:
            return passed
        time.sleep(_STEP_SECONDS)
    raise servers.ServerError(f"no two workers within {RECOVERY_SECONDS:.0f} s")


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    parser = arguments("recovery", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=3, help="deaths of each kind")
    options = parser.parse_args()
    load.require_tools()
    repeat = 1 if options.quick else options.repeat
    settings = {"repeat": repeat, "workers": WORKERS, "connections": CONNECTIONS}
    results = Results("recovery", settings, output_of("recovery", options), fresh=options.fresh)
    (model,) = models.prepare(("uci",), WORK / "recovery")
    for turn in range(repeat):
        for engine in ("direct", "pipeline"):
            for standby in (True, False):
                measure(model, engine, results, standby=standby, turn=turn)
    return results.finish()


def measure(model: Model, engine: str, results: Results, *, standby: bool, turn: int) -> None:
    """One row, where it is not there yet."""
    key = f"{engine}, {'with' if standby else 'without'} standby, {turn + 1}"
    if key in results.rows:
        return
    server = servers.runtime(model, engine, WORKERS, *(() if standby else servers.WITHOUT_STANDBY))
    try:
        with servers.running(server, model) as run:
            row = recovery(run, model)
    except servers.ServerError as error:
        results.fail({"engine": engine, "standby": standby, "turn": turn}, error)
        return
    results.put(key, {"engine": engine, "standby": standby, "turn": turn, **row})
    times = f"{row['seconds']} s, again {row['again_seconds']} s"
    results.say(f"{key}: {times}, {row['errors']} of {row['requests']} requests failed")


if __name__ == "__main__":
    sys.exit(main())
