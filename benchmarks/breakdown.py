"""Where the CPU time of a request goes: by process, by Python function of a worker, by native function.

    python -m benchmarks.breakdown --model cls --protocols JSON "OIP REST binary" --connections 1 --functions --native

One worker, so that every function is in one profile. cProfile slows Python code down: read its figures as shares. The
figures by process are taken without it.
"""

from __future__ import annotations

import io
import os
import pstats
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import clients, load, models, payload, raw, servers
from benchmarks.cpu import command_of, role
from benchmarks.measure import cell, check, port
from benchmarks.models import ROOT, Model
from benchmarks.results import WORK, arguments
from benchmarks.servers import Running

_LINES = 45
_PROFILE_SECONDS = 10.0


def by_process(run: Running, model: Model, protocol: str, connections: int, seconds: float) -> str:
    """One line: CPU milliseconds per request of every process."""
    row = cell(run, model, protocol, connections, seconds)
    parts = ", ".join(f"{name} {value:.3f}" for name, value in row["cpu_ms_by_process"].items())
    return (
        f"{model.name} / {protocol} / {connections} connections: {row['requests_per_second']} req/s, "
        f"p50 {row['p50_ms']} ms, CPU {row['cpu_ms']} ms per request ({parts}), inference {row['inference_ms']} ms"
    )


def workers(run: Running) -> list[int]:
    """The worker processes."""
    return [pid for pid in run.pids() if role(command_of(pid)) == "worker"]


def functions(run: Running, model: Model, protocol: str, connections: int, folder: Path) -> str:
    """The functions of a worker by own time, while a load runs."""
    (pid,) = workers(run)
    os.kill(pid, signal.SIGUSR1)
    figures = _load(run, model, protocol, connections)
    os.kill(pid, signal.SIGUSR2)
    target = folder / f"{pid}.pstats"
    deadline = time.monotonic() + _PROFILE_SECONDS
    while not target.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"the worker wrote no profile within {_PROFILE_SECONDS:.0f} s")
        time.sleep(0.05)
    text = io.StringIO()
    pstats.Stats(str(target), stream=text).strip_dirs().sort_stats("tottime").print_stats(_LINES)
    target.unlink()
    return f"{figures.requests} requests\n{text.getvalue()}"


def native(run: Running, model: Model, protocol: str, connections: int, folder: Path) -> str:
    """Native functions of all processes by share of samples (perf, software clock)."""
    target = folder / "perf.data"
    record = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "997", "-o", target, "-p", ",".join(map(str, run.pids()))],
        stderr=subprocess.DEVNULL,
    )
    try:
        _load(run, model, protocol, connections)
    finally:
        record.send_signal(signal.SIGINT)
        record.wait()
    report = [
        "perf",
        "report",
        "--stdio",
        "-q",
        "-i",
        str(target),
        "--sort",
        "pid,dso,symbol",
        "--percent-limit",
        "0.5",
    ]
    done = subprocess.run(report, capture_output=True, text=True, check=False)
    return "\n".join(line.rstrip(" -") for line in done.stdout.splitlines()[: 2 * _LINES])


def _load(run: Running, model: Model, protocol: str, connections: int) -> load.Figures:
    request = payload.build(protocol, model.service, model.inputs)
    return load.run(request, port(run.server, protocol), connections, 4)


def main() -> int:
    """Prints the figures; exit status 1 where a protocol gives a wrong answer."""
    parser = arguments("breakdown", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", choices=("uci", "cls", "rec", "path"), default="cls")
    parser.add_argument("--protocols", nargs="+", choices=payload.PROTOCOLS, default=list(payload.PROTOCOLS))
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--functions", action="store_true", help="cProfile in the worker")
    parser.add_argument("--native", action="store_true", help="perf over all processes")
    options = parser.parse_args()
    load.require_tools()
    if options.native and not shutil.which("perf"):
        raise SystemExit("perf is missing. Install it, for example: apt-get install linux-perf")
    (model,) = models.prepare((options.model,), WORK / "breakdown")
    expected = model.package.parent / "expected.npz"
    alone = raw.measure(model, 1, 2.0, expected)
    print(f"{model.name} / {raw.NAME}: p50 {alone['p50_ms']} ms, CPU {alone['cpu_ms']} ms per run", flush=True)
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        server = servers.runtime(model, "direct", 1)
        environment = {"PYTHONPATH": str(ROOT / "benchmarks" / "profiling"), "BENCH_PROFILE": folder}
        with servers.running(server, model, environment) as run:
            for protocol in options.protocols:
                try:
                    check(run, model, protocol, expected)
                except clients.WrongAnswerError as error:
                    print(error)
                    status = 1
                    continue
                _load(run, model, protocol, options.connections)
                print(by_process(run, model, protocol, options.connections, 4), flush=True)
                if options.functions:
                    print(functions(run, model, protocol, options.connections, Path(folder)), flush=True)
                if options.native:
                    print(native(run, model, protocol, options.connections, Path(folder)), flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
