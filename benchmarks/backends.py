"""Paddle's engines beside each other in one process: CPU of a run, in turn, and how far their answers are apart.

    python -m benchmarks.backends

No server and no clock of the wall: on a busy machine the CPU time of runs that are made one after the other keeps its
ratios. What Auto would take is asked of `paddle-serving-runtime choose`, with what Paddle Inference alone answers as
recorded where the package has no answers of its author's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import models, raw
from benchmarks.models import Model
from benchmarks.raw_predictor import REST_SECONDS
from benchmarks.results import WORK, Results, arguments, output_of
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Backend, Switches

MODELS = ("cls", "rec")
BACKENDS: tuple[Backend, ...] = ("Default", "NewExecutor", "OpenVINO")
WARM_UP = 10


def main() -> int:
    """Measures every model in a process of its own; exit status 1 where something failed."""
    parser = arguments("backends", (__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="rounds in which every backend has its turn")
    parser.add_argument("--runs", type=int, default=20, help="runs of a turn")
    parser.add_argument("--one", type=Path, nargs=2, help="for the processes of a run: FOLDER INPUT.npz")
    options = parser.parse_args()
    if options.one:
        folder, inputs = options.one
        print(json.dumps(one_model(folder, inputs, options.rounds, options.runs)))
        return 0
    results = Results(
        "backends",
        {"rounds": options.rounds, "runs": options.runs},
        output_of("backends", options),
        fresh=options.fresh,
    )
    for model in models.prepare(MODELS, WORK / "backends"):
        try:
            for row in in_process(model, options.rounds, options.runs):
                results.put(f"{model.name} / {row['backend']}", {"model": model.name, **row})
            models.record(model, raw.expected(model))
            results.put(f"{model.name} / Auto", {"model": model.name, "backend": "Auto", **chosen(model)})
        except subprocess.CalledProcessError as error:
            results.fail({"model": model.name}, error)
    return results.finish()


def in_process(model: Model, rounds: int, runs: int) -> list[dict[str, Any]]:
    """The rows of one model."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "input.npz"
        content: dict[str, Any] = dict(model.tensors)
        np.savez(inputs, **content)
        done = subprocess.run(
            [
                *(sys.executable, "-W", "ignore", "-m", "benchmarks.backends", "--one", str(model.files), str(inputs)),
                *("--rounds", str(rounds), "--runs", str(runs)),
            ],
            check=True,
            stdout=subprocess.PIPE,
            cwd=models.ROOT,
        )
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def one_model(folder: Path, inputs: Path, rounds: int, runs: int) -> list[dict[str, Any]]:
    """A row for every backend; the CPU milliseconds of a run are those of each round, in the closed loop and rested."""
    feed = dict(np.load(inputs))
    predictors = {backend: Predictor(folder, Switches(backend=backend)) for backend in BACKENDS}
    answers = {backend: predictor.run(feed) for backend, predictor in predictors.items()}
    looped: dict[Backend, list[float]] = {backend: [] for backend in BACKENDS}
    rested: dict[Backend, list[float]] = {backend: [] for backend in BACKENDS}
    for predictor in predictors.values():
        for _ in range(WARM_UP):
            predictor.run(feed)
    for _ in range(rounds):
        for backend, predictor in predictors.items():
            looped[backend].append(cpu_ms(predictor, feed, runs, rest=0.0))
            rested[backend].append(cpu_ms(predictor, feed, max(1, runs // 4), rest=REST_SECONDS))
    return [
        {
            "backend": backend,
            "cpu_ms": looped[backend],
            "rested_cpu_ms": rested[backend],
            "same_bits": all(answers[backend][n].tobytes() == v.tobytes() for n, v in answers["Default"].items()),
            "largest_difference": max(
                float(np.abs(answers[backend][n] - v).max()) for n, v in answers["Default"].items()
            ),
        }
        for backend in BACKENDS
    ]


def cpu_ms(predictor: Predictor, feed: dict[str, Any], runs: int, *, rest: float) -> float:
    """CPU milliseconds of a run, of all threads of the process."""
    total = 0.0
    for _ in range(runs):
        if rest:
            time.sleep(rest)
        begin = time.process_time()
        predictor.run(feed)
        total += time.process_time() - begin
    return round(total / runs * 1e3, 4)


def chosen(model: Model) -> dict[str, Any]:
    """What Auto takes, and why."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "choice.json"
        command = ["paddle-serving-runtime", "choose", "--model-dir", str(model.package), "--backend", "Auto"]
        subprocess.run([*command, "--output", str(output)], check=True, stdout=subprocess.DEVNULL)
        choice: dict[str, Any] = json.loads(output.read_text())
    return {"taken": choice["backend"], "reasons": choice["reasons"]}


if __name__ == "__main__":
    sys.exit(main())
