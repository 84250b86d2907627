"""kubectl port-forward as a context manager."""

from __future__ import annotations

import queue
import re
import subprocess
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from e2e.lib.cluster import Namespace

FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")
START_SECONDS = 60.0
STOP_SECONDS = 60.0


@contextmanager
def port_forward(namespace: Namespace, target: str, port: int) -> Iterator[str]:
    """`http://127.0.0.1:<free port>` that leads to `port` of `target`, for example svc/ocr-rec, until the block ends.

    kubectl picks one pod when it starts; the address goes dead with that pod.
    """
    command = namespace.cluster.kubectl_command("-n", namespace.name, "port-forward", target, f":{port}")
    with forwarded(command, target) as address:
        yield address


@contextmanager
def forwarded(command: Sequence[str], target: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The same for a command line; its first port where it has several."""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        try:
            yield f"http://127.0.0.1:{_local_port(process, target)}"
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def _local_port(process: subprocess.Popen[str], target: str) -> int:
    lines: queue.Queue[str | None] = queue.Queue()
    if process.stdout is None:
        raise AssertionError("port-forward was started without a pipe")
    # Read to the end: a full pipe would block kubectl.
    threading.Thread(target=_drain, args=(process.stdout, lines), daemon=True).start()
    said: list[str] = []
    while True:
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            raise AssertionError(f"port-forward to {target}: nothing within {START_SECONDS:.0f} s; {said}") from None
        if line is None:
            raise AssertionError(f"port-forward to {target} ended: {' '.join(said)}")
        if found := FORWARDING.search(line):
            return int(found[1])
        said.append(line.strip())


def _drain(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)
