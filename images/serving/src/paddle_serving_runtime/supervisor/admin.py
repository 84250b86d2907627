"""The admin port: probes, metrics, report."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from typing_extensions import override

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.supervisor.drift_page import MAX_BYTES, drift_page
from paddle_serving_runtime.supervisor.drifts import Drifts
from paddle_serving_runtime.supervisor.pages import Page, json_page, refusal
from paddle_serving_runtime.supervisor.readiness import Readiness
from paddle_serving_runtime.supervisor.replay_buffer import ReplayBuffer
from paddle_serving_runtime.supervisor.replay_page import requests_page

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PIECES_SECONDS = 120.0
"""How long a reader may take for a body in pieces."""

_READING = ("GET", "HEAD")


class Status(Protocol):
    """What the admin port tells about."""

    def alive(self) -> bool:
        """Whether the supervisor and the front live."""

    def readiness(self) -> Readiness:
        """Whether the pod is ready."""

    async def metrics(self) -> bytes:
        """Prometheus text."""

    def report(self) -> dict[str, Any]:
        """What was verified."""


class AdminApp:
    """ASGI: GET /livez, /readyz, /startupz, /metrics, /report and /requests, POST /drift.

    `replay` is None where no requests are kept, `drifts` where there is no revision to compare with.
    """

    def __init__(self, status: Status, replay: ReplayBuffer | None = None, drifts: Drifts | None = None) -> None:
        self._status = status
        self._replay = replay
        self._drifts = drifts
        self._in_pieces = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handles one HTTP request."""
        if scope["type"] != "http":
            return
        if scope["path"] == "/drift":
            page = await self._drift(scope["method"], receive)
        else:
            page = await self._page(scope["method"], scope["path"], scope["query_string"])
        if isinstance(page.body, bytes):
            length = (b"content-length", str(len(page.body)).encode())
            await send(_start(page, length))
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page.body})
        elif self._in_pieces:
            await self._send_refused(send)
        else:
            await self._send_pieces(page, page.body, send, head_only=scope["method"] == "HEAD")

    async def _send_refused(self, send: Send) -> None:
        page = refusal(503, "another client reads the requests; try again")
        await send(_start(page))
        await send({"type": "http.response.body", "body": page.body})

    async def _send_pieces(self, page: Page, pieces: Iterator[bytes], send: Send, *, head_only: bool) -> None:
        """One at a time: a reader that is slow holds what it has begun to read, also where it is no longer kept."""
        self._in_pieces = True
        try:
            async with asyncio.timeout(_PIECES_SECONDS):
                await send(_start(page))
                for piece in () if head_only else pieces:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._in_pieces = False

    async def _drift(self, method: str, receive: Receive) -> Page:
        if method != "POST":
            return refusal(405, "only POST")
        body = await _body(receive)
        if body is None:
            return refusal(413, "the body is too long")
        return await drift_page(self._drifts, self._status.readiness(), body)

    def _probe(self, path: str) -> Page:
        if path == "/livez":
            alive = self._status.alive()
            return json_page({"alive": alive}, 200 if alive else 503)
        state = self._status.readiness()
        body = {"ready": state.ready} | ({"reason": state.reason} if state.reason else {})
        return json_page(body, 200 if state.ready else 503)

    async def _page(self, method: str, path: str, query: bytes) -> Page:
        if method not in _READING:
            return refusal(405, "only GET")
        match path:
            case "/livez" | "/readyz" | "/startupz":
                return self._probe(path)
            case "/metrics":
                return Page(200, CONTENT_TYPE_LATEST, await self._status.metrics())
            case "/report":
                return json_page(self._status.report())
            case "/requests":
                return requests_page(self._replay, query)
            case _:
                return refusal(404, "no such page")


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None where it is longer than a question may be."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BYTES:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _start(page: Page, *headers: tuple[bytes, bytes]) -> Message:
    kind = (b"content-type", page.content_type.encode())
    return {"type": "http.response.start", "status": page.status, "headers": [kind, *headers]}


class AdminServer(uvicorn.Server):
    """uvicorn inside the supervisor's loop, which has signal handlers of its own."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def admin_server(app: AdminApp) -> AdminServer:
    """A server that is not started yet: `serve(sockets=[...])` runs it until its task is cancelled."""
    return AdminServer(server_config(app, keep_alive_seconds=15, connections=64))


def server_config(app: Any, *, keep_alive_seconds: int, connections: int) -> uvicorn.Config:  # noqa: ANN401 - any ASGI
    """Of a small HTTP server beside the front."""
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=keep_alive_seconds,
        limit_concurrency=connections,
    )


def listen(port: int) -> socket.socket:
    """A listening socket on every address. Raises InvalidOption where the port is taken."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("", port))
    except OSError as error:
        listening.close()
        raise InvalidOption(f"--admin-port {port} cannot be used: {error.strerror}.") from None
    return listening


async def serve(server: AdminServer, listening: socket.socket) -> None:
    """Serves until cancelled."""
    try:
        await server.serve(sockets=[listening])
    except asyncio.CancelledError:
        await server.shutdown()
        raise
