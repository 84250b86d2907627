"""Requests per second, latency and CPU per request: every server, protocol and number of connections, in one run.

The load generators run on the same cores as the servers. A real client of each protocol checks the answer first. The
recorded answers that the backend Auto needs are what Paddle Inference alone has answered at the beginning of the run,
where the package has none of its author's.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import clients, load, models, payload, raw, servers
from benchmarks.measure import cell, check, port
from benchmarks.models import Model
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.servers import Running, Server

MODELS = ("cls", "rec", "uci", "path", *models.VISION)
CONNECTIONS = (1, 2, 4, 16, 64)
FEW = (1, 16)
"""Connections where a series is only for comparison."""

QUICK = (16,)

_WARM_UP_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run measures: seconds of a cell, predictors of every server, models, connections."""

    seconds: int
    workers: int
    models: tuple[str, ...]
    connections: tuple[int, ...]
    warm_up: bool

    def cells(self, server: Server, model: Model) -> Iterator[tuple[str, int]]:
        """(protocol, connections) in the order in which they are measured."""
        few = [connections for connections in self.connections if connections in FEW] or list(self.connections)
        only_compared = model.name in ("path", *models.VISION) or server.name in (servers.AUTO, servers.BASELINE)
        for protocol in (payload.OIP_BINARY,) if model.name in models.VISION else server.protocols:
            whole = server.name == servers.DIRECT or protocol == payload.JSON
            for connections in few if only_compared or not whole else self.connections:
                yield protocol, connections


def key(*parts: object) -> str:
    """The key of a row."""
    return " / ".join(map(str, parts))


def measure_raw(model: Model, plan: Plan, results: Results, answer: Path) -> None:
    """Paddle Inference alone, one process and as many as there are workers."""
    for processes in sorted({1, plan.workers}):
        name = key(model.name, raw.NAME, "", processes)
        if name not in results.rows or not answer.exists():
            row = raw.measure(model, processes, plan.seconds, answer)
            results.put(
                name, {"model": model.name, "server": raw.NAME, "protocol": "", "connections": processes, **row}
            )
            results.say(f"{name}: {row['requests_per_second']} runs/s, {row['cpu_ms']} ms CPU")


def measure_server(server: Server, model: Model, plan: Plan, results: Results, expected: Path) -> None:
    """Every cell of one server that is not there yet. A protocol that does not answer rightly is a row that says so."""
    cells: dict[str, list[int]] = {}
    for protocol, connections in plan.cells(server, model):
        if key(model.name, server.name, protocol, connections) not in results.rows:
            cells.setdefault(protocol, []).append(connections)
    if not cells:
        return
    try:
        with servers.running(server, model) as run:
            for series in cells.items():
                measure_protocol(run, model, series, plan, results, expected)
    except servers.ServerError as error:
        results.fail({"model": model.name, "server": server.name, "protocol": next(iter(cells))}, error)


def measure_protocol(
    run: Running, model: Model, series: tuple[str, list[int]], plan: Plan, results: Results, expected: Path
) -> None:
    """The cells of one protocol, after one good answer and a short load to warm up."""
    protocol, several = series
    names = (model.name, run.server.name, protocol)
    try:
        answer = check(run, model, protocol, expected)
    except clients.WrongAnswerError as error:
        results.fail(dict(zip(("model", "server", "protocol"), names, strict=True)), error)
        return
    request, backend = payload.build(protocol, model.service, model.inputs), run.backend()
    if plan.warm_up:
        load.run(request, port(run.server, protocol), plan.workers, _WARM_UP_SECONDS)
    for connections in several:
        row = cell(run, model, protocol, connections, plan.seconds)
        head = {"model": names[0], "server": names[1], "protocol": protocol, "connections": connections}
        results.put(key(*names, connections), {**head, **row, "answer": answer, "backend": backend})
        results.say(
            f"{key(*names, connections)}: {row['requests_per_second']} req/s, p50 {row['p50_ms']} ms, "
            f"{row['cpu_ms']} ms CPU, {row['errors']} errors"
        )


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    parser = arguments("serving", __doc__ or "")
    parser.add_argument("--seconds", type=int, default=4, help="length of one load")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--baseline", type=Path, metavar="CHECKOUT", help="another checkout, set up, to measure too")
    options = parser.parse_args()
    plan = Plan(
        seconds=1 if options.quick else options.seconds,
        workers=os.cpu_count() or 1,
        models=tuple(options.models),
        connections=QUICK if options.quick else CONNECTIONS,
        warm_up=not options.quick,
    )
    load.require_tools()
    baseline = commit(options.baseline) if options.baseline else ""
    settings = {
        "seconds": plan.seconds,
        "workers": plan.workers,
        "models": plan.models,
        "threads": 1,
        "baseline": baseline,
    }
    results = Results("serving", settings, output_of("serving", options), fresh=options.fresh)
    for model in models.prepare(plan.models, WORK / "models"):
        expected = model.package.parent / "expected.npz"
        measure_raw(model, plan, results, expected)
        models.record(model, expected)
        for server in all_servers(model, plan, options.baseline):
            measure_server(server, model, plan, results, expected)
    return results.finish()


def commit(checkout: Path) -> str:
    """What is checked out there. Raises SystemExit where its runtime is not installed."""
    program = checkout / ".venv" / "bin" / "paddle-serving-runtime"
    if not program.exists():
        raise SystemExit(f"{program} is missing. Run `make setup` in {checkout} first.")
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()


def all_servers(model: Model, plan: Plan, baseline: Path | None) -> list[Server]:
    """What is measured on a model, what is compared with Paddle Inference alone soon after it.

    `path` is there for the direct engine's own cost only.
    """
    direct = servers.runtime(model, "direct", plan.workers)
    if model.name == "path":
        return [direct]
    compared = [servers.auto(model, plan.workers), direct]
    if model.name in models.VISION:
        return compared
    before = [servers.baseline(model, plan.workers, baseline)] if baseline else []
    pipeline = servers.runtime(model, "pipeline", plan.workers)
    return [*compared, *before, pipeline, servers.stock(model, plan.workers, WORK / "stock")]


if __name__ == "__main__":
    sys.exit(main())
