"""The admin port: probes, metrics, report."""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any, Protocol

import orjson
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from typing_extensions import override

from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.supervisor.readiness import Readiness

Message = MutableMapping[str, Any]
_JSON = "application/json"


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
    """ASGI: GET /livez, /readyz, /startupz, /metrics and /report."""

    def __init__(self, status: Status) -> None:
        self._status = status

    async def __call__(
        self, scope: Message, _receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Handles one HTTP request."""
        if scope["type"] != "http":
            return
        code, content_type, body = await self._answer(scope["method"], scope["path"])
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": code, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _answer(self, method: str, path: str) -> tuple[int, str, bytes]:
        if method not in {"GET", "HEAD"}:
            return 405, _JSON, b'{"error":"only GET"}'
        match path:
            case "/livez":
                alive = self._status.alive()
                return (200 if alive else 503), _JSON, orjson.dumps({"alive": alive})
            case "/readyz" | "/startupz":
                state = self._status.readiness()
                body = {"ready": state.ready} | ({"reason": state.reason} if state.reason else {})
                return (200 if state.ready else 503), _JSON, orjson.dumps(body)
            case "/metrics":
                return 200, CONTENT_TYPE_LATEST, await self._status.metrics()
            case "/report":
                return 200, _JSON, orjson.dumps(self._status.report())
            case _:
                return 404, _JSON, b'{"error":"no such page"}'


class AdminServer(uvicorn.Server):
    """uvicorn inside the supervisor's loop, which has signal handlers of its own."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def admin_server(status: Status) -> AdminServer:
    """A server that is not started yet: `serve(sockets=[...])` runs it until its task is cancelled."""
    return AdminServer(server_config(AdminApp(status), keep_alive_seconds=15, connections=64))


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
