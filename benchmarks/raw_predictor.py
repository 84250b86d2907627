"""Paddle Inference in a closed loop: one process, one predictor, the same input. Prints its figures as JSON.

    python -m benchmarks.raw_predictor FOLDER INPUT.npz SECONDS [OUTPUT.npz]

Runs every golden-*.npz beside INPUT.npz once, as a server that verifies itself does, so that memory can be compared.
After that the same with a rest between the runs, as a server at one connection has it: caches and branch predictors are
someone else's meanwhile, and a run takes more CPU than in the closed loop.

Waits for a line on stdin between loading and the loop, so that several processes can begin together.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Switches

_WARM_UP = 20
REST_SECONDS = 0.001


def main() -> int:
    """Exit status 0; the last line on stdout holds the figures, times in seconds, memory in bytes."""
    folder, inputs, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    feed = dict(np.load(inputs))
    begin = time.monotonic()
    import paddle  # noqa: F401, PLC0415 - what it takes to import is a figure of its own

    imported = time.monotonic()
    predictor = Predictor(folder, Switches())
    loaded = time.monotonic()
    answer: dict[str, Any] = dict(predictor.run(feed))
    first = time.monotonic()
    if len(sys.argv) > 4:  # noqa: PLR2004 - the optional last argument
        np.savez(sys.argv[4], **answer)
    for sample in sorted(inputs.parent.glob("golden-*.npz")):
        predictor.run(dict(np.load(sample)))
    for _ in range(_WARM_UP if seconds else 0):
        predictor.run(feed)
    print("ready", flush=True)
    sys.stdin.readline()
    times, cpu = loop(predictor, feed, seconds)
    rested = rested_cpu(predictor, feed, seconds)
    figures = {
        "import_seconds": imported - begin,
        "load_seconds": loaded - imported,
        "first_run_seconds": first - loaded,
        "runs": len(times),
        "cpu_seconds": cpu,
        "wall_seconds": sum(times),
        "rested_cpu_ms": round(rested * 1e3, 4),
        "times_ms": [round(value * 1e3, 4) for value in np.percentile(times, [50, 90, 99])] if times else [],
        "pid": os.getpid(),
    }
    print(json.dumps(figures), flush=True)
    sys.stdin.readline()
    return 0


def loop(predictor: Predictor, feed: dict[str, np.ndarray], seconds: float) -> tuple[list[float], float]:
    """The seconds of every run, and the CPU seconds of the process for all of them."""
    times: list[float] = []
    cpu, now = time.process_time(), time.perf_counter()
    end = now + seconds
    while now < end:
        predictor.run(feed)
        after = time.perf_counter()
        times.append(after - now)
        now = after
    return times, time.process_time() - cpu


def rested_cpu(predictor: Predictor, feed: dict[str, np.ndarray], seconds: float) -> float:
    """CPU seconds of a run after a rest; 0 where nothing is to be measured."""
    cpu, runs, end = 0.0, 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        time.sleep(REST_SECONDS)
        before = time.process_time()
        predictor.run(feed)
        cpu, runs = cpu + time.process_time() - before, runs + 1
    return cpu / runs if runs else 0.0


if __name__ == "__main__":
    sys.exit(main())
