"""What the page's server sends over the wire, and what it refuses."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse

import pytest

from paddle_serving_operator.page import server as page_server
from paddle_serving_operator.page.answers import Answer
from paddle_serving_operator.page.server import Server, serve
from paddle_serving_operator.page.site import ASSETS, Site

from .pages import NOW, SERVICE, Known, canary

SECONDS = 60.0
POLICY = {
    "default-src 'none'",
    "style-src 'self'",
    "script-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    known = Known()
    known.put(canary())
    made = serve("127.0.0.1", 0, Site(known, lambda: NOW).answer)
    yield made
    made.shutdown()
    made.server_close()


def ask(served: Server, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection("127.0.0.1", served.server_port, timeout=SECONDS)) as connection:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer, answer.read()


def hardened(answer: HTTPResponse) -> None:
    assert set((answer.getheader("Content-Security-Policy") or "").split("; ")) == POLICY
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    assert answer.getheader("X-Frame-Options") == "DENY"
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("Server", "").split() == ["paddle-serving-operator"]
    assert not any(name.lower().startswith(("set-cookie", "access-control")) for name, _ in answer.getheaders())


@pytest.mark.parametrize("path", ["/", SERVICE, "/nowhere", *ASSETS])
def test_every_answer_binds_the_browser(served: Server, path: str) -> None:
    answer, body = ask(served, "GET", path)
    hardened(answer)
    assert answer.status == (404 if path == "/nowhere" else 200)
    assert answer.getheader("Content-Type") == ASSETS.get(path, "text/html; charset=utf-8")
    assert int(answer.getheader("Content-Length") or 0) == len(body) > 0


def test_head_has_the_headers_of_get_and_no_body(served: Server) -> None:
    (got, _), (head, body) = ask(served, "GET", SERVICE), ask(served, "HEAD", SERVICE)
    without = [{name: value for name, value in one.getheaders() if name != "Date"} for one in (got, head)]
    assert without[0] == without[1]
    assert body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X"])
def test_every_other_method_is_refused(served: Server, method: str) -> None:
    answer, body = ask(served, method, SERVICE)
    assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD")
    hardened(answer)
    assert b"can only be looked at" in body


def test_what_the_browser_has_is_not_sent_again(served: Server) -> None:
    first, _ = ask(served, "GET", SERVICE)
    answer, body = ask(served, "GET", SERVICE, {"If-None-Match": first.getheader("ETag") or ""})
    assert (answer.status, body) == (304, b"")
    hardened(answer)


@pytest.mark.parametrize(
    "request_line",
    [
        b"<nonsense>\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/<9>\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /" + b"<" * 70_000,
    ],
)
def test_a_request_that_is_none_is_refused_with_the_same_headers(served: Server, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.server_port), timeout=SECONDS) as connection:
        connection.sendall(request_line)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            said = stream.readline()
            rest = b"".join(stream)
    assert said.split()[1].startswith((b"4", b"5")), said
    assert b"Content-Security-Policy: default-src 'none'" in rest
    assert b"<" not in rest.partition(b"\r\n\r\n")[2]


def test_a_page_that_cannot_be_made_is_told_without_its_inside() -> None:
    def answering(target: str, known: str) -> Answer:
        raise RuntimeError(f"password of {target}{known}")

    made = serve("127.0.0.1", 0, answering)
    try:
        answer, body = ask(made, "GET", "/")
    finally:
        made.shutdown()
        made.server_close()
    assert answer.status == 500
    assert b"password" not in body
    hardened(answer)


def test_connections_are_bounded_and_come_back(served: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_server.Handler, "timeout", SECONDS)
    place = ("127.0.0.1", served.server_port)
    held = [socket.create_connection(place, timeout=SECONDS) for _ in range(page_server.MOST_CONNECTIONS)]
    try:
        with socket.create_connection(place, timeout=SECONDS) as late:
            assert late.recv(1) == b"", "one more is closed without an answer"
    finally:
        for connection in held:
            connection.close()
    deadline = time.monotonic() + SECONDS
    while (status := _status(served)) != 200:
        assert time.monotonic() < deadline, f"no connection is accepted any more: {status}"
        time.sleep(0.05)


def _status(served: Server) -> int | OSError:
    try:
        return ask(served, "GET", "/")[0].status
    except OSError as error:
        return error
