"""A model package as a container image, brought to where the cluster's nodes find it."""

import os
import subprocess
from pathlib import Path

from tipc.target import TargetError

DOCKERFILE = """\
ARG BASE=debian:bookworm-slim
FROM ${BASE}
COPY package /model
USER 65532:65532
"""
SECONDS = 900


def deliver(folder: Path, name: str, root: Path) -> str:
    """Builds `folder`/package into an image called `name`; returns the reference that nodes can pull or have.

    With TIPC_REGISTRY it is pushed there; without, it is loaded into the nodes of the repository's kind cluster.
    Raises TargetError with the failing command's own words.
    """
    (folder / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    registry = os.environ.get("TIPC_REGISTRY", "").rstrip("/")
    reference = f"{registry}/{name}" if registry else name
    _run(["docker", "build", "--tag", reference, str(folder)], root)
    if registry:
        _run(["docker", "push", reference], root)
    else:
        _run(["python3", "e2e/kind", "load", reference], root)
    return reference


def _run(command: list[str], root: Path) -> None:
    print("$ " + " ".join(command), flush=True)
    try:
        result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=SECONDS)
    except FileNotFoundError:
        raise TargetError(f"{command[0]} is not on PATH; the kubernetes target builds a model image with it") from None
    except subprocess.TimeoutExpired:
        raise TargetError(f"{' '.join(command)}: not done after {SECONDS} s") from None
    if result.returncode:
        tail = (result.stderr.strip() or result.stdout.strip()).splitlines()[-3:]
        raise TargetError(f"{' '.join(command)}: {' / '.join(tail)}")
