"""Four million requests of every protocol and of mixed sizes: memory, descriptors and threads of every process.

The first half is for every process to take the memory that it will use again and again, the second one shows growth.

Protocols and sizes take turns of a few seconds each; between the turns every process is looked at.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import cycle, product
from typing import Any

import numpy as np

from benchmarks import clients, load, models, payload, raw, servers
from benchmarks.cpu import PROC, command_of, role
from benchmarks.measure import ANSWERED, check, port
from benchmarks.models import Model
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.servers import Running

REQUESTS = 4_000_000
CONNECTIONS = 16
ROWS = (1, 16, 3, 64)
"""Of a request, in the order in which they take turns."""
_KIB = 1024


def sample(pids: Iterable[int]) -> list[dict[str, Any]]:
    """What every process holds now: resident MiB, file descriptors, threads; what ends meanwhile is left out."""
    found = []
    for pid in sorted(pids):
        with suppress(OSError):
            folder = PROC / str(pid)
            rss, threads = memory_and_threads((folder / "status").read_text())
            descriptors = len(list((folder / "fd").iterdir()))
            name = role(command_of(pid))
            found.append({"process": name, "pid": pid, "rss_mib": rss, "fds": descriptors, "threads": threads})
    return found


def memory_and_threads(status: str) -> tuple[float, int]:
    """(resident MiB, threads) of /proc/<pid>/status; zeros for a process that is only waited for."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return round(int(fields.get("VmRSS", "0").split()[0]) / _KIB, 2), int(fields.get("Threads", "0"))


def soak(run: Running, model: Model, requests: int, turn: int, results: Results) -> dict[str, Any]:
    """Loads until /metrics has counted `requests` good answers. Every sample is kept at once."""
    protocols = answering(run, model, results)
    begin = time.monotonic()
    samples = [at(run, begin)]
    errors = 0
    turns = cycle(product(ROWS, protocols))
    while samples[-1]["answered"] < requests:
        rows, protocol = next(turns)
        request = payload.build(protocol, model.service, sized(model.inputs, rows))
        errors += load.run(request, port(run.server, protocol), CONNECTIONS, turn).errors
        samples.append({**at(run, begin), "protocol": protocol, "rows": rows})
        row = {"protocols": protocols, "sizes": ROWS, "errors": errors, "codes": codes(run), "samples": samples}
        results.say(progress(samples[-1], requests))
        if samples[-1]["answered"] == samples[-2]["answered"]:
            raise servers.ServerError(f"no good answer during {turn} s of {protocol}")
    return row


def sized(inputs: payload.Inputs, rows: int) -> payload.Inputs:
    """The same request with so many rows in place of its one."""
    return {name: one if isinstance(one, str) else np.repeat(one, rows, 0) for name, one in inputs.items()}


def answering(run: Running, model: Model, results: Results) -> list[str]:
    """The protocols whose own client gets the right answer; the others are failures."""
    good = []
    for protocol in run.server.protocols:
        try:
            check(run, model, protocol, model.package.parent / "expected.npz")
        except clients.WrongAnswerError as error:
            results.fail({"model": model.name, "protocol": protocol}, error)
        else:
            good.append(protocol)
    if not good:
        raise servers.ServerError("no protocol answers correctly")
    return good


def at(run: Running, begin: float) -> dict[str, Any]:
    """One sample: seconds since `begin`, good answers so far, every process."""
    seconds = round(time.monotonic() - begin, 1)
    answered = round(run.settled(ANSWERED, 'code="200"'))
    return {"seconds": seconds, "answered": answered, "processes": sample(run.pids())}


def codes(run: Running) -> dict[str, int]:
    """Answers of the whole run by whether they were good."""
    good, every = (round(run.metric(ANSWERED, label)) for label in ('code="200"', ""))
    return {"200": good, "other": every - good}


def progress(last: dict[str, Any], requests: int) -> str:
    """One line on where the run is."""
    memory = ", ".join(f"{one['process']} {one['rss_mib']:.0f}" for one in last["processes"])
    rate = last["answered"] / max(1.0, last["seconds"])
    left = (requests - last["answered"]) / max(1.0, rate)
    return f"{last['answered']} of {requests}, {rate:.0f}/s, about {max(0.0, left):.0f} s left; MiB: {memory}"


def main() -> int:
    """Soaks the direct engine; exit status 1 where a protocol failed. An unfinished run begins anew."""
    parser = arguments("soak", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=REQUESTS, help="good answers, then it ends")
    parser.add_argument("--turn", type=int, default=4, help="seconds of one protocol")
    options = parser.parse_args()
    load.require_tools()
    requests = min(20_000, options.requests) if options.quick else options.requests
    settings = {"requests": requests, "connections": CONNECTIONS, "turn": options.turn}
    results = Results("soak", settings, output_of("soak", options), fresh=True)
    (model,) = models.prepare(("uci",), WORK / "soak")
    raw.expected(model)
    server = servers.runtime(model, "direct", os.cpu_count() or 1)
    try:
        with servers.running(server, model) as run:
            results.put("soak", soak(run, model, requests, 1 if options.quick else options.turn, results))
    except servers.ServerError as error:
        results.fail({"model": model.name}, error)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
