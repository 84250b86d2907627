"""The worker's HTTP server answers."""

import asyncio
import os
import threading
import time
from pathlib import Path

import orjson
import pytest

from images.serving.tests.unit.worker.http_server import SECONDS, TEXT, echo, post, read, running, until_closed
from paddle_serving_runtime.link.busy import Owed, busy_since, owed_answers
from paddle_serving_runtime.link.lifeline import Keeper, Lifeline
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest, Respond
from paddle_serving_runtime.worker.reading import Limits, Received, RequestReader


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


@pytest.mark.parametrize("size", [1, 16 * 1024, 100_000, 3_000_000])
def test_a_body_of_any_length_arrives_whole_and_so_does_what_follows_it(tmp_path: Path, size: int) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    requests = (post(body[:size]), post(b"", "/b"), post(body[:size], "/c", "Connection: close"))
    with running(tmp_path, body_bytes=size) as server, server.connect() as connection:
        sending = threading.Thread(target=connection.sendall, args=(b"".join(requests),))
        sending.start()
        stream = until_closed(connection)
        sending.join()
    answers = [part.partition(b"\r\n\r\n")[2] for part in stream.split(b"HTTP/1.1 200 OK\r\n")[1:]]
    assert answers == [b"POST /a/b " + body[:size], b"POST /b ", b"POST /c " + body[:size]]


def test_a_promised_length_takes_no_memory_before_its_bytes_come() -> None:
    received: list[Received] = []
    reader = RequestReader(Limits(body_bytes=2**30), received.append)
    reader.feed(b"POST / HTTP/1.1\r\nContent-Length: 6000000\r\n\r\nx")
    came = 1
    while reader.rest is not None:
        assert came + len(reader.rest) <= max(2**20, 2 * came)
        came += len(reader.rest)
        reader.filled(len(reader.rest))
    assert [len(each.request.body) for each in received if each.request] == [6_000_000]


def test_pipelined_requests_are_answered_in_their_order_one_at_a_time(tmp_path: Path) -> None:
    pending: list[tuple[bytes, Respond]] = []
    answered: list[int] = []

    def later(request: HttpRequest, respond: Respond) -> None:
        pending.append((bytes(request.body), respond))
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
        respond(HttpReply(200, TEXT, bytes(request.body)))

    with running(tmp_path, keep) as server, server.connect() as connection:
        for body in (b"1", b"2"):
            connection.sendall(post(body))
            assert read(connection)[2] == body


def test_trailers_are_sent_behind_a_chunked_body(tmp_path: Path) -> None:
    def grpc(request: HttpRequest, respond: Respond) -> None:
        respond(
            HttpReply(200, ((b"content-type", b"application/grpc"),), bytes(request.body), ((b"grpc-status", b"0"),))
        )

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


def test_the_mark_tells_since_when_an_answer_is_owed(tmp_path: Path) -> None:
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
        assert owed_answers(server.busy_file).count(Owed.ANSWER) == 2
        server.loop.call_soon_threadsafe(responds[0], HttpReply(200, TEXT, b""))
        read(one)
        # an answer may be read before the mark has changed
        deadline = time.monotonic() + SECONDS
        while busy_since(server.busy_file) == first:
            assert time.monotonic() < deadline
        second = busy_since(server.busy_file)
        assert second is not None
        assert second > first
        server.loop.call_soon_threadsafe(responds[1], HttpReply(200, TEXT, b""))
        read(two)
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
        server.stop()
        server.thread.join(SECONDS)
        assert keeper.receive()
        # nobody holds the socket that it listened on
        with pytest.raises(ConnectionRefusedError):
            server.connect()
    assert keeper.held == frozenset()
    keeper.close()
