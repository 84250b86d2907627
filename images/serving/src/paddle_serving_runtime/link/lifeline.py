"""Connections that outlive their worker: it hands each one to its supervisor, which answers where the worker cannot.

HAProxy closes a client's connection without a word where a worker dies with a request that was not the first on it.
The socket that the worker listens on is handed over, too: connections may wait there that it has not accepted.
"""

import asyncio
import logging
import select
import socket
import struct
from contextlib import suppress

_LOG = logging.getLogger(__name__)
_MESSAGE = struct.Struct("=BH")
_OPENED, _CLOSED = 1, 0
_LISTENER = 0xFFFF
"""In the place of a slot."""

_SEND_SECONDS = 1.0
_DISCARD_BYTES = 1024 * 1024


class Lifeline:
    """The worker's end: tells of every connection, by its slot."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._socket.settimeout(_SEND_SECONDS)

    def opened(self, slot: int, descriptor: int) -> None:
        """Hands over a connection that requests come on."""
        self._send(_MESSAGE.pack(_OPENED, slot), [descriptor])

    def closed(self, slot: int) -> None:
        """Takes it back: it ends only when nobody holds it any more."""
        self._send(_MESSAGE.pack(_CLOSED, slot), [])

    def listening(self, descriptor: int) -> None:
        """Hands over the socket that connections come from."""
        self._send(_MESSAGE.pack(_OPENED, _LISTENER), [descriptor])

    def listening_ended(self) -> None:
        """Takes it back: else the front could go on to connect to it."""
        self._send(_MESSAGE.pack(_CLOSED, _LISTENER), [])

    def _send(self, message: bytes, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._socket, [message], descriptors)
        except OSError as error:
            _LOG.warning("the supervisor does not take a connection: %s", error)


class Keeper:
    """The supervisor's end. Of a worker that has ended it still has every connection."""

    def __init__(self) -> None:
        self._socket, self._workers_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(0)
        self._held: dict[int, socket.socket] = {}
        self._accepted: list[socket.socket] = []

    @property
    def worker_descriptor(self) -> int:
        """The end for the worker process."""
        return self._workers_end.fileno()

    @property
    def held(self) -> frozenset[int]:
        """The slots of the connections that are open."""
        return frozenset(self._held.keys() - {_LISTENER})

    def started(self) -> None:
        """The worker process has its end."""
        self._workers_end.close()

    def fileno(self) -> int:
        """For the event loop: readable where `receive` has something to do."""
        return self._socket.fileno()

    def receive(self) -> bool:
        """Takes what the worker has sent; False where it has ended."""
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE.size, 1)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if len(message) != _MESSAGE.size:
                return False
            kind, slot = _MESSAGE.unpack(message)
            self._forget(slot)
            if kind == _OPENED and descriptors:
                self._held[slot] = socket.socket(fileno=descriptors[0])

    def has_unread(self, slot: int) -> bool:
        """Whether there is something on a connection that the worker has not read."""
        return _has_unread(self._held[slot])

    def any_unread(self) -> bool:
        """The same for any connection, and whether there is one that the worker has not accepted."""
        return self._has_waiting() or any(self.has_unread(slot) for slot in self.held)

    def answer(self, slot: int, response: bytes) -> bool:
        """Writes a response where the worker owed one; False where the connection has gone."""
        return _answer(self._held[slot], response)

    def answer_waiting(self, response: bytes) -> int:
        """The same on connections that the worker has not accepted; the last ones. Returns how many had a request."""
        given = 0
        while self._has_waiting():
            try:
                connection, _ = self._held[_LISTENER].accept()
            except OSError as error:
                _LOG.warning("a connection of a worker that has ended cannot be answered: %s", error)
                break
            self._accepted.append(connection)
            # answered also where its request is only on its way
            asked = _has_unread(connection)
            given += _answer(connection, response) and asked
        self._forget(_LISTENER)
        return given

    async def close_when_read(self, linger_seconds: float) -> None:
        """Ends every connection when the front has, or after that time.

        Closed before the front has sent all of a long body, a connection ends with an error, and the answer is lost.
        """
        connections = [*self._accepted, *(self._held[slot] for slot in self.held)]
        reading = [asyncio.ensure_future(_discard(each)) for each in connections]
        try:
            if reading:
                await asyncio.wait(reading, timeout=linger_seconds)
        finally:
            for each in reading:
                each.cancel()
            await asyncio.gather(*reading, return_exceptions=True)
            self.close()

    def _has_waiting(self) -> bool:
        if _LISTENER not in self._held:
            return False
        poll = select.poll()
        poll.register(self._held[_LISTENER], select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Ends every connection."""
        for slot in tuple(self._held):
            self._forget(slot)
        while self._accepted:
            self._accepted.pop().close()
        self._socket.close()
        self._workers_end.close()

    def _forget(self, slot: int) -> None:
        connection = self._held.pop(slot, None)
        if connection is not None:
            connection.close()


def _has_unread(connection: socket.socket) -> bool:
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


def _answer(connection: socket.socket, response: bytes) -> bool:
    try:
        return connection.send(response, socket.MSG_DONTWAIT) == len(response)
    except OSError:
        return False


async def _discard(connection: socket.socket) -> None:
    connection.settimeout(0)
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while await asyncio.get_running_loop().sock_recv(connection, _DISCARD_BYTES):
            pass
