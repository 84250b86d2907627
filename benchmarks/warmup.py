"""The first requests after Ready, of mixed shapes, with `--warmup` and without: latencies, CPU, memory and the start.

A round starts a new server without it and one with it, one after the other on the same cores, and sends the same
requests to both, at their time whether earlier ones are answered or not. A width comes again and again, so that only
its first requests meet a worker that has never computed it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks import models, payload, servers
from benchmarks.cpu import PROC
from benchmarks.load import percentile
from benchmarks.models import Model
from benchmarks.open_loop import Outcome, offer
from benchmarks.payload import Payload
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.soak import memory_and_threads

MODEL = "cls"
BACKENDS = ("Default", "OpenVINO")
MODES = ("without", "with")
WORKERS = 2
WIDTHS = tuple(range(32, 416, 16))
"""Of pictures of text, 48 high."""

RATE, SECONDS, ROUNDS = 60.0, 60.0, 3
_OK = 200
_PERCENTILES = (50, 99, 99.9)


def requests_of(model: Model, widths: tuple[int, ...]) -> tuple[Payload, ...]:
    """One request of each width."""
    ((name, picture),) = model.tensors.items()
    wide = np.tile(picture, (1, 1, 1, -(-max(widths) // picture.shape[-1])))
    cut = (np.ascontiguousarray(wide[..., :width]) for width in widths)
    return tuple(payload.build(payload.OIP_BINARY, model.service, {name: array}) for array in cut)


def warmup_flags(model: Model, widths: tuple[int, ...]) -> tuple[str, ...]:
    """The shapes of those requests."""
    ((name, picture),) = model.tensors.items()
    return ("--warmup", *(f"{name}={'x'.join(map(str, (*picture.shape[:-1], width)))}" for width in widths))


def one(model: Model, backend: str, mode: str, offered: tuple[float, float]) -> dict[str, Any]:
    """A new server's first requests, `offered` as rate and seconds. Raises ServerError where it does not start."""
    flags = warmup_flags(model, WIDTHS) if mode == "with" else ()
    server = servers.runtime(model, "direct", WORKERS, "--backend", backend, *flags)
    with servers.running(server, model) as run:
        ready = time.monotonic() - run.started
        before = run.cpu_seconds()
        outcome = asyncio.run(offer(requests_of(model, WIDTHS), server.ports[0], *offered))
        spent, resident = run.cpu_seconds() - before, largest_mib(run.pids())
    cost = {"cpu_ms": round(1e3 * spent / len(outcome.ends), 2), "largest_process_mib": resident}
    return {"ready_seconds": round(ready, 2), **figures(outcome), **cost}


def largest_mib(pids: Iterable[int]) -> float:
    """Resident MiB of the largest of these processes: a worker."""
    statuses = (PROC / str(pid) / "status" for pid in pids)
    return max(memory_and_threads(status.read_text())[0] for status in statuses if status.exists())


def figures(outcome: Outcome) -> dict[str, Any]:
    """Milliseconds of good answers, and how many requests have none."""
    ordered = sorted(1e3 * seconds for seconds in outcome.seconds.get(_OK, []))
    times = {f"p{percent:g}_ms": round(percentile(ordered, percent), 2) for percent in _PERCENTILES}
    late = sorted(1e3 * seconds for seconds in outcome.late)
    return {
        "answered": len(ordered),
        "errors": len(outcome.ends) - len(ordered) + outcome.lost,
        **times,
        "max_ms": round(ordered[-1], 2) if ordered else 0.0,
        "sent_late_p99_ms": round(percentile(late, 99), 2),
    }


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    parser = arguments("warmup", (__doc__ or "").partition("\n")[0])
    options = parser.parse_args()
    rate, seconds, rounds = (20.0, 5.0, 1) if options.quick else (RATE, SECONDS, ROUNDS)
    settings = {"workers": WORKERS, "widths": WIDTHS, "rate": rate, "seconds": seconds, "rounds": rounds}
    results = Results("warmup", settings, output_of("warmup", options), fresh=options.fresh)
    (model,) = models.prepare((MODEL,), WORK / "warmup")
    for backend in BACKENDS:
        for turn in range(rounds):
            for mode in MODES:
                head = {"model": MODEL, "backend": backend, "warmup": mode, "round": turn}
                key = " / ".join(map(str, head.values()))
                if key in results.rows:
                    continue
                try:
                    row = one(model, backend, mode, (rate, seconds))
                except servers.ServerError as error:
                    results.fail(head, error)
                    continue
                results.put(key, {**head, **row})
                results.say(f"{key}: ready after {row['ready_seconds']} s, p99.9 {row['p99.9_ms']} ms")
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
