"""What the clients of a dead worker get, connection by connection."""

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from paddle_serving_runtime.link.busy import BusyMark
from paddle_serving_runtime.link.lifeline import Keeper, Lifeline
from paddle_serving_runtime.supervisor.launch import WorkerProcess
from paddle_serving_runtime.supervisor.lost import LOST_RESPONSE, answer_lost
from paddle_serving_runtime.supervisor.watchdog import Watchdog

SECONDS = 60.0
REQUEST = b"POST /svc/prediction HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"


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

    def listen(self) -> Path:
        """The socket of a worker that accepts nothing any more."""
        path = self.folder / "worker.sock"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            listening.listen()
            listening.settimeout(0)
            self.lifeline.listening(listening.fileno())
        return path

    def client(self, slot: int) -> socket.socket:
        front, worker = socket.socketpair()
        front.settimeout(SECONDS)
        self.lifeline.opened(slot, worker.fileno())
        worker.close()
        return front

    def die(self) -> int:
        async def settle() -> int:
            given = answer_lost(self.worker)
            await self.keeper.close_when_read(0.01)
            return given

        return asyncio.run(settle())


@pytest.fixture
def dying(tmp_path: Path) -> Iterator[Dying]:
    keeper = Keeper()
    lifeline = Lifeline(os.dup(keeper.worker_descriptor))
    keeper.started()
    yield Dying(tmp_path, keeper, lifeline, BusyMark(tmp_path / "busy"))
    keeper.close()


def connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(SECONDS)
    client.connect(str(path))
    return client


def answer(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_request_in_flight_or_arriving_is_answered(dying: Dying) -> None:
    clients = [dying.client(0), dying.client(1)]
    dying.mark.begin(0, owed=True)
    dying.mark.receiving(1)
    clients[1].sendall(b"the rest of a body")
    assert dying.die() == 2
    assert [answer(client) for client in clients] == [LOST_RESPONSE] * 2


def test_an_answer_that_has_begun_is_never_mixed_with_another(dying: Dying) -> None:
    clients = [dying.client(0), dying.client(1)]
    dying.mark.begin(0, owed=True)
    dying.mark.answering(0)
    dying.mark.begin(1, owed=False)
    assert dying.die() == 0
    assert [answer(client) for client in clients] == [b"", b""]


def test_a_request_that_was_never_read_is_answered_too(dying: Dying) -> None:
    client = dying.client(3)
    client.sendall(REQUEST)
    assert dying.die() == 1
    assert answer(client) == LOST_RESPONSE


def test_a_request_behind_an_answer_whose_mark_is_late_is_answered(dying: Dying) -> None:
    client = dying.client(0)
    dying.mark.begin(0, owed=True)
    # the worker died between its answer and the end of the mark; the front has gone on
    client.sendall(REQUEST)
    assert dying.die() == 1
    assert answer(client) == LOST_RESPONSE


def test_a_connection_without_a_mark_is_answered_too_and_it_is_not_counted(dying: Dying) -> None:
    """A request may have been read and not yet marked; of an idle connection the front drops what comes."""
    idle, answered = dying.client(0), dying.client(1)
    dying.mark.begin(1, owed=True)
    dying.mark.end(1)
    ended = dying.client(2)
    dying.lifeline.closed(2)
    assert dying.die() == 0
    assert [answer(client) for client in (idle, answered, ended)] == [LOST_RESPONSE, LOST_RESPONSE, b""]


def test_the_connections_of_a_worker_that_never_started_are_answered(tmp_path: Path, dying: Dying) -> None:
    client = dying.client(0)
    (tmp_path / "busy").unlink()
    client.sendall(REQUEST)
    assert dying.die() == 1
    assert answer(client) == LOST_RESPONSE


def test_a_request_on_a_connection_that_was_never_accepted_is_answered(dying: Dying) -> None:
    path = dying.listen()
    clients = [connect(path), connect(path), connect(path)]
    clients[0].sendall(REQUEST)
    clients[1].close()
    assert dying.die() == 1
    assert answer(clients[0]) == LOST_RESPONSE
    assert answer(clients[2]) == LOST_RESPONSE
    with pytest.raises(ConnectionRefusedError):
        connect(path)


def test_a_worker_that_has_stopped_to_listen_is_not_connected_to(dying: Dying) -> None:
    path = dying.listen()
    dying.keeper.receive()
    connect(path).close()
    dying.lifeline.listening_ended()
    dying.keeper.receive()
    with pytest.raises(ConnectionRefusedError):
        connect(path)


def test_nothing_is_put_behind_an_answer_that_waits_to_be_read(dying: Dying) -> None:
    client = dying.client(0)
    dying.mark.begin(0, owed=True)
    dying.mark.unsent(0)
    assert dying.die() == 0
    assert answer(client) == b""


def test_who_still_sends_a_body_gets_the_answer_all_the_same(dying: Dying) -> None:
    client, silent = dying.client(0), dying.client(1)

    async def settle() -> float:
        dying.mark.receiving(0)
        client.sendall(REQUEST)
        assert answer_lost(dying.worker) == 1
        closing = asyncio.create_task(dying.keeper.close_when_read(1.0))
        await asyncio.to_thread(client.sendall, bytes(8 * 1024 * 1024))
        assert await asyncio.to_thread(answer, client) == LOST_RESPONSE
        client.close()
        assert not closing.done()
        started = time.monotonic()
        await closing
        return time.monotonic() - started

    # one that neither reads nor closes is not waited for
    assert asyncio.run(settle()) < SECONDS
    assert answer(silent) == LOST_RESPONSE


def test_the_watchdog_sees_a_long_request_and_one_that_is_left_unread(dying: Dying) -> None:
    watchdog = Watchdog(dying.worker)
    client = dying.client(0)
    dying.keeper.receive()
    assert watchdog.busy_seconds() == 0
    dying.mark.begin(0, owed=True)
    started = time.monotonic()
    while watchdog.busy_seconds() < 0.02:
        assert time.monotonic() < started + SECONDS
    dying.mark.end(0)
    assert watchdog.busy_seconds() == 0
    client.sendall(REQUEST)
    assert watchdog.busy_seconds() < 5
    while watchdog.busy_seconds() < 0.02:
        assert time.monotonic() < started + SECONDS
    # it has begun others meanwhile: it is not stuck
    dying.mark.begin(1, owed=True)
    dying.mark.end(1)
    assert watchdog.busy_seconds() < 0.02


def test_the_watchdog_sees_a_connection_that_is_not_accepted(dying: Dying) -> None:
    watchdog = Watchdog(dying.worker)
    path = dying.listen()
    dying.keeper.receive()
    assert watchdog.busy_seconds() == 0
    with connect(path):
        started = time.monotonic()
        while watchdog.busy_seconds() < 0.02:
            assert time.monotonic() < started + SECONDS
