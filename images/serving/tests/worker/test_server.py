"""The worker's HTTP server over a real unix socket, with handlers made for the test."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path

import orjson
import pytest
import uvloop

from paddle_serving_runtime.worker.busy import BusyMark, Owed, busy_since, owed_answers
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest, Respond
from paddle_serving_runtime.worker.lifeline import Keeper, Lifeline
from paddle_serving_runtime.worker.reading import Limits
from paddle_serving_runtime.worker.server import serve

SECONDS = 20.0
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


def test_a_request_is_answered_and_the_connection_kept(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.connect() as connection:
        for number in range(3):
            connection.sendall(post(b"body%d" % number, "/svc/a%20b?x=%41"))
            status, headers, body = read(connection)
            assert (status, body) == (200, b"POST /svc/a b body%d" % number)
            assert headers == {"content-type": "text/plain", "content-length": str(len(body))}


def test_a_body_in_pieces_and_in_chunks_arrives_whole(tmp_path: Path) -> None:
    chunked = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nX-T: 1\r\n\r\n"
    with running(tmp_path) as server, server.connect() as connection:
        for byte in chunked:
            connection.sendall(bytes([byte]))
        assert read(connection)[2] == b"POST /x abcde"


def test_pipelined_requests_are_answered_in_their_order_one_at_a_time(tmp_path: Path) -> None:
    pending: list[tuple[bytes, Respond]] = []
    answered: list[int] = []

    def later(request: HttpRequest, respond: Respond) -> None:
        pending.append((request.body, respond))
        assert len(pending) == 1
        asyncio.get_running_loop().call_later(0.001, finish)

    def finish() -> None:
        body, respond = pending.pop()
        answered.append(int(body))
        respond(HttpReply(200, TEXT, body))

    with running(tmp_path, later) as server, server.connect() as connection:
        connection.sendall(b"".join(post(b"%d" % number) for number in range(50)) + b"nonsense\r\n\r\n")
        stream = until_closed(connection)
    assert answered == list(range(50))
    bodies = [part.partition(b"\r\n\r\n")[2] for part in stream.split(b"HTTP/1.1 ")[1:]]
    assert bodies[:50] == [b"%d" % number for number in range(50)]
    assert orjson.loads(bodies[50])["err_msg"] == "not a valid HTTP request"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nxx", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nBad Name: 1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nA: b\nContent-Length: 3\r\n\r\n", 400),
        (b"CONNECT host:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 100001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n" + b"x" * 100001 + b"\r\n0\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\n" + b"A: b\r\n" * 129 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nA: " + b"x" * 70_000, 431),
        (b"POST /" + b"x" * 70_000, 431),
    ],
)
def test_what_is_no_proper_request_is_refused_and_the_connection_closed(
    tmp_path: Path, raw: bytes, status: int
) -> None:
    with running(tmp_path) as server, server.connect() as connection:
        connection.sendall(raw)
        stream = until_closed(connection)
        head, body = stream.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 %d " % status), stream
        assert b"connection: close" in head
        assert orjson.loads(body)["err_no"] != 0
        assert server.ask(post(b"next"))[0] == 200


def test_refusals_have_the_form_of_the_requests_protocol(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        grpc = server.ask(
            b"POST /a.B/c HTTP/1.1\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n186a1\r\n"
            + b"x" * 100_001
        )
        rest = server.ask(b"POST /v2/models/m/infer HTTP/1.1\r\nContent-Length: 100001\r\n\r\n")
    assert (grpc[0], grpc[1]["grpc-status"], grpc[1]["content-type"], grpc[2]) == (200, "8", "application/grpc", b"")
    assert grpc[1]["grpc-message"] == "the body is longer than 100000 bytes"
    assert (rest[0], orjson.loads(rest[2])) == (413, {"error": "the body is longer than 100000 bytes"})


def test_an_upgrade_is_answered_in_the_protocol_that_is_spoken(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.connect() as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI * HTTP/2.0\r\n\r\n")
        assert until_closed(connection).endswith(b"connection: close\r\ncontent-length: 7\r\n\r\nGET /x ")


def test_a_body_that_does_not_arrive_is_408(tmp_path: Path) -> None:
    with running(tmp_path, body_seconds=0.05) as server, server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab")
        assert until_closed(connection).startswith(b"HTTP/1.1 408 ")


def test_a_time_out_does_not_hit_a_body_that_arrived_while_the_worker_computed(tmp_path: Path) -> None:
    go, computing = threading.Event(), threading.Event()

    def compute(request: HttpRequest, respond: Respond) -> None:
        if request.body == b"first":
            computing.set()
            assert go.wait(SECONDS)
        respond(HttpReply(200, TEXT, request.body))

    with running(tmp_path, compute, body_seconds=0.05) as server, server.connect() as slow, server.connect() as other:
        slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n")
        other.sendall(post(b"first"))
        assert computing.wait(SECONDS)
        slow.sendall(b"late")
        # longer than the time-out, and while the event loop is blocked
        assert not go.wait(0.1)
        go.set()
        assert read(other)[2] == b"first"
        assert read(slow)[2] == b"late"


def test_a_handler_that_fails_is_500_without_a_trace_and_the_next_request_is_answered(tmp_path: Path) -> None:
    def fail(request: HttpRequest, respond: Respond) -> None:
        if request.body == b"fail":
            raise ValueError("/secret/path")
        if request.body == b"exit":
            raise SystemExit(3)
        respond(HttpReply(200, TEXT, b"fine"))

    with running(tmp_path, fail) as server, server.connect() as connection:
        for body, expected in ((b"fail", 500), (b"exit", 500), (b"", 200)):
            connection.sendall(post(body))
            status, _, answer = read(connection)
            assert status == expected
            assert b"secret" not in answer


def test_a_second_reply_never_reaches_another_request(tmp_path: Path) -> None:
    responds: list[Respond] = []

    def keep(request: HttpRequest, respond: Respond) -> None:
        responds.append(respond)
        if len(responds) > 1:
            with pytest.raises(RuntimeError, match="twice"):
                responds[0](HttpReply(200, TEXT, b"of the first"))
        respond(HttpReply(200, TEXT, request.body))

    with running(tmp_path, keep) as server, server.connect() as connection:
        for body in (b"1", b"2"):
            connection.sendall(post(body))
            assert read(connection)[2] == body


def test_trailers_are_sent_behind_a_chunked_body(tmp_path: Path) -> None:
    def grpc(request: HttpRequest, respond: Respond) -> None:
        respond(HttpReply(200, ((b"content-type", b"application/grpc"),), request.body, ((b"grpc-status", b"0"),)))

    with running(tmp_path, grpc) as server, server.connect() as connection:
        for body in (b"x" * 20, b""):
            connection.sendall(post(body, "/a", "Connection: close" if not body else "A: b"))
            if body:
                end = b"0\r\ngrpc-status: 0\r\n\r\n"
                stream = b""
                while not stream.endswith(end):
                    stream += connection.recv(4096)
                assert stream.endswith(b"transfer-encoding: chunked\r\n\r\n14\r\n" + body + b"\r\n" + end)
        assert until_closed(connection).endswith(b"chunked\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n")


def test_head_has_the_headers_of_get_and_no_body(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.connect() as connection:
        connection.sendall(b"HEAD /x HTTP/1.1\r\n\r\nGET /x HTTP/1.1\r\nConnection: close\r\n\r\n")
        stream = until_closed(connection)
    first, second = stream.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.endswith(b"content-length: 8\r\n\r\n")
    assert second.endswith(b"connection: close\r\ncontent-length: 7\r\n\r\nGET /x ")


def test_a_client_that_waits_for_100_is_told_to_go_on(tmp_path: Path) -> None:
    with running(tmp_path) as server, server.connect() as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert read(connection)[2] == b"POST / ab"


def test_a_large_answer_to_a_slow_reader_is_complete(tmp_path: Path) -> None:
    large = os.urandom(3_000_000)

    def answer(request: HttpRequest, respond: Respond) -> None:
        respond(HttpReply(200, TEXT, large if request.body == b"large" else b"small"))

    with running(tmp_path, answer) as server, server.connect() as connection:
        connection.sendall(post(b"large") + post(b"", "/a", "Connection: close"))
        stream = until_closed(connection)
    first, second = stream.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert first.partition(b"\r\n\r\n")[2] == large
    assert second.endswith(b"small")


def test_stopping_answers_what_is_in_flight(tmp_path: Path) -> None:
    responds: list[Respond] = []
    arrived = threading.Event()

    def keep(_request: HttpRequest, respond: Respond) -> None:
        responds.append(respond)
        arrived.set()

    with running(tmp_path, keep) as server, server.connect() as connection, server.connect() as idle:
        connection.sendall(post(b"x"))
        assert arrived.wait(SECONDS)
        server.stop()
        server.wait_closed()
        server.loop.call_soon_threadsafe(responds[0], HttpReply(200, TEXT, b"done"))
        stream = until_closed(connection)
        assert stream.endswith(b"connection: close\r\ncontent-length: 4\r\n\r\ndone")
        server.thread.join(SECONDS)
        assert not server.thread.is_alive()
        assert until_closed(idle) == b""


def test_the_mark_tells_since_when_and_in_which_form_an_answer_is_owed(tmp_path: Path) -> None:
    responds: list[Respond] = []
    arrived = threading.Semaphore(0)

    def keep(_request: HttpRequest, respond: Respond) -> None:
        responds.append(respond)
        arrived.release()

    with running(tmp_path, keep) as server, server.connect() as one, server.connect() as two:
        assert busy_since(server.busy_file) is None
        one.sendall(post(b"x"))
        assert arrived.acquire(timeout=SECONDS)
        first = busy_since(server.busy_file)
        two.sendall(post(b"", "/a.B/c", "Content-Type: application/grpc"))
        assert arrived.acquire(timeout=SECONDS)
        assert first is not None
        assert busy_since(server.busy_file) == first
        assert sorted(owed_answers(server.busy_file).values()) == [(Owed.PIPELINE, True), (Owed.GRPC, True)]
        server.loop.call_soon_threadsafe(responds[0], HttpReply(200, TEXT, b""))
        read(one)
        second = busy_since(server.busy_file)
        assert second is not None
        assert second > first
        server.loop.call_soon_threadsafe(responds[1], HttpReply(200, TEXT, b""))
        read(two)
        # the answer may be read before the mark is removed
        deadline = time.monotonic() + SECONDS
        while busy_since(server.busy_file) is not None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    assert busy_since(tmp_path / "no such file") is None


def test_a_connection_outlives_its_worker_and_is_given_back_when_it_ends(tmp_path: Path) -> None:
    keeper = Keeper()
    lifeline = Lifeline(os.dup(keeper.worker_descriptor))
    keeper.started()

    with running(tmp_path, echo, lifeline) as server:
        with server.connect() as connection:
            connection.sendall(post(b"x"))
            assert read(connection)[0] == 200
            assert keeper.receive()
            (slot,) = keeper.held
            assert keeper.answer(slot, b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
            assert read(connection)[0] == 503
        assert server.ask(post(b"y"))[0] == 200
    assert keeper.receive()
    assert keeper.held == frozenset()
    keeper.close()
