"""Ten times the load that a server can take: how much good work is left, and how fast the rest is refused.

First the peak, in a closed loop; then the same server with ten times as many requests per second, sent at their time
whether earlier ones are answered or not (open loop); then the peak once more, because a shared machine is not always
as fast: the good work is compared with the mean of both. With one worker the load generator has a core of its own;
with two it takes its time from the workers.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from statistics import mean
from typing import Any

from benchmarks import load, models, payload, servers
from benchmarks.measure import accounting
from benchmarks.models import Model
from benchmarks.open_loop import Outcome, offer
from benchmarks.results import WORK, Results, arguments, output_of

FACTOR = 10
PEAK_CONNECTIONS = 16
_OK, _FULL = 200, 429
_SETTLED = 0.25
"""The part of the time after which the queue is full for certain."""


def measure(model: Model, workers: int, seconds: float) -> dict[str, Any]:
    """One row. Raises ServerError where the server does not start."""
    server = servers.runtime(model, "direct", workers)
    request = payload.build(payload.JSON, model.service, model.inputs)
    with servers.running(server, model) as run:
        load.run(request, server.ports[0], PEAK_CONNECTIONS, 2)
        before = load.run(request, server.ports[0], PEAK_CONNECTIONS, seconds)
        rate = before.requests / before.seconds
        begin, own = time.perf_counter(), time.process_time()
        with accounting(run) as used:
            outcome = asyncio.run(offer((request,), server.ports[0], FACTOR * rate, seconds))
        own = time.process_time() - own
        after = load.run(request, server.ports[0], PEAK_CONNECTIONS, seconds)
    peaks = [rate, after.requests / after.seconds]
    good = outcome.rate(_OK, begin + _SETTLED * seconds, begin + seconds)
    return {
        "model": model.name,
        "workers": workers,
        "seconds": seconds,
        "peaks_per_second": [round(peak, 1) for peak in peaks],
        "peak_p99_ms": round(before.p99_ms, 1),
        "offered_per_second": round(FACTOR * rate, 1),
        "goodput_per_second": round(good, 1),
        "goodput_percent": round(100 * good / mean(peaks), 1),
        "cpu_seconds_by_process": {name: round(value, 2) for name, value in used["roles"].items()},
        "generator_cpu_seconds": round(own, 2),
        **outcome.to_json(),
        "others": others(outcome),
    }


def others(outcome: Outcome) -> int:
    """Requests that were neither answered nor refused as they should be."""
    return outcome.lost + sum(len(times) for status, times in outcome.seconds.items() if status not in {_OK, _FULL})


def main() -> int:
    """Measures one worker, then as many as there are CPUs; exit status 1 where a server did not start."""
    parser = arguments("overload", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15.0, help="length of each load")
    options = parser.parse_args()
    load.require_tools()
    seconds = 3.0 if options.quick else options.seconds
    results = Results("overload", {"seconds": seconds}, output_of("overload", options), fresh=options.fresh)
    (model,) = models.prepare(("rec",), WORK / "overload")
    for workers in sorted({1, os.cpu_count() or 1}):
        key = f"{workers} workers"
        if key in results.rows:
            continue
        try:
            row = measure(model, workers, seconds)
        except servers.ServerError as error:
            results.fail({"model": model.name, "workers": workers}, error)
            continue
        results.put(key, row)
        results.say(f"{key}: goodput {row['goodput_percent']} % of {row['peaks_per_second']}, {row['by_status']}")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
