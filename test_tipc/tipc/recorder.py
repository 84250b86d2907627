"""A forward proxy on loopback that keeps what a client sends and gets, without a change to client or server.

The client finds it through `http_proxy`, which requests, urllib, curl and gRPC honour. It can send every request to
another address than the one in the client's source.
"""

import http.client
import re
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from typing_extensions import override

from tipc import tunnel
from tipc.exchange import EMPTY_ANSWER, Exchange, Route, failure
from tipc.grpc_recorder import GrpcRecorder
from tipc.sending import send

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "te", "upgrade"}
PAUSE = 0.1
SEVERAL = re.compile(r"\[(.*,.*)\]:\d+")
"""How gRPC asks a proxy for one of several servers."""


class Recorder:
    """Context manager; `exchanges` grows while the client runs. A request has what is left of `seconds`."""

    def __init__(self, route: Route, seconds: float) -> None:
        self._route = route
        self._deadline = time.monotonic() + seconds
        self.exchanges: list[Exchange] = []
        self._asked = False
        self._grpc = GrpcRecorder(route, self._deadline, self.note_request, self.exchanges.append)
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
        self._grpc.close()

    def environment(self, base: dict[str, str]) -> dict[str, str]:
        """The client's environment: no proxy of the machine, this one for http."""
        kept = {name: value for name, value in base.items() if not name.lower().endswith("_proxy")}
        host, port = self._server.server_address[:2]
        return {**kept, "http_proxy": f"http://{host!s}:{port}"}

    def silent(self) -> bool:
        """Whether no request has come yet."""
        return not self._asked

    def note_request(self) -> None:
        """A request has come."""
        self._asked = True

    def tunnel(self, client: socket.socket, address: str) -> None:
        """Joins a gRPC client to the relay that stands for `address`; returns when the connection has ended."""
        several = SEVERAL.fullmatch(address)
        with socket.create_connection(("127.0.0.1", self._grpc.port(several[1] if several else address))) as relay:
            tunnel.join(client, relay)

    def answer(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        """Sends a request on and keeps the exchange. Returns status and body; 504 where nothing was answered."""
        self.note_request()
        started = time.monotonic()
        status, answer = self._answer(method, url, headers, body)
        self.exchanges.append(Exchange(url, body, f"HTTP {int(status)}", answer, time.monotonic() - started))
        return status, answer

    def _answer(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        if self._route.canned:
            return HTTPStatus.OK, EMPTY_ANSWER
        try:
            return send(method, url, self._route.address, headers, body, self._deadline - time.monotonic())
        except (OSError, http.client.HTTPException) as error:
            return HTTPStatus.GATEWAY_TIMEOUT, failure(f"the service did not answer: {type(error).__name__}: {error}")


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

        def do_CONNECT(self) -> None:
            self.send_response(HTTPStatus.OK)
            self.end_headers()
            self.wfile.flush()
            recorder.tunnel(self.connection, self.path)
            self.close_connection = True

        do_POST = relay  # noqa: N815 - the names are those of http.server
        do_GET = relay  # noqa: N815

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the client's own log tells what it asked."""

    return Handler
