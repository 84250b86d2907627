"""One engine in a closed loop, as benchmarks.raw_predictor does it: the same words on stdin and stdout.

python loop.py ENGINE FOLDER INPUT.npz SECONDS [OUTPUT.npz]
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import engines
import numpy as np

_WARM_UP = 20
_REST_SECONDS = 0.001


def main() -> int:
    """Exit status 0; the last line on stdout holds the figures."""
    engine, folder, inputs, seconds = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4])
    (x,) = np.load(inputs).values()
    run = engines.load(folder, engine)
    answer = run(x)
    if len(sys.argv) > 5:
        np.savez(sys.argv[5], answer=answer)
    for _ in range(_WARM_UP if seconds else 0):
        run(x)
    print("ready", flush=True)
    sys.stdin.readline()
    times, cpu = loop(run, x, seconds)
    rested = rested_cpu(run, x, seconds)
    figures = {
        "runs": len(times),
        "cpu_seconds": cpu,
        "wall_seconds": sum(times),
        "rested_cpu_ms": round(rested * 1e3, 4),
        "times_ms": [round(value * 1e3, 4) for value in np.percentile(times, [50, 90, 99])] if times else [],
    }
    print(json.dumps(figures), flush=True)
    sys.stdin.readline()
    return 0


def loop(run: engines.Run, x: np.ndarray, seconds: float) -> tuple[list[float], float]:
    """The seconds of every run, and the CPU seconds of the process for all of them."""
    times: list[float] = []
    cpu, now = time.process_time(), time.perf_counter()
    end = now + seconds
    while now < end:
        run(x)
        after = time.perf_counter()
        times.append(after - now)
        now = after
    return times, time.process_time() - cpu


def rested_cpu(run: engines.Run, x: np.ndarray, seconds: float) -> float:
    """CPU seconds of a run after a rest; 0 where nothing is to be measured."""
    cpu, runs, end = 0.0, 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        time.sleep(_REST_SECONDS)
        before = time.process_time()
        run(x)
        cpu, runs = cpu + time.process_time() - before, runs + 1
    return cpu / runs if runs else 0.0


if __name__ == "__main__":
    sys.exit(main())
