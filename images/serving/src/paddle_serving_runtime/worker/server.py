"""The HTTP/1.1 server of a worker: complete requests from a unix socket to a handler, its replies back.

The peer is the front, which waits for slow clients and refuses most of what is wrong; the limits here are the last
ones. No task and no thread per request: a handler that computes does so inside the event loop.
"""

import asyncio
import logging
from socket import socket

from paddle_serving_runtime.link.busy import SLOTS, BusyMark
from paddle_serving_runtime.link.lifeline import Lifeline
from paddle_serving_runtime.worker.connection import BUFFER_BYTES, HEAD_BYTES, Connection
from paddle_serving_runtime.worker.http import Handler
from paddle_serving_runtime.worker.reading import Limits

_LOG = logging.getLogger(__name__)


class HttpServer:
    """The connections of one worker. `lifeline` is None where nobody answers for it after its death."""

    def __init__(self, handler: Handler, mark: BusyMark, limits: Limits, lifeline: Lifeline | None) -> None:
        self.handler = handler
        self.mark = mark
        self.limits = limits
        # one for all connections: what is read into it is understood before the next one reads
        self.buffer = memoryview(bytearray(BUFFER_BYTES))
        self.head = self.buffer[:HEAD_BYTES]
        self.stopping = False
        self._lifeline = lifeline
        self._connections: dict[int, Connection] = {}
        self._free = list(range(SLOTS))[::-1]
        self._all_idle = asyncio.Event()

    def opened(self, connection: Connection, descriptor: int) -> int | None:
        """The slot for a connection; None where there are too many."""
        if not self._free:
            _LOG.error("more than %d connections", SLOTS)
            return None
        slot = self._free.pop()
        self._connections[slot] = connection
        if self._lifeline is not None:
            self._lifeline.opened(slot, descriptor)
        return slot

    def lost(self, connection: Connection, slot: int) -> None:
        """A connection has ended."""
        if self._connections.get(slot) is not connection:
            return
        del self._connections[slot]
        self._free.append(slot)
        if self._lifeline is not None:
            self._lifeline.closed(slot)
        self.idle()

    def idle(self) -> None:
        """Something has finished: perhaps that was the last."""
        if self.stopping and not any(connection.in_flight for connection in self._connections.values()):
            self._all_idle.set()

    async def run(self, listening: socket, stop: asyncio.Event) -> None:
        """Serves until `stop` is set and every request in flight has its answer."""
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(lambda: Connection(self), sock=listening)
        if self._lifeline is not None:
            self._lifeline.listening(listening.fileno())
        await stop.wait()
        self.stopping = True
        if self._lifeline is not None:
            self._lifeline.listening_ended()
        server.close()
        self.idle()
        await self._all_idle.wait()
        for connection in tuple(self._connections.values()):
            connection.close()


async def serve(
    handler: Handler,
    listening: socket,
    mark: BusyMark,
    limits: Limits,
    *,
    stop: asyncio.Event,
    lifeline: Lifeline | None = None,
) -> None:
    """Answers requests by `handler` until `stop` is set; what is in flight then is still answered."""
    await HttpServer(handler, mark, limits, lifeline).run(listening, stop)
