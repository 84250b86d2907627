"""One worker of a running server, asked past the front."""

from __future__ import annotations

import http.client
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from benchmarks import servers
from benchmarks.cpu import command_of
from benchmarks.models import Model
from benchmarks.servers import Running

WAIT_SECONDS = 60.0
_RECHECK = "paddle_serving_recheck"
Answers = tuple[bytes, ...]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("worker", timeout=WAIT_SECONDS)
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT_SECONDS)
        self.sock.connect(str(self._path))


@dataclass(frozen=True)
class Worker:
    """The first worker of a server: requests go to it while it is free."""

    run: Running
    model: Model
    socket: Path

    def pid(self) -> int:
        """Its process, by who listens on its socket. Raises OSError while there is none."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.socket))
            return int(struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])

    def post(self, body: bytes) -> bytes:
        """Its answer to a request that passes the front."""
        connection = _UnixConnection(self.socket)
        try:
            connection.request("POST", f"/{self.model.service}/prediction", body)
            return connection.getresponse().read()
        finally:
            connection.close()

    def answers(self) -> Answers:
        """Its answers to the golden samples."""
        samples = sorted((self.model.package / "golden").glob("*.json"))
        return tuple(self.post(sample.read_bytes()) for sample in samples)

    def differences(self) -> float:
        """How many were found in it so far."""
        return self.run.metric(f"{_RECHECK}_differences_total", 'worker="0"')

    def rounds(self) -> float:
        """How many rounds it has ended."""
        return self.run.metric(f"{_RECHECK}_rounds_total", 'worker="0"')


def first_worker(run: Running, model: Model) -> Worker:
    """The worker 0 of a server that answers."""
    for pid in run.pids():
        words = command_of(pid).split()
        if "haproxy" in words and "-f" in words:
            return Worker(run, model, Path(words[words.index("-f") + 1]).parent / "w0.sock")
    raise servers.ServerError("there is no HAProxy")
