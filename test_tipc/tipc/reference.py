"""Paddle Inference's answers to the requests that a client sent, from the runtime's `reference` command."""

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from paddle_serving_runtime import reference
from tipc import processes, runtime

LEFT_OUT = ("golden", "__pycache__", "PipelineServingLogs", "ProcessInfo.json", "MANIFEST.sha256")


class InferenceError(Exception):
    """Paddle Inference could not answer; the message holds the runtime's own last line."""


def sample_name(index: int) -> str:
    """The file name of a captured request in golden/."""
    return f"request-{index}.json"


def package(service: Path, target: Path, requests: Iterable[bytes]) -> None:
    """A model package in `target`, made anew: the service's files, the captured requests as golden samples."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(service, target, ignore=shutil.ignore_patterns(*LEFT_OUT), copy_function=_link_or_copy)
    golden = target / "golden"
    golden.mkdir()
    for index, body in enumerate(requests):
        (golden / sample_name(index)).write_bytes(body)


def _link_or_copy(source: str, target: str) -> str:
    """A hard link where the file system allows it: weights are large, and nothing here writes into them."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)
    return target


def computed(package_dir: Path, service: Sequence[str], work: Path, seconds: float) -> reference.Reference:
    """What the runtime's `reference` computes of a package. Raises InferenceError naming its log.

    `service` are the runtime's arguments that say which script runs, with which switches.
    """
    output, log = work / "reference.json", work / "reference.log"
    output.unlink(missing_ok=True)
    command = runtime.command("reference", "--model-dir", str(package_dir), "--output", str(output), *service)
    status = processes.run(command, work, os.environ, log, seconds)
    if status != 0 or not output.exists():
        raise InferenceError(f"Paddle Inference alone failed with status {status}: {last_line(log)} (all of it: {log})")
    return reference.read(output)


def last_line(log: Path) -> str:
    """The last line with text of a log, which is where commands say what went wrong."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"
