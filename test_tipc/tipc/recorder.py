"""A forward proxy on loopback that keeps what a client sends and gets, without a change to client or server.

The client finds it through `http_proxy`, which requests, urllib and curl honour. It also makes the client wait for a
server that still starts, and can send every request to another address than the one in the client's source.
"""

import http.client
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from typing_extensions import override

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "te", "upgrade"}
NOT_YET = {502, 503}
PAUSE = 0.1
EMPTY_ANSWER = json.dumps({"err_no": 0, "err_msg": "", "key": [], "value": [], "tensors": []}).encode()


@dataclass(frozen=True)
class Exchange:
    """One request of the client and what it was answered; `seconds` is the time that the server took."""

    url: str
    body: bytes
    status: int
    answer: bytes
    seconds: float


@dataclass(frozen=True)
class Route:
    """Where requests go. `address` None: where the client sends them.

    Until `deadline` (time.monotonic) a server that refuses connections or answers 503 is asked again, as long as
    `alive()` holds and it has not answered anything else yet: after that a 503 is an answer.
    `canned`: every request gets an empty answer and goes nowhere, to learn what a client sends.
    """

    deadline: float
    alive: Callable[[], bool]
    address: tuple[str, int] | None = None
    canned: bool = False


class Recorder:
    """Context manager; `exchanges` grows while the client runs."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.exchanges: list[Exchange] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": PAUSE})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def environment(self, base: dict[str, str]) -> dict[str, str]:
        """The client's environment: no proxy of the machine, this one for http."""
        kept = {name: value for name, value in base.items() if not name.lower().endswith("_proxy")}
        host, port = self._server.server_address[:2]
        return {**kept, "http_proxy": f"http://{host!s}:{port}"}

    def answer(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        """Sends a request on and keeps the exchange. Returns status and body."""
        if self.route.canned:
            self.exchanges.append(Exchange(url, body, 200, EMPTY_ANSWER, 0.0))
            return 200, EMPTY_ANSWER
        last, starting = "no attempt was made", not self.exchanges
        while time.monotonic() < self.route.deadline and self.route.alive():
            started = time.monotonic()
            try:
                status, answer = send(method, url, self.route.address, headers, body, self.route.deadline - started)
            except (OSError, http.client.HTTPException) as error:
                last = f"{type(error).__name__}: {error}"
                if not starting:
                    break
            else:
                last = f"HTTP {status} {answer[:200]!r}"
                if status not in NOT_YET or not starting:
                    self.exchanges.append(Exchange(url, body, status, answer, time.monotonic() - started))
                    return status, answer
            time.sleep(PAUSE)
        return 504, json.dumps(
            {"err_no": 6000, "err_msg": f"the service did not answer in time; last: {last}"}
        ).encode()


def send(
    method: str,
    url: str,
    address: tuple[str, int] | None,
    headers: list[tuple[str, str]],
    body: bytes,
    seconds: float,
) -> tuple[int, bytes]:
    """One HTTP request to `address`, or to the url's own. Raises OSError and http.client.HTTPException."""
    parts = urlsplit(url)
    host, port = address or (parts.hostname or "127.0.0.1", parts.port or 80)
    connection = http.client.HTTPConnection(host, port, timeout=max(seconds, PAUSE))
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path or "/", body=body, headers=dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = [(name, value) for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP]
            status, answer = recorder.answer(self.command, self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = relay  # noqa: N815 - the names are those of http.server
        do_GET = relay  # noqa: N815

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the client's own log tells what it asked."""

    return Handler
