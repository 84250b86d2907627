"""A hundred faults in running workers of the OCR example, found by its recheck or not, and what the recheck costs.

Several servers at a time, because most of the time is the wait for the next round. Whether a fault changes a golden
answer is asked of the worker itself, directly.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

import requests

from benchmarks import faults, models, servers
from benchmarks.models import Model
from benchmarks.one_worker import WAIT_SECONDS, Answers, Worker, first_worker
from benchmarks.results import WORK, Results, arguments, output_of
from paddle_serving_runtime.errors import NotConsistent

WORKERS = 2
INTERVAL = 60.0
COST_SECONDS = 300
SERVERS_AT_A_TIME = 4
FAULTS_OF_A_SERVER = 4
"""One more within a minute would be a crash loop."""

PLAN = {
    "sign of a weight": 10,
    "exponent of a weight": 20,
    "upper half of a weight's fraction": 20,
    "lower half of a weight's fraction": 10,
    "rounding of floats": 12,
    "denormal floats as zero": 4,
    "another filter for pictures": 4,
    "a weight in a file, then a worker's restart": 12,
    "a dictionary's file, then a worker's restart": 8,
}
"""How many of each kind."""

_STEP_SECONDS = 0.02
_WORKERS, _SERVING = "paddle_serving_workers", 'phase="serving"'


def wait(condition: Callable[[], bool], seconds: float) -> float | None:
    """Seconds until it was so; None where it was not within that time."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        with suppress(OSError, requests.RequestException):
            if condition():
                return passed
        time.sleep(_STEP_SECONDS)
    return None


def in_memory(worker: Worker, kind: str, random: Random) -> dict[str, Any]:
    """One fault within a worker; afterwards the worker is as it was, or another one."""
    before, known = worker.answers(), worker.differences()
    detail, undo = inject(worker, kind, random)
    began = time.monotonic()
    changed = answers_otherwise(worker, before)
    begun = worker.rounds()
    over = wait(lambda: worker.differences() > known or worker.rounds() >= begun + 2, 3 * INTERVAL + WAIT_SECONDS)
    seconds = time.monotonic() - began
    found = worker.differences() > known
    if over is None:
        raise servers.ServerError("neither a difference nor two rounds")
    if found:
        if wait(lambda: all_serve(worker), WAIT_SECONDS) is None or worker.answers() != before:
            raise servers.ServerError("the worker's place is not taken by one that answers rightly")
    else:
        undo()
    return outcome(kind, detail, seconds, changed=changed, found=found)


def answers_otherwise(worker: Worker, before: Answers) -> bool:
    """Whether a golden answer is another one; so it is where the worker has been ended for it meanwhile."""
    try:
        return worker.answers() != before
    except (OSError, HTTPException):
        return True


def inject(worker: Worker, kind: str, random: Random) -> tuple[str, faults.Undo]:
    """The fault in words, and what takes it back."""
    if kind in faults.BITS:
        bit = random.choice(faults.BITS[kind])
        return f"bit {bit}", faults.flip_weight(worker.pid(), parameters(worker.model), bit, random)
    switch = random.choice(faults.SWITCHES[kind])
    request = json.loads(min((worker.model.package / "golden").glob("*.json")).read_bytes())
    worker.post(json.dumps({"key": ["switch", *request["key"]], "value": [switch, *request["value"]]}).encode())

    def end() -> None:
        # there is no way back for some
        pid = worker.pid()
        os.kill(pid, signal.SIGKILL)
        wait(lambda: worker.pid() != pid and all_serve(worker), WAIT_SECONDS)

    return switch, end


def all_serve(worker: Worker) -> bool:
    """Whether all workers of its server do."""
    return worker.run.metric(_WORKERS, _SERVING) == WORKERS


def in_file(server: servers.Server, model: Model, kind: str, random: Random) -> dict[str, Any]:
    """One file replaced and a worker ended: the one in its place must not serve."""
    path = parameters(model) if "weight" in kind else model.package / "ppocr_keys_v1.txt"
    content = path.read_bytes()
    with servers.running(server, model) as run:
        worker = first_worker(run, model)
        before, pid = worker.answers(), worker.pid()
        if "weight" in kind:
            faults.change_weight(path, random.randrange(16, 32), random)
        else:
            faults.swap_lines(path, random, "Helo")

        def settled() -> bool:
            return run.process.poll() is not None or (worker.pid() != pid and all_serve(worker))

        try:
            os.kill(pid, signal.SIGKILL)
            seconds = wait(settled, WAIT_SECONDS)
            status = run.process.poll()
            changed = status is not None or worker.answers() != before
        finally:
            faults.replace(path, content)
    if seconds is None or status not in {None, NotConsistent.exit_code}:
        raise servers.ServerError(f"after {seconds} s the server has ended with status {status}")
    return outcome(kind, path.name, seconds, changed=changed, found=status is not None)


def outcome(kind: str, detail: str, seconds: float, *, changed: bool, found: bool) -> dict[str, Any]:
    """A row: `changed` says whether a golden answer was another one."""
    return {"kind": kind, "detail": detail, "changed": changed, "found": found, "seconds": round(seconds, 2)}


def parameters(model: Model) -> Path:
    """The file of the model's weights."""
    return model.files / "inference.pdiparams"


def planned() -> Iterator[tuple[str, int]]:
    """Every kind with its number among its kind, kinds in turn."""
    for number in range(max(PLAN.values())):
        yield from ((kind, number) for kind, count in PLAN.items() if number < count)


def server_of(model: Model, interval: float, place: int = 0) -> servers.Server:
    """The direct engine with a recheck."""
    return servers.runtime(model, "direct", WORKERS, "--recheck-interval", str(interval), place=place)


def measure_faults(model: Model, todo: Sequence[tuple[str, int]], place: int, results: Results) -> None:
    """Rows for so many faults within one server."""
    with servers.running(server_of(model, INTERVAL, place), model) as run:
        worker = first_worker(run, model)
        for kind, number in todo:
            keep(results, kind, number, in_memory(worker, kind, Random(f"{kind} {number}")))  # noqa: S311 - repeatable


def keep(results: Results, kind: str, number: int, row: dict[str, Any]) -> None:
    """A row, on disk and on the terminal."""
    results.put(f"{kind}, {number}", row)
    outcome = "found" if row["found"] else "not found"
    results.say(f"{kind}, {row['detail']}: changed {row['changed']}, {outcome} after {row['seconds']} s")


def cost(model: Model, interval: float, seconds: int) -> dict[str, Any]:
    """CPU seconds of an idle server over that time."""
    with servers.running(server_of(model, interval), model) as run:
        time.sleep(1)
        before, began = run.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        used, passed = run.cpu_seconds() - before, time.monotonic() - began
        rounds = run.metric("paddle_serving_recheck_rounds_total")
    return {"interval": interval, "cpu_percent": round(100 * used / passed, 3), "rounds": rounds}


def main() -> int:
    """Injects what has not been yet; exit status 1 where something failed."""
    parser = arguments("recheck", (__doc__ or "").partition("\n")[0])
    options = parser.parse_args()
    settings = {"workers": WORKERS, "interval": INTERVAL, "quick": options.quick}
    results = Results("recheck", settings, output_of("recheck", options), fresh=options.fresh)
    (model,) = models.prepare(("rec",), WORK / "recheck")
    switchable(model)
    plan = [(kind, number) for kind, number in planned() if number == 0 or not options.quick]
    measure_all(model, [each for each in plan if f"{each[0]}, {each[1]}" not in results.rows], results)
    for interval in (0.0, INTERVAL):
        if f"cost, {interval}" not in results.rows:
            row = cost(model, interval, 20 if options.quick else COST_SECONDS)
            results.put(f"cost, {interval}", row)
            results.say(f"recheck every {interval:g} s: {row['cpu_percent']} % of a CPU")
    return results.finish()


def measure_all(model: Model, plan: Sequence[tuple[str, int]], results: Results) -> None:
    """Rows for everything in the plan; files are replaced when no other server reads them."""
    within = [each for each in plan if "file" not in each[0]]
    parts = [within[start : start + FAULTS_OF_A_SERVER] for start in range(0, len(within), FAULTS_OF_A_SERVER)]

    def measure(place: int, todo: Sequence[tuple[str, int]]) -> None:
        try:
            measure_faults(model, todo, place, results)
        except (servers.ServerError, LookupError, OSError) as error:
            results.fail({"kind": todo[0][0]}, error)

    with ThreadPoolExecutor(SERVERS_AT_A_TIME) as pool:
        for _ in pool.map(measure, range(len(parts)), parts):
            pass
    for kind, number in plan:
        if "file" in kind:
            try:
                row = in_file(server_of(model, INTERVAL), model, kind, Random(f"{kind} {number}"))  # noqa: S311
                keep(results, kind, number, row)
            except (servers.ServerError, OSError) as error:
                results.fail({"kind": kind}, error)


def switchable(model: Model) -> None:
    """Gives the service switches that a request can turn."""
    script = model.package / "web_service.py"
    mark = "\n\nservice = "
    script.write_text(script.read_text().replace(mark, f"{faults.SWITCHABLE}{mark}", 1))
    models.digest(model.package)


if __name__ == "__main__":
    sys.exit(main())
