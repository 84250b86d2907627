"""The HTTP server of the page: GET and HEAD, a bounded number of connections, and nothing that changes anything."""

import logging
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

from paddle_serving_operator.page.answers import HEADERS, Answer, plain

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 32  # a browser opens six; every one is a thread
SECONDS = 10.0  # for a request to arrive, and for an answer to be taken

Answering = Callable[[str, str], Answer]
"""Of a path with its query, and the ETag that the browser has."""


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    timeout = SECONDS
    server_version = "paddle-serving-operator"
    sys_version = ""

    def do_GET(self) -> None:
        """Headers and body."""
        self._reply(self._answer(), body=True)

    def do_HEAD(self) -> None:
        """The headers alone."""
        self._reply(self._answer(), body=False)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every other method of HTTP, known or not."""
        if not name.startswith("do_"):
            raise AttributeError(name)
        return self._refuse

    def _refuse(self) -> None:
        sentence = "This page can only be looked at: GET and HEAD. `kubectl paddle` gives orders."
        self._reply(plain(HTTPStatus.METHOD_NOT_ALLOWED, sentence, {"Allow": "GET, HEAD"}), body=True)

    def _answer(self) -> Answer:
        assert isinstance(self.server, Server)  # noqa: S101 - says to mypy whose handler this is
        try:
            return self.server.answering(self.path, self.headers.get("If-None-Match", ""))
        except Exception:  # whatever is wrong with the page, the operator goes on
            log.exception("the page could not be made: %s", self.path)
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, "The page could not be made. The operator's log says why.")

    def _reply(self, answer: Answer, *, body: bool) -> None:
        self.send_response(answer.status)
        for name, value in {**HEADERS, **answer.headers}.items():
            self.send_header(name, value)
        if answer.status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if body:
            self.wfile.write(answer.body)

    @override
    def parse_request(self) -> bool:
        parsed = super().parse_request()
        if parsed and self.request_version == "HTTP/0.9":  # whose answers have no headers
            self.send_error(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
            return False
        return parsed

    @override
    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is none: it gets the headers, too, and nothing of what it said."""
        self.close_connection = True
        self.request_version = self.protocol_version
        self._reply(plain(HTTPStatus(code), HTTPStatus(code).phrase), body=True)

    @override
    def log_message(self, *_: object) -> None:
        """A page that is looked at is no news."""


class Server(ThreadingHTTPServer):
    """Raises OSError where the port is taken. `serve_forever` works until `shutdown`."""

    daemon_threads = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, host: str, port: int, answering: Answering) -> None:
        self.answering = answering
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__((host, port), Handler)

    @override
    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._places.release()
            raise

    @override
    def process_request_thread(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that left, or took too long."""
        log.debug("a connection to the page broke", exc_info=True)  # noqa: LOG014 - socketserver calls it in its handler


def serve(host: str, port: int, answering: Answering) -> Server:
    """Answers in threads of its own. Raises OSError where the port is taken."""
    server = Server(host, port, answering)
    threading.Thread(target=server.serve_forever, name="page", daemon=True).start()
    return server
