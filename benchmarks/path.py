"""What a request costs on its way, beside another build: CPU beyond the predictor's own, in turn on the same cores.

    python -m benchmarks.path --baseline CHECKOUT

CHECKOUT is another commit of this project with an environment of its own (`make setup`). Both servers are up all the
time; a round loads one after the other, the next one in the opposite order, and runs the predictor alone. So the three
figures of a round are of the same seconds, and only those are compared.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import load, models, payload, raw, servers
from benchmarks.clients import WrongAnswerError
from benchmarks.measure import cell, check
from benchmarks.models import Model
from benchmarks.path_table import BASELINE, THIS
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.servers import Running

REQUESTS = (
    ("path", payload.JSON),
    ("path", payload.OIP_BINARY),
    ("path", payload.PIPELINE_GRPC),
    ("path", payload.OIP_GRPC),
    ("uci", payload.JSON),
)
"""A model of one addition over 110 KB in four forms, and 13 numbers."""

CONNECTIONS = 1
SECONDS, ROUNDS = 2, 12


def measure(model: Model, checkout: Path, results: Results, seconds: int, rounds: int) -> None:
    """Every row of a model that is not there yet."""
    todo = [one for name, one in REQUESTS if name == model.name and _key(model, one) not in results.rows]
    if not todo:
        return
    expected = raw.expected(model)
    before, now = servers.baseline(model, 1, checkout), servers.runtime(model, "direct", 1)
    with servers.running(before, model) as other, servers.running(now, model) as this:
        runs = {BASELINE: other, THIS: this}
        for protocol in todo:
            for run in runs.values():
                check(run, model, protocol, expected)
            found = [one(runs, model, protocol, seconds, turn) for turn in range(rounds)]
            results.put(_key(model, protocol), {"model": model.name, "protocol": protocol, "rounds": found})
            results.say(f"{_key(model, protocol)}: {_short(found)}")


def one(runs: dict[str, Running], model: Model, protocol: str, seconds: int, turn: int) -> dict[str, Any]:
    """One round: CPU milliseconds of a run of the predictor alone, and of a request to each build."""
    alone = raw.measure(model, 1, seconds / 2)
    order = list(runs) if turn % 2 == 0 else list(runs)[::-1]
    cells = {name: cell(runs[name], model, protocol, CONNECTIONS, seconds) for name in order}
    figures = ("cpu_ms", "cpu_ms_by_process", "inference_ms", "requests", "errors", "p50_ms")
    return {
        "alone_cpu_ms": alone["cpu_ms"],
        "rested_cpu_ms": alone["rested_cpu_ms"],
        **{name: {figure: row[figure] for figure in figures} for name, row in cells.items()},
    }


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, in short. Raises SystemExit where it is none, or has no environment."""
    if not (checkout / ".venv" / "bin" / "paddle-serving-runtime").exists():
        raise SystemExit(f"{checkout} has no installed runtime; make setup there first")
    command = ["git", "rev-parse", "--short", "HEAD"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _key(model: Model, protocol: str) -> str:
    return f"{model.name} / {protocol}"


def _short(rounds: Sequence[dict[str, Any]]) -> str:
    texts = (
        f"{round_['alone_cpu_ms']:.3f} {round_[BASELINE]['cpu_ms']:.3f} {round_[THIS]['cpu_ms']:.3f}"
        for round_ in rounds
    )
    return "; ".join(texts)


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    parser = arguments("path", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--baseline", type=Path, required=True, metavar="CHECKOUT", help="the other build")
    parser.add_argument("--rounds", type=int, help=f"loads of each build and request; default {ROUNDS}")
    options = parser.parse_args()
    seconds, rounds = (1, 3) if options.quick else (SECONDS, ROUNDS)
    load.require_tools()
    rounds = options.rounds or rounds
    baseline = commit_of(options.baseline)
    settings = {"baseline": baseline, "connections": CONNECTIONS, "seconds": seconds, "rounds": rounds}
    results = Results("path", settings, output_of("path", options), fresh=options.fresh)
    for model in models.prepare(tuple(dict.fromkeys(name for name, _ in REQUESTS)), WORK / "path"):
        try:
            measure(model, options.baseline.resolve(), results, seconds, rounds)
        except (servers.ServerError, WrongAnswerError) as error:
            results.fail({"model": model.name}, error)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
