"""The control servers of a make-believe pod."""

import asyncio
import http.client
import json
import socket
from pathlib import Path
from threading import Event, Thread
from typing import Any

from typing_extensions import override

from paddle_serving_runtime.supervisor.control import GRPC_SOCKET, HTTP_SOCKET, State, start_control
from paddle_serving_runtime.supervisor.model_statistics import ModelStatistics
from paddle_serving_runtime.supervisor.readiness import Readiness

X = {"name": "x", "datatype": "FP32", "shape": [-1, 13]}
Y = {"name": "y", "datatype": "FP32", "shape": [-1, 1]}
LOADED = {
    "service": "housing",
    "names": ["housing", "svc"],
    "models": [
        {"name": "uci", "inputs": [X], "outputs": [Y], "batchSize": 1},
        {"name": "both", "inputs": [], "outputs": [], "batchSize": 1},
    ],
}
PLAIN = {
    "service": "",
    "names": ["svc"],
    "models": [{"name": "model", "inputs": [X], "outputs": [Y], "batchSize": 1}],
}


class Pod:
    """Starts the servers in a loop of their own; `ready` and `loaded` are what they tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = True
        self.loaded: dict[str, Any] = LOADED
        self.counted: dict[int, ModelStatistics] = {}
        self._started = Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        assert self._started.wait(60)

    def alive(self) -> bool:
        return True

    def readiness(self) -> Readiness:
        return Readiness(self.ready, "" if self.ready else "draining")

    async def _counted(self) -> dict[int, ModelStatistics]:
        return self.counted

    async def _run(self) -> None:
        control = await start_control(State(self, lambda: self.loaded, self._counted), self.folder)
        self._started.set()
        await self._stop.wait()
        await control.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()

    def get(self, path: str, method: str = "GET") -> tuple[int, Any]:
        connection = UnixConnection(self.folder / HTTP_SOCKET)
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, json.loads(body) if body else None

    @property
    def address(self) -> str:
        return f"unix:{self.folder / GRPC_SOCKET}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))
