"""Raw Paddle Inference: several processes of raw_predictor side by side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from benchmarks.models import ROOT, Model

NAME = "raw Paddle Inference"
OWN = (sys.executable, "-m", "benchmarks.raw_predictor")
_REASON = 300


@contextmanager
def predictors(
    model: Model, processes: int, seconds: float, answer: Path | None = None, program: tuple[str, ...] = OWN
) -> Iterator[list[Raw]]:
    """`processes` processes with the model loaded; they end with the block. The first writes `answer`.

    `program` is raw_predictor or what takes the same arguments and says the same words.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, tensors in (("input", model.tensors), *((f"golden-{i}", t) for i, t in enumerate(model.golden))):
            content: dict[str, Any] = dict(tensors)
            np.savez(folder / f"{name}.npz", **content)
        started = []
        for index in range(processes):
            output = answer if index == 0 else None
            started.append(stack.enter_context(Raw(program, model, folder / "input.npz", seconds, output)))
        for process in started:
            process.expect("ready")
        yield started


def expected(model: Model) -> Path:
    """The file with what Paddle Inference alone answers, written anew."""
    path = model.package.parent / "expected.npz"
    with predictors(model, 1, 0.0, path):
        return path


class Raw:
    """One process of raw_predictor, or of what stands for it."""

    def __init__(
        self, program: tuple[str, ...], model: Model, inputs: Path, seconds: float, answer: Path | None
    ) -> None:
        command = [*program, str(model.files), str(inputs), str(seconds)]
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._program = " ".join(program)
        errors, name = tempfile.mkstemp(dir=inputs.parent)
        self._log = Path(name)
        self.process = subprocess.Popen(
            command + ([str(answer)] if answer else []),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=ROOT,
            env={**os.environ, **threads},
        )
        os.close(errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def expect(self, word: str) -> None:
        """Reads lines up to `word`. Raises SystemExit where the process ends before."""
        for line in self._pipe(self.process.stdout):
            if line.strip() == word:
                return
        self.process.wait()
        lines = self._log.read_text(errors="replace").splitlines() or ["it said nothing"]
        raise SystemExit(f"{self._program} ended before it was ready: {lines[-1][:_REASON]}")

    def go(self) -> None:
        """Lets the loop begin."""
        pipe = self._pipe(self.process.stdin)
        pipe.write("\n")
        pipe.flush()

    def figures(self) -> dict[str, Any]:
        """What the process printed after its loop."""
        figures: dict[str, Any] = json.loads(self._pipe(self.process.stdout).readline())
        return figures

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        if pipe is None:
            raise AssertionError("opened with pipes")
        return pipe


def measure(
    model: Model, processes: int, seconds: float, answer: Path | None = None, program: tuple[str, ...] = OWN
) -> dict[str, Any]:
    """One row: runs per second of all processes, latency of the first, CPU milliseconds per run.

    `rested_cpu_ms` is that of a run after a millisecond without one, in the first process.
    """
    with predictors(model, processes, seconds, answer, program) as started:
        for process in started:
            process.go()
        figures = [process.figures() for process in started]
    runs = sum(one["runs"] for one in figures)
    p50, p90, p99 = figures[0]["times_ms"]
    return {
        "requests_per_second": round(sum(one["runs"] / one["wall_seconds"] for one in figures), 1),
        "requests": runs,
        "seconds": round(figures[0]["wall_seconds"], 3),
        "errors": 0,
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "rested_cpu_ms": figures[0]["rested_cpu_ms"],
        "cpu_ms": round(sum(one["cpu_seconds"] for one in figures) / runs * 1e3, 4),
    }
