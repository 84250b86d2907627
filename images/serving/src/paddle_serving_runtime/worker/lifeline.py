"""Connections that outlive their worker: it hands each one to its supervisor, which answers where the worker cannot.

HAProxy closes a client's connection without a word where a worker dies with a request that was not the first on it.
"""

import logging
import socket
import struct

_LOG = logging.getLogger(__name__)
_MESSAGE = struct.Struct("=BH")
_OPENED, _CLOSED = 1, 0
_SEND_SECONDS = 1.0
_HEAD_BYTES = 16 * 1024
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

    @property
    def worker_descriptor(self) -> int:
        """The end for the worker process."""
        return self._workers_end.fileno()

    @property
    def held(self) -> frozenset[int]:
        """The slots of the connections that are open."""
        return frozenset(self._held)

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

    def unread(self, slot: int, size: int = _HEAD_BYTES) -> bytes:
        """The beginning of what the worker has not read, at most `size` bytes."""
        try:
            return self._held[slot].recv(size, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return b""

    def any_unread(self) -> bool:
        """Whether there is something on a connection that the worker has not read."""
        return any(self.unread(slot, 1) for slot in self._held)

    def answer(self, slot: int, response: bytes) -> bool:
        """Writes a response where the worker owed one; False where the connection has gone."""
        connection = self._held[slot]
        try:
            written = connection.send(response, socket.MSG_DONTWAIT) == len(response)
            # closed with something unread in it, a connection ends with an error
            while connection.recv(_DISCARD_BYTES, socket.MSG_DONTWAIT):
                pass
        except BlockingIOError:
            return True
        except OSError:
            return False
        return written

    def close(self) -> None:
        """Ends every connection."""
        for slot in tuple(self._held):
            self._forget(slot)
        self._socket.close()
        self._workers_end.close()

    def _forget(self, slot: int) -> None:
        connection = self._held.pop(slot, None)
        if connection is not None:
            connection.close()
