"""The worker's HTTP server in a thread, on a real unix socket, with a handler of the test."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path

import pytest
import uvloop

from paddle_serving_runtime.link.busy import BusyMark
from paddle_serving_runtime.link.lifeline import Lifeline
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest, Respond
from paddle_serving_runtime.worker.reading import Limits
from paddle_serving_runtime.worker.server import serve

SECONDS = 60.0
TEXT = ((b"content-type", b"text/plain"),)


def echo(request: HttpRequest, respond: Respond) -> None:
    respond(HttpReply(200, TEXT, f"{request.method} {request.path} ".encode() + request.body))


@dataclass
class Running:
    """A server in a thread of its own; `stop` ends it."""

    path: Path
    busy_file: Path
    loop: asyncio.AbstractEventLoop
    stop_event: asyncio.Event
    thread: threading.Thread
    handler: list[Callable[[HttpRequest, Respond], None]] = field(default_factory=list)

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(SECONDS)
        connection.connect(str(self.path))
        return connection

    def ask(self, raw: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the answer to these bytes."""
        with self.connect() as connection:
            connection.sendall(raw)
            return read(connection)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stop_event.set)

    def wait_closed(self) -> None:
        """Until no new connection is taken."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                self.connect().close()
            except ConnectionRefusedError:
                return
            time.sleep(0.005)
        pytest.fail("it still accepts connections")


def read(connection: socket.socket, method: str = "POST") -> tuple[int, dict[str, str], bytes]:
    response = HTTPResponse(connection, method=method)
    response.begin()
    body = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def until_closed(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def running(
    folder: Path,
    handler: Callable[[HttpRequest, Respond], None] = echo,
    lifeline: Lifeline | None = None,
    **limits: float,
) -> Iterator[Running]:
    path, busy_file = folder / "w.sock", folder / "busy"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    ready, made = threading.Event(), []

    async def main() -> None:
        stop = asyncio.Event()
        made.append((asyncio.get_running_loop(), stop))
        mark = BusyMark(busy_file)
        ready.set()
        bounds = Limits(**({"body_bytes": 100_000, "discard_seconds": 0.01} | limits))  # type: ignore[arg-type]
        await serve(handler, listening, mark, bounds, stop=stop, lifeline=lifeline)

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    assert ready.wait(SECONDS)
    loop, stop = made[0]
    server = Running(path, busy_file, loop, stop, thread)
    try:
        yield server
    finally:
        if thread.is_alive():
            server.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def post(body: bytes = b"", path: str = "/a/b", *headers: str) -> bytes:
    head = "".join(f"{line}\r\n" for line in (f"Content-Length: {len(body)}", *headers))
    return f"POST {path} HTTP/1.1\r\nHost: w\r\n{head}\r\n".encode() + body
