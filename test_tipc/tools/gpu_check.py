"""The GPU rows of TIPC on a machine with an NVIDIA card.

python test_tipc/tools/gpu_check.py --environment FOLDER [MODEL ...], from the root.

The configurations name the CPU, because nobody could test more; here each asks for the GPU. Models are prepared by
this interpreter and tested by that of FOLDER, which is made once from the packages of the GPU image. The table is
test_tipc/output/gpu.md. Exit status 1 where a model failed, 2 where there is no card or no environment.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from runs import CONFIGS, FILE, OUTPUT, ROOT, Run, models, run

REQUIREMENTS = ROOT / "images/serving/requirements-gpu.txt"
RUNTIME = ROOT / "images/serving"
DEVICE_LINE = 12
ASKED_SECONDS = 60
LAST_WORDS = 300


class NoGpuError(Exception):
    """Nothing can be tested; the sentence says why and what to do."""


def main() -> int:
    """Runs; returns the exit status."""
    parser = argparse.ArgumentParser(description="TIPC's serving tests on this machine's NVIDIA card.")
    parser.add_argument("models", nargs="*", help=f"{', '.join(models())}; none: all")
    parser.add_argument("--environment", type=Path, required=True, metavar="FOLDER", help="made where it is missing")
    options = parser.parse_args()
    if unknown := set(options.models) - set(models()):
        parser.error(f"test_tipc/configs has no {', '.join(sorted(unknown))}; there are {', '.join(models())}")
    try:
        cards = cards_of(nvidia_smi())
        make(options.environment)
    except NoGpuError as error:
        print(f"gpu-check: {error}", file=sys.stderr)
        return 2
    runs = [check(model, options.environment) for model in options.models or models()]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "gpu.md").write_text(table(cards, runs), encoding="utf-8")
    print(table(cards, runs))
    return 1 if any(done.status for done in runs) else 0


def nvidia_smi() -> str:
    """What `nvidia-smi` says of the cards, a line for each. Raises NoGpuError where there is no driver."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=ASKED_SECONDS)
    except FileNotFoundError:
        raise NoGpuError(
            "nvidia-smi is not on PATH, so this machine has no NVIDIA driver. Run this where it is installed "
            "(docs/gpu.md says which cards the locked Paddle knows)."
        ) from None
    except subprocess.TimeoutExpired:
        raise NoGpuError(f"nvidia-smi did not answer within {ASKED_SECONDS} s; is the driver well?") from None
    if done.returncode:
        words = (done.stdout + done.stderr).strip()[-LAST_WORDS:]
        raise NoGpuError(f"nvidia-smi ended with status {done.returncode}: {words}")
    return done.stdout


def cards_of(text: str) -> tuple[str, ...]:
    """The cards that `nvidia-smi` lists. Raises NoGpuError where it lists none. Pure."""
    cards = tuple(line.strip() for line in text.splitlines() if line.strip())
    if not cards:
        raise NoGpuError("nvidia-smi lists no card.")
    return cards


def make(environment: Path) -> None:
    """Installs what the GPU image has, and the runtime of this checkout. Raises NoGpuError where uv cannot."""
    started = time.monotonic()
    python = environment / "bin/python"
    if not python.exists():
        print(f"installing the packages of the GPU image into {environment}, about 3 GB ...", file=sys.stderr)
        uv("venv", "--quiet", "--clear", "--python", "3.12", str(environment))
    uv("pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(REQUIREMENTS))
    uv("pip", "install", "--quiet", "--python", str(python), "--no-deps", str(RUNTIME))
    print(f"environment: {time.monotonic() - started:.0f} s", file=sys.stderr)


def uv(*arguments: str) -> None:
    """Runs uv. Raises NoGpuError with its last words."""
    done = subprocess.run(["uv", *arguments], check=False, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    if done.returncode:
        raise NoGpuError(f"uv {' '.join(arguments[:2])} failed: {done.stderr.strip()[-LAST_WORDS:]}")


def check(model: str, environment: Path) -> Run:
    """Prepares and tests one model, asked for the GPU."""
    folder = OUTPUT / "gpu"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / f"{model}.txt"
    config.write_text(on_gpu((CONFIGS / model / FILE).read_text(encoding="utf-8")), encoding="utf-8")
    return run(model, config=str(config.relative_to(ROOT)), programs=environment / "bin")


def on_gpu(text: str) -> str:
    """The configuration with the GPU in place of its devices. Pure."""
    lines = text.splitlines()
    key = lines[DEVICE_LINE - 1].partition(":")[0]
    lines[DEVICE_LINE - 1] = f"{key}:0"
    return "\n".join(lines) + "\n"


def table(cards: tuple[str, ...], runs: list[Run]) -> str:
    """The cards, the sum and every row, as Markdown. Pure."""
    passed = sum(not done.status for done in runs)
    rows = [line for done in runs for line in done.table.splitlines() if line.startswith("|")]
    heading = rows[:2]
    lines = [*heading, *(line for line in rows if line not in heading)]
    failed = [f"failed: {done.model} (status {done.status})" for done in runs if done.status]
    said = [*(f"card: {card}" for card in cards), f"{passed} of {len(runs)} models passed", *failed]
    return "\n\n".join(["\n".join(f"- {line}" for line in said), "\n".join(lines)]) + "\n"


if __name__ == "__main__":
    sys.exit(main())
