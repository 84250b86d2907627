"""A gate in front of the API server: it lets requests through, or answers them as a bad day would."""

import http.client
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlsplit

import yaml
from typing_extensions import override

from .control_plane import TOKEN, ControlPlane

SILENT_SECONDS = 120.0  # longer than any client waits
HOP = {"connection", "transfer-encoding", "content-length", "host", "accept-encoding"}
EXPIRED = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}}


class Request(NamedTuple):
    """What a client asks: the HTTP method, the path without its query, whether it watches, or goes on with a list."""

    method: str
    path: str
    watches: bool
    goes_on: bool = False

    @property
    def reads(self) -> bool:
        """Whether it is a read that is no watch."""
        return self.method == "GET" and not self.watches


class Answer(NamedTuple):
    """An error of the API server."""

    status: int
    message: str = "a fault of the test"
    retry_after: str = ""


class Silence(NamedTuple):
    """No answer at all; the connection stays open."""


class Reset(NamedTuple):
    """The connection is closed without an answer."""


class Expired(NamedTuple):
    """A watch that begins at a resourceVersion which the API server does not remember any more."""


Fault: TypeAlias = Answer | Silence | Reset | Expired
Rule: TypeAlias = Callable[[Request], Fault | None]


class Gate:
    """Everything that comes to `url` goes to the API server, unless a rule has a fault for it."""

    def __init__(self, plane: ControlPlane) -> None:
        """Listens on a free port of loopback until `close`."""
        self.rule: Rule = lambda _: None  # decides on every request
        self.deaf: set[str] = set()  # kinds whose watches tell nothing
        self.requests: list[Request] = []
        self.answered: list[tuple[Request, int]] = []  # those that the API server answered, with the HTTP status
        self._plane = plane
        self._lock = threading.Lock()
        self._streams: list[http.client.HTTPConnection] = []
        self._closed = threading.Event()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def kubeconfig(self, path: Path, token: str = TOKEN) -> Path:
        """Writes a kubeconfig whose API server is this gate."""
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        }
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    def close(self) -> None:
        """Lets go of every client."""
        self._closed.set()
        self.cut()
        self._server.shutdown()
        self._server.server_close()

    def cut(self) -> None:
        """Ends every watch that is open."""
        with self._lock:
            streams, self._streams = self._streams, []
        for stream in streams:
            if stream.sock:
                # that of an SSLSocket forgets its keys first: who reads at that moment gets what is encrypted as text
                socket.socket.shutdown(stream.sock, socket.SHUT_RDWR)

    @contextmanager
    def missing(self, plural: str) -> Iterator[None]:
        """Events of a kind get lost in this block; after it, its watch is told that it is too old to go on."""
        rule, self.deaf = self.rule, {plural}
        try:
            yield
        finally:
            self.rule = lambda request: self._expire(request, plural, rule)
            self.cut()

    def _expire(self, request: Request, plural: str, rule: Rule) -> Fault | None:
        if request.watches and request.path.endswith(f"/{plural}"):
            self.rule, self.deaf = rule, set()
            return Expired()
        return rule(request)

    def fault(self, request: Request) -> Fault | None:
        """Notes the request. Returns what is to go wrong with it."""
        with self._lock:
            self.requests.append(request)
            return self.rule(request)

    def wait_until_closed(self) -> None:
        """For a client that gets no answer."""
        self._closed.wait(SILENT_SECONDS)

    def connect(self, *, watches: bool) -> http.client.HTTPConnection:
        """A connection to the API server."""
        address = urlsplit(self._plane.url)
        context = ssl.create_default_context(cafile=str(self._plane.certificate))
        made = http.client.HTTPSConnection(address.hostname or "", address.port, context=context)
        if watches:
            made.connect()
            with self._lock:
                self._streams.append(made)
        return made


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, gate: Gate) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.gate = gate


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def gate(self) -> Gate:
        assert isinstance(self.server, _Server)
        return self.server.gate

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        request = Request(self.command, url.path, "watch" in query, "continue" in query)
        match self.gate.fault(request):
            case Answer(status, message, retry_after):
                self._refuse(status, message, retry_after)
            case Silence():
                self.gate.wait_until_closed()
                self.close_connection = True
            case Reset():
                self.close_connection = True
            case Expired():
                self._stream(iter([json.dumps(EXPIRED).encode() + b"\n"]))
            case None:
                self._pass(request, body)

    do_GET = do_PATCH = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class's names

    def _refuse(self, status: int, message: str, retry_after: str) -> None:
        content = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message}
        headers = {"Content-Type": "application/json"} | ({"Retry-After": retry_after} if retry_after else {})
        self._reply(status, headers, json.dumps(content).encode())

    def _pass(self, request: Request, body: bytes) -> None:
        upstream = self.gate.connect(watches=request.watches)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            self.gate.answered.append((request, answer.status))
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in HOP}
            if request.watches and answer.status == http.HTTPStatus.OK:
                self._stream(self._events(request, answer), kept)
            else:
                self._reply(answer.status, kept, answer.read())
        except (OSError, http.client.HTTPException, ValueError):  # cut, or the client went
            self.close_connection = True
        finally:
            upstream.close()

    def _events(self, request: Request, answer: http.client.HTTPResponse) -> Iterator[bytes]:
        while line := answer.readline():
            if request.path.rpartition("/")[2] not in self.gate.deaf:
                yield line

    def _reply(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, lines: Iterator[bytes], headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        for name, value in ((headers or {}) | {"Transfer-Encoding": "chunked"}).items():
            self.send_header(name, value)
        self.end_headers()
        for line in lines:
            self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    @override
    def log_message(self, *_: object) -> None:
        """The tests look at `requests`."""
