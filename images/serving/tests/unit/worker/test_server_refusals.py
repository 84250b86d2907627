"""What the worker's HTTP server does not take."""

import socket
import threading
import time
from pathlib import Path

import orjson
import pytest

from images.serving.tests.unit.worker.http_server import SECONDS, TEXT, post, read, running, until_closed
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest, Respond


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


def test_every_body_of_a_connection_has_the_whole_time(tmp_path: Path) -> None:
    head, seconds = b"POST /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", 0.2

    def begin(connection: socket.socket) -> float:
        begun = time.monotonic()
        connection.sendall(head)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        return begun

    with running(tmp_path, body_seconds=seconds) as server, server.connect() as connection:
        first = begun = begin(connection)
        while begun < first + seconds / 2:
            connection.sendall(b"abcde")
            assert read(connection)[2] == b"POST /x abcde"
            begun = begin(connection)
        assert until_closed(connection).startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - begun >= seconds


def test_a_time_out_does_not_hit_a_body_that_arrived_while_the_worker_computed(tmp_path: Path) -> None:
    go, computing = threading.Event(), threading.Event()

    def compute(request: HttpRequest, respond: Respond) -> None:
        if request.body == b"first":
            computing.set()
            assert go.wait(SECONDS)
        respond(HttpReply(200, TEXT, bytes(request.body)))

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
