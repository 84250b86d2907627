"""Clients that are slow, idle, or gone: they cost the others nothing."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from images.serving.tests.process.hostile.conftest import GOOD, assert_tells_nothing, first_reply, received
from images.serving.tests.services import PRICE

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

HEAD = b"POST /svc/prediction HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n" % len(GOOD)
PATIENCE = 10
"""Seconds that a request may take to arrive; one that is late is told so, or its connection closed."""
TOO_LATE = "the request took too long to arrive"


def drip(connection: socket.socket, data: bytes) -> bytes:
    """Sends a byte every now and then, until the peer has had enough; what it said."""
    started, said = time.monotonic(), b""
    connection.settimeout(0.5)
    for position in range(len(data)):
        assert time.monotonic() < started + 60, "a slow client is tolerated for ever"
        try:
            connection.sendall(data[position : position + 1])
            chunk = connection.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return said
        if not chunk:
            return said
        said += chunk
    raise AssertionError("everything was sent and nobody minded")


def test_slow_clients_are_cut_off_and_slow_down_nobody(target: "Target") -> None:
    endless_headers = HEAD + b"".join(b"X-%d: a\r\n" % number for number in range(1000))
    slow_body = HEAD + b"\r\n" + GOOD
    slow_chunks = b"POST /svc/p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100
    with ExitStack() as stack, ThreadPoolExecutor(40) as pool:
        connections = [stack.enter_context(target.connect()) for _ in range(40)]
        quick = {0: HEAD + b"X: ", 1: HEAD + b"\r\n", 2: b""}
        for number, connection in enumerate(connections):
            connection.sendall(quick.get(number % 4, b""))
        said = [
            pool.submit(drip, connection, (endless_headers, slow_body, slow_chunks, b"\r\n" * 1000)[number % 4])
            for number, connection in enumerate(connections)
        ]
        while not all(future.done() for future in said):
            reply = target.post(GOOD)
            assert (reply.status, reply.json()["value"]) == (200, [PRICE])
        for future in said:
            reply = first_reply(future.result())
            assert reply.status in (0, 400, 408)
            assert_tells_nothing(reply.body)


def test_a_body_that_does_not_arrive_is_refused_in_the_form_of_its_protocol(target: "Target") -> None:
    pipeline = {"err_no": 6000, "err_msg": TOO_LATE, "key": [], "value": [], "tensors": []}
    # an asterisk is no path
    forms = {b"/v2/models/price/infer": {"error": TOO_LATE}, b"/svc/prediction": pipeline, b"*": pipeline}
    with ExitStack() as stack:
        connections = [stack.enter_context(target.connect()) for _ in forms]
        for path, connection in zip(forms, connections, strict=True):
            connection.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n" % path)
        replies = [first_reply(received(connection)) for connection in connections]
    assert [(reply.status, reply.json()) for reply in replies] == [(408, form) for form in forms.values()]
    assert all(reply.headers["x-request-id"] for reply in replies)


def test_an_open_connection_that_says_nothing_is_closed(target: "Target") -> None:
    with ExitStack() as stack:
        connections = [stack.enter_context(target.connect()) for _ in range(300)]
        assert target.post(GOOD).status == 200
        for connection in connections:
            assert first_reply(received(connection)).status in (0, 408)


def test_half_closed_and_unread_connections_are_served_or_closed(target: "Target") -> None:
    whole = HEAD + b"\r\n" + GOOD
    with ExitStack() as stack:
        # requests whose answers nobody reads
        for _ in range(50):
            stack.enter_context(target.connect()).sendall(whole * 20)
        assert target.post(GOOD).status == 200
    for cut in (10, len(HEAD), len(whole) - 1):
        reply = target.send(whole[:cut], end=True)
        assert reply.status in (0, 400, 408)


def test_a_client_that_leaves_early_does_no_harm(target: "Target") -> None:
    whole = HEAD + b"\r\n" + GOOD
    for cut in (1, 20, len(whole) - len(GOOD), len(whole) - 1, len(whole)):
        for _ in range(20):
            with target.connect() as connection:
                connection.sendall(whole[:cut])
                # a reset in place of an orderly end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
