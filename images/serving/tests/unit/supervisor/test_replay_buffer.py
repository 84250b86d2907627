"""GET /requests of the admin port, and what the buffer behind it takes from workers."""

import asyncio
import json
import socket
import struct
from collections.abc import MutableMapping
from types import SimpleNamespace
from typing import Any

import pytest

from paddle_serving_runtime.link.sample import send_sample
from paddle_serving_runtime.protocol.exchange import Exchange
from paddle_serving_runtime.supervisor.admin import AdminApp
from paddle_serving_runtime.supervisor.replay_buffer import ReplayBuffer

SECONDS = 60.0
Message = MutableMapping[str, Any]


def exchange(number: int) -> Exchange:
    return Exchange("/svc/p", {}, str(number).encode(), {}, b"answer")


async def filled(buffer: ReplayBuffer, *drawn: float) -> None:
    """Two workers, one after the other, offer requests with these numbers."""
    async with asyncio.timeout(SECONDS):
        for first in (0, 1):
            here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            buffer.listen(here)
            for index in range(first, len(drawn), 2):
                send_sample(there, drawn[index], exchange(index))
            there.close()
            while here.fileno() >= 0:  # noqa: ASYNC110 - it is closed by the loop
                await asyncio.sleep(0.01)


def no_status() -> Any:  # noqa: ANN401 - nothing of it is asked
    return SimpleNamespace()


async def get(app: AdminApp, query: str = "", method: str = "GET", path: str = "/requests") -> tuple[int, bytes]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    await app({"type": "http", "method": method, "path": path, "query_string": query.encode()}, receive, send)
    return sent[0]["status"], b"".join(message["body"] for message in sent[1:])


def asked(*drawn: float, query: str = "", most: int = 10, method: str = "GET") -> tuple[int, bytes]:
    async def run() -> tuple[int, bytes]:
        buffer = ReplayBuffer(most, "pod-1")
        await filled(buffer, *drawn)
        return await get(AdminApp(no_status(), buffer), query, method)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("query", "bodies"), [("", [b"1", b"2", b"0"]), ("limit=2", [b"1", b"2"]), ("limit=99", [b"1", b"2", b"0"])]
)
def test_the_sample_of_all_workers_comes_as_lines_behind_one_that_says_whose_it_is(
    query: str, bodies: list[bytes]
) -> None:
    status, body = asked(0.5, 0.1, 0.3, 0.9, query=query, most=3)
    head, *lines = body.splitlines()
    assert status == 200
    assert json.loads(head) == {"pod": "pod-1", "requests": len(bodies)}
    assert [Exchange.from_line(line).body for line in lines] == bodies


@pytest.mark.parametrize("query", ["limit=", "limit=0", "limit=-1", "limit=x", "limit=1&limit=2", "other=1", "limit"])
def test_a_query_that_means_nothing_is_refused_with_a_sentence(query: str) -> None:
    status, body = asked(0.5, query=query)
    assert (status, "limit=<number" in json.loads(body)["error"]) == (400, True)


def test_without_a_buffer_there_is_a_sentence() -> None:
    status, body = asyncio.run(get(AdminApp(no_status(), None)))
    assert (status, "--replay-buffer" in json.loads(body)["error"]) == (404, True)


def test_head_has_no_body() -> None:
    assert asked(0.5, method="HEAD") == (200, b"")


def test_a_second_reader_waits_until_the_first_has_read() -> None:
    async def run() -> list[int]:
        buffer = ReplayBuffer(3, "pod-1")
        await filled(buffer, 0.5)
        app, held, go_on = AdminApp(no_status(), buffer), asyncio.Event(), asyncio.Event()

        async def slow(message: Message) -> None:
            if message.get("more_body"):
                held.set()
                await go_on.wait()

        async def receive() -> Message:
            return {"type": "http.request"}

        scope = {"type": "http", "method": "GET", "path": "/requests", "query_string": b""}
        reading = asyncio.create_task(app(scope, receive, slow))
        await asyncio.wait_for(held.wait(), SECONDS)
        statuses = [(await get(app))[0]]
        go_on.set()
        await reading
        return [*statuses, (await get(app))[0]]

    assert asyncio.run(run()) == [503, 200]


def test_a_message_without_a_request_is_passed() -> None:
    async def run() -> int:
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        buffer = ReplayBuffer(3, "pod-1")
        buffer.listen(here)
        there.send(struct.pack("=d", 0.5))
        send_sample(there, 0.25, exchange(7))
        there.close()
        async with asyncio.timeout(SECONDS):
            while here.fileno() >= 0:  # noqa: ASYNC110 - it is closed by the loop
                await asyncio.sleep(0.01)
        return buffer.requests

    assert asyncio.run(run()) == 1
