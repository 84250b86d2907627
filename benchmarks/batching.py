"""Requests that share runs (`--batching Auto`) beside each alone (`Off`): CPU per request, in turn on the same cores.

Both servers are up all the time; a round loads one after the other. A cell's row has the medians over the rounds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks import load, models, payload, raw, servers
from benchmarks.clients import WrongAnswerError
from benchmarks.measure import cell, check
from benchmarks.models import Model
from benchmarks.results import WORK, Results, arguments, output_of
from benchmarks.servers import Running

MODELS = ("uci", "uci-ops", "cls", "cls-ops", "rec")
BEHIND_OPS = "-ops"
"""The end of the name of a model that is served behind an Op which passes on what it gets."""

WORKERS = 2
CONNECTIONS = (1, 16)
MODES = ("Off", "Auto")
PROTOCOLS = (payload.OIP_BINARY, payload.JSON)
SECONDS, ROUNDS = 4, 7
_SHARED = "paddle_serving_batch_size"


def key(*parts: object) -> str:
    """The key of a row."""
    return " / ".join(map(str, parts))


def prepared(names: Sequence[str]) -> list[Model]:
    """The models with these names."""
    plain = tuple(dict.fromkeys(name.removesuffix(BEHIND_OPS) for name in names))
    made = {model.name: model for model in models.prepare(plain, WORK / "batching")}
    return [_named(made[name.removesuffix(BEHIND_OPS)], name) for name in names]


def _named(model: Model, name: str) -> Model:
    return model if name == model.name else replace(model, name=name, package=model.script)


def measure(model: Model, results: Results, seconds: int, rounds: int) -> None:
    """Every cell of a model that is not there yet."""
    todo = [
        (protocol, connections)
        for protocol in PROTOCOLS
        for connections in CONNECTIONS
        if key(model.name, protocol, connections, MODES[0]) not in results.rows
    ]
    if not todo:
        return
    expected = model.package.parent / "expected.npz"
    raw.measure(model, 1, 1, expected)
    off, auto = (servers.runtime(model, "direct", WORKERS, "--batching", mode, place=n) for n, mode in enumerate(MODES))
    with servers.running(off, model) as without, servers.running(auto, model) as shared:
        for protocol, connections in todo:
            for run in (without, shared):
                check(run, model, protocol, expected)
            measured: dict[str, list[dict[str, Any]]] = {mode: [] for mode in MODES}
            for _ in range(rounds):
                for mode, run in zip(MODES, (without, shared), strict=True):
                    measured[mode].append(one(run, model, protocol, connections, seconds))
            for mode, found in measured.items():
                keep(results, (model.name, protocol, connections, mode), found)


def one(run: Running, model: Model, protocol: str, connections: int, seconds: int) -> dict[str, Any]:
    """One load: what it took, and how many requests shared a run on average."""
    total, count = run.metric(f"{_SHARED}_sum"), run.metric(f"{_SHARED}_count")
    row = cell(run, model, protocol, connections, seconds)
    requests = run.settled(f"{_SHARED}_count") - count
    shared = (run.metric(f"{_SHARED}_sum") - total) / max(1.0, requests)
    return {**row, "requests_of_a_run": round(shared, 2)}


def keep(results: Results, cell_key: tuple[str, str, int, str], found: list[dict[str, Any]]) -> None:
    """A row with the medians of its figures, and every round's CPU beside them."""
    model, protocol, connections, mode = cell_key
    figures = ("requests_per_second", "p50_ms", "p99_ms", "cpu_ms", "inference_ms", "requests_of_a_run")
    medians = {figure: round(median(row[figure] for row in found), 4) for figure in figures}
    rounds = [{figure: row[figure] for figure in figures} for row in found]
    errors = sum(row["errors"] for row in found)
    head = {"model": model, "protocol": protocol, "connections": connections, "batching": mode}
    results.put(key(*cell_key), {**head, **medians, "errors": errors, "rounds": rounds})
    results.say(
        f"{key(*cell_key)}: {medians['cpu_ms']} ms CPU, {medians['requests_per_second']} req/s, "
        f"p50 {medians['p50_ms']} ms, {medians['requests_of_a_run']} of a run, {errors} errors"
    )


def main() -> int:
    """Measures what is not there yet; exit status 1 where something failed."""
    parser = arguments("batching", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="those to measure; default: all")
    options = parser.parse_args()
    seconds, rounds = (1, 3) if options.quick else (SECONDS, ROUNDS)
    load.require_tools()
    settings = {"workers": WORKERS, "seconds": seconds, "rounds": rounds, "models": options.models}
    results = Results("batching", settings, output_of("batching", options), fresh=options.fresh)
    for model in prepared(options.models):
        try:
            measure(model, results, seconds, rounds)
        except (servers.ServerError, WrongAnswerError) as error:
            results.fail({"model": model.name}, error)
    return results.finish()


if __name__ == "__main__":
    sys.exit(main())
