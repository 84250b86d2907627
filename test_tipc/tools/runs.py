"""Runs of TIPC configurations, and what each leaves behind."""

import json
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


def run(model: str, *arguments: str) -> Run:
    """Prepares and tests a model, output to the terminal; the arguments are those of test_serving.sh."""
    status = script("prepare.sh", model) or script("test_serving.sh", model, *arguments)
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


def script(name: str, model: str, *arguments: str) -> int:
    """Runs a script of test_tipc/ for a model; returns its exit status."""
    started = time.monotonic()
    command = ["bash", f"test_tipc/{name}", configuration(model), *arguments]
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"{' '.join(command)}: status {status}, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return status


def text(path: Path) -> str:
    """The content of a file, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""
