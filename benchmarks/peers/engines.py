"""Engines alone, in closed loops: one thread each, one process and as many as there are cores."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import raw
from benchmarks.models import Model
from benchmarks.peers import environments
from benchmarks.peers.beside import Plan, reason
from benchmarks.results import Results

DEFAULT = "Paddle Inference, default"


@dataclass(frozen=True, slots=True)
class Engine:
    """`environment` is a folder of adapters/ (None: this checkout's own), `switch` what adapters/loop.py is told."""

    name: str
    environment: str | None
    switch: str


ENGINES = (
    Engine(DEFAULT, None, "paddle"),
    Engine("Paddle Inference, its OpenVINO engine", None, "paddle-openvino"),
    Engine("OpenVINO", "openvino", "openvino"),
    Engine("ONNX Runtime", "onnxruntime", "onnxruntime"),
)


def measure(engine: Engine, model: Model, turn: int, plan: Plan, results: Results) -> None:
    """The rows of one engine on one model that are not there yet, or one that says why not."""
    head = {"kind": "engine", "engine": engine.name, "model": model.name, "turn": turn}
    for processes in sorted({1, plan.workers}):
        key = f"{turn} / {engine.name} / {model.name} / {processes}"
        if key in results.rows:
            continue
        try:
            row = _row(engine, model, processes, plan)
        # raw.Raw ends a program with a sentence
        except (environments.InstallError, SystemExit) as error:
            results.fail(head, RuntimeError(reason(str(error))))
            return
        results.put(key, {**head, "processes": processes, **row})
        results.say(
            f"{key}: {row['requests_per_second']} runs/s, {row['cpu_ms']} ms CPU, off by {row['difference']:.1e}"
        )


def _row(engine: Engine, model: Model, processes: int, plan: Plan) -> dict[str, Any]:
    python = str(environments.make(engine.environment) / "bin" / "python") if engine.environment else sys.executable
    answer = plan.work / "answer.npz"
    answer.unlink(missing_ok=True)
    mine = replace(model, files=converted(model, plan.work)) if engine.switch == "onnxruntime" else model
    program = (python, str(environments.ADAPTERS / "loop.py"), engine.switch)
    row = raw.measure(mine, processes, plan.seconds, answer, program)
    return {**row, "difference": difference(dict(np.load(answer)), dict(np.load(raw.expected(model))))}


def difference(answer: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> float:
    """The largest absolute difference of the one output; NaN where shapes differ."""
    (mine,), (wanted,) = answer.values(), expected.values()
    return float(np.abs(mine - wanted).max(initial=0)) if mine.shape == wanted.shape else float("nan")


def converted(model: Model, work: Path) -> Path:
    """A folder with the model as inference.onnx, made by paddle2onnx. Raises InstallError where that fails."""
    folder = work / "onnx" / model.name
    target = folder / "inference.onnx"
    if target.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    command = (
        *(str(environments.make("paddle2onnx") / "bin" / "paddle2onnx"), "--model_dir", str(model.files)),
        *("--model_filename", "inference.pdmodel", "--params_filename", "inference.pdiparams"),
        *("--save_file", str(target), "--opset_version", "14"),
    )
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode or not target.exists():
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise environments.InstallError(f"paddle2onnx failed: {lines[-1]}")
    return folder
