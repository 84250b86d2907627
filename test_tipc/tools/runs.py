"""Runs of TIPC configurations, and what each leaves behind."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "test_tipc/output"
CONFIGS = ROOT / "test_tipc/configs"
FILE = "model_linux_gpu_normal_normal_serving_python_linux_gpu_cpu.txt"


@dataclass(frozen=True)
class Run:
    """One run of test_serving.sh: what it left in its output folder. `author` is empty where it was not asked."""

    model: str
    status: int
    statuses: str
    clients: dict[str, str]
    author: str
    rows: list[dict[str, Any]]
    table: str


def models() -> list[str]:
    """The models that have a configuration."""
    return sorted(path.parent.name for path in CONFIGS.glob(f"*/{FILE}"))


def configuration(model: str) -> str:
    """The path of its configuration, relative to the root."""
    return str((CONFIGS / model / FILE).relative_to(ROOT))


def run(model: str, *arguments: str, config: str = "", programs: Path | None = None) -> Run:
    """Prepares and tests a model, output to the terminal; the arguments are those of test_serving.sh.

    `config` is a path relative to the root, the model's own configuration where it is empty. It is tested with what
    lies in `programs`, a Python of another environment for example; prepared it is with this environment's own.
    """
    config = config or configuration(model)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}" if programs else os.environ["PATH"]
    status = script("prepare.sh", config) or script("test_serving.sh", config, *arguments, path=path)
    report = OUTPUT / f"report_{model}.json"
    return Run(
        model=model,
        status=status,
        statuses=text(OUTPUT / "results_serving.log"),
        clients={path.name: text(path) for path in sorted(OUTPUT.glob("server_infer_*.log"))},
        author=text(OUTPUT / "reference" / model / "author.log"),
        rows=json.loads(text(report) or "[]"),
        table=text(report.with_suffix(".md")),
    )


def script(name: str, config: str, *arguments: str, path: str = os.environ["PATH"]) -> int:
    """Runs a script of test_tipc/ for a configuration; returns its exit status."""
    started = time.monotonic()
    command = ["bash", f"test_tipc/{name}", config, *arguments]
    status = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, "PATH": path}).returncode
    print(f"{' '.join(command)}: status {status}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return status


def text(path: Path) -> str:
    """The content of a file, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
