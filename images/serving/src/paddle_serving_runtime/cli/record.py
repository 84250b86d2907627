"""Runs your own inference script for every golden sample and stores what it answers in golden/expected."""

import argparse
import json
import math
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from paddle_serving_runtime.cli.options import require
from paddle_serving_runtime.consistency.answer import to_answer
from paddle_serving_runtime.errors import InvalidOption, ModelInvalid, NotVerifiable
from paddle_serving_runtime.package.contents import EXPECTED, GOLDEN, Package
from paddle_serving_runtime.package.golden import sample_files
from paddle_serving_runtime.words import counted

_DISTRIBUTIONS = ("paddlepaddle-gpu", "paddlepaddle")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `record`."""
    parser.add_argument("directory", type=Path, metavar="DIR", help="the model package")
    parser.add_argument("--device", default="cpu", help="what your script computes on; only noted down")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds for one sample")
    parser.add_argument("--rtol", type=float, help="relative tolerance of the recorded floats; default 1e-3")
    parser.add_argument("--atol", type=float, help="absolute tolerance of the recorded floats; default 1e-5")
    parser.add_argument(
        "command",
        nargs="*",
        metavar="-- COMMAND",
        help="your script; the sample's path is appended. The last line it prints is {output name: value} as JSON",
    )


def parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments; what follows -- is the command, wherever the flags are.

    argparse takes a flag between DIR and -- for the first word of the command, or the command for too much.
    """
    place = words.index("--", 1) if "--" in words[1:] else len(words)
    arguments = parser.parse_args(words[:place])
    arguments.command += words[place + 1 :]
    return arguments


def run(arguments: argparse.Namespace) -> int:
    """Returns 0 when every sample has a recorded answer. Raises ServingError; nothing is written half."""
    command = arguments.command
    if not command:
        raise InvalidOption("record needs a command: record DIR -- python infer.py")
    root = arguments.directory.resolve()
    package = Package(root, None, None, None)
    samples = sample_files(package)
    if not samples:
        raise NotVerifiable(f"{package.golden} has no samples. Add requests as golden/<name>.json or <name>.npz.")
    for name in ("rtol", "atol"):
        value = getattr(arguments, name)
        require(value is None or 0 <= value < math.inf, f"--{name} must be finite and not negative")
    answers = []
    for number, path in enumerate(samples, start=1):
        started = time.monotonic()
        answers.append(answer_of([*command, str(path)], path, arguments.timeout))
        print(f"{number}/{len(samples)} {path.name} in {time.monotonic() - started:.1f} s")
    package.expected.mkdir(exist_ok=True)
    for path, answer in zip(samples, answers, strict=True):
        _write(package.expected / f"{path.stem}.json", _document(answer, arguments, command))
    print(
        f"{counted(len(answers), 'answer')} recorded in {GOLDEN}/{EXPECTED}; run `paddle-serving-runtime digest` again."
    )
    return 0


def answer_of(command: Sequence[str], sample: Path, timeout: float) -> dict[str, Any]:
    """The JSON object in the last line that the command prints.

    Raises ModelInvalid with what it said where it fails, prints no object, or a value that no answer can have.
    """
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ModelInvalid(
            f"{sample.name}: the command did not finish within {timeout:g} s. Allow more with --timeout."
        ) from None
    except OSError as error:
        raise ModelInvalid(f"{command[0]} cannot be started: {error.strerror}.") from None
    if done.returncode:
        raise ModelInvalid(f"{sample.name}: the command ended with status {done.returncode}; its own output says why.")
    lines = done.stdout.decode(errors="replace").strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else None
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not answer:
        last = lines[-1][:200] if lines else ""
        raise ModelInvalid(
            f"{sample.name}: the last line of the command's output must be a JSON object {{output name: value}}, not "
            f"{last!r}. Print json.dumps(...) last."
        )
    _require_readable(sample, answer)
    return answer


def _require_readable(sample: Path, answer: dict[str, Any]) -> None:
    try:
        tensors = to_answer(answer)
    except (OverflowError, RecursionError) as error:
        raise ModelInvalid(f"{sample.name}: a value of the answer cannot be recorded ({error}).") from None
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not all(math.isfinite(value) for value in tensor.ravel().tolist()):
            print(f"warning: {sample.name}: {name} has values that are not finite", file=sys.stderr)


def _document(answer: dict[str, Any], arguments: argparse.Namespace, command: Sequence[str]) -> dict[str, Any]:
    tolerance = {name: value for name in ("rtol", "atol") if (value := getattr(arguments, name)) is not None}
    return {
        "answer": answer,
        **({"tolerance": tolerance} if tolerance else {}),
        "recorded": {
            "paddle": _paddle_version(),
            "device": arguments.device,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": " ".join(command),
        },
    }


def _paddle_version() -> str:
    """Of the Paddle beside this program, without importing it; empty where the script brings its own."""
    for name in _DISTRIBUTIONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return ""


def _write(path: Path, document: dict[str, Any]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)
