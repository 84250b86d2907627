"""What the clients of a dead worker get, connection by connection."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from paddle_serving_runtime.supervisor.launch import WorkerProcess
from paddle_serving_runtime.supervisor.lost import answer_lost
from paddle_serving_runtime.supervisor.watchdog import Watchdog
from paddle_serving_runtime.worker.busy import BusyMark, Owed
from paddle_serving_runtime.worker.lifeline import Keeper, Lifeline

REQUEST = b"POST /svc/prediction HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
GRPC = b"POST /a.B/c HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\n\r\n"


@dataclass
class Dying:
    """A worker's side without a worker: `client(slot)` is the front's end of a connection."""

    folder: Path
    keeper: Keeper
    lifeline: Lifeline
    mark: BusyMark

    @property
    def worker(self) -> WorkerProcess:
        return cast("WorkerProcess", SimpleNamespace(keeper=self.keeper, busy_file=self.folder / "busy"))

    def client(self, slot: int) -> socket.socket:
        front, worker = socket.socketpair()
        front.settimeout(5)
        self.lifeline.opened(slot, worker.fileno())
        worker.close()
        return front

    def die(self) -> int:
        async def settle() -> int:
            return answer_lost(self.worker)

        return asyncio.run(settle())


@pytest.fixture
def dying(tmp_path: Path) -> Iterator[Dying]:
    keeper = Keeper()
    lifeline = Lifeline(os.dup(keeper.worker_descriptor))
    keeper.started()
    yield Dying(tmp_path, keeper, lifeline, BusyMark(tmp_path / "busy"))
    keeper.close()


def answer(client: socket.socket) -> tuple[bytes, Any]:
    stream = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = stream.partition(b"\r\n\r\n")
    return head, orjson.loads(body) if body else None


@pytest.mark.parametrize("state", ["begin", "receiving"])
def test_a_request_in_flight_or_arriving_gets_a_503_of_its_protocol(dying: Dying, state: str) -> None:
    clients = {owed: dying.client(slot) for slot, owed in enumerate(Owed) if owed is not Owed.NOTHING}
    for slot, owed in enumerate(Owed):
        if owed in clients:
            getattr(dying.mark, state)(slot, owed)
    assert dying.die() == 3
    head, body = answer(clients[Owed.PIPELINE])
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"connection: close" in head
    assert (body["err_no"], body["err_msg"]) == (3001, "the worker of this request was lost; retry")
    head, body = answer(clients[Owed.OPEN_INFERENCE])
    assert head.startswith(b"HTTP/1.1 503 ")
    assert body == {"error": "the worker of this request was lost; retry"}
    head, body = answer(clients[Owed.GRPC])
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"content-type: application/grpc" in head
    assert b"grpc-status: 14" in head
    assert body is None


def test_an_answer_that_has_begun_is_never_mixed_with_another(dying: Dying) -> None:
    client = dying.client(0)
    dying.mark.begin(0, Owed.PIPELINE)
    dying.mark.answering(0)
    assert dying.die() == 0
    assert answer(client) == (b"", None)


@pytest.mark.parametrize(("sent", "first"), [(REQUEST, b"HTTP/1.1 503 "), (GRPC, b"HTTP/1.1 200 ")])
def test_a_request_that_was_never_read_gets_its_503_too(dying: Dying, sent: bytes, first: bytes) -> None:
    client = dying.client(3)
    client.sendall(sent)
    assert dying.die() == 1
    assert answer(client)[0].startswith(first)


def test_a_mark_that_is_late_does_not_give_its_form_to_the_next_request(dying: Dying) -> None:
    client = dying.client(0)
    dying.mark.begin(0, Owed.GRPC)
    # the worker died between its answer and the end of the mark; the front has gone on
    client.sendall(REQUEST)
    assert dying.die() == 1
    head, body = answer(client)
    assert head.startswith(b"HTTP/1.1 503 ")
    assert body["err_no"] == 3001


def test_the_rest_of_a_body_is_not_taken_for_a_request(dying: Dying) -> None:
    client = dying.client(0)
    dying.mark.receiving(0, Owed.GRPC)
    client.sendall(b"the rest of a body")
    assert dying.die() == 1
    assert b"grpc-status: 14" in answer(client)[0]


def test_a_connection_without_a_mark_gets_one_too_and_it_is_not_counted(dying: Dying) -> None:
    """A request may have been read and not yet marked; of an idle connection the front drops what comes."""
    idle, answered = dying.client(0), dying.client(1)
    dying.mark.begin(1, Owed.GRPC)
    dying.mark.end(1)
    ended = dying.client(2)
    dying.lifeline.closed(2)
    assert dying.die() == 0
    assert [answer(client)[0][:13] for client in (idle, answered, ended)] == [b"HTTP/1.1 503 ", b"HTTP/1.1 503 ", b""]


def test_nothing_is_put_behind_an_answer_that_waits_to_be_read(dying: Dying) -> None:
    client = dying.client(0)
    dying.mark.begin(0, Owed.PIPELINE)
    dying.mark.unsent(0)
    assert dying.die() == 0
    assert answer(client) == (b"", None)


def test_the_watchdog_sees_a_long_request_and_one_that_is_left_unread(dying: Dying) -> None:
    watchdog = Watchdog(dying.worker)
    client = dying.client(0)
    dying.keeper.receive()
    assert watchdog.busy_seconds() == 0
    dying.mark.begin(0, Owed.PIPELINE)
    started = time.monotonic()
    while watchdog.busy_seconds() < 0.02:
        assert time.monotonic() < started + 5
    dying.mark.end(0)
    assert watchdog.busy_seconds() == 0
    client.sendall(REQUEST)
    assert watchdog.busy_seconds() < 5
    while watchdog.busy_seconds() < 0.02:
        assert time.monotonic() < started + 10
    # it has begun others meanwhile: it is not stuck
    dying.mark.begin(1, Owed.PIPELINE)
    dying.mark.end(1)
    assert watchdog.busy_seconds() < 0.02
