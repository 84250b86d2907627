"""One connection of a worker's HTTP server: requests in, replies out in the same order, one in flight at a time."""

import asyncio
import logging
import os
from collections import deque
from http import HTTPStatus
from typing import Protocol

from typing_extensions import override

from paddle_serving_runtime.link.busy import BusyMark
from paddle_serving_runtime.worker import wire
from paddle_serving_runtime.worker.http import Handler, HttpReply
from paddle_serving_runtime.worker.reading import Limits, Received, RequestReader
from paddle_serving_runtime.worker.refusal import form_of, refusal

_LOG = logging.getLogger(__name__)
_AT_ONCE_BYTES = 32 * 1024
"""The kernel takes a write up to this size into a unix socket completely or not at all."""

BUFFER_BYTES = 256 * 1024
HEAD_BYTES = 16 * 1024
"""Of the buffer, for what comes while no request is under way."""

_GRACE_SECONDS = 0.05
"""A body may have arrived while the event loop was busy computing: it is looked for once more."""


class Hub(Protocol):
    """What a connection belongs to."""

    handler: Handler
    mark: BusyMark
    limits: Limits
    buffer: memoryview
    head: memoryview
    stopping: bool

    def opened(self, connection: "Connection", descriptor: int) -> int | None:
        """The connection's slot when its first bytes have come; None where there are too many connections."""

    def lost(self, connection: "Connection", slot: int) -> None:
        """The connection has ended."""

    def idle(self) -> None:
        """A reply is sent."""


class Connection(asyncio.BufferedProtocol):
    """The protocol of one accepted socket."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._mark = hub.mark
        self._reader = RequestReader(hub.limits, self._received)
        self._transport: asyncio.Transport | None = None
        self._descriptor = -1
        self._slot = -1
        self._waiting: deque[Received] = deque()
        self._current: Received | None = None
        self._buffered = False
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._reads = 0

    @property
    def in_flight(self) -> bool:
        """Whether a request waits for its reply, or a reply for being read."""
        if self._transport is None:
            return False
        return self._current is not None or bool(self._waiting) or self._unsent

    @property
    def _unsent(self) -> bool:
        if self._buffered:
            self._buffered = self._transport is not None and bool(self._transport.get_write_buffer_size())
        return self._buffered

    def close(self) -> None:
        """Ends the connection when everything that was written is read."""
        if self._transport is not None:
            self._transport.close()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # a stream server makes no other
        self._descriptor = transport.get_extra_info("socket").fileno()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        self._waiting.clear()
        if self._slot >= 0 and self._current is not None:
            # nobody waits for the answer any more, but an engine works on it, perhaps for ever: still busy
            self._mark.answering(self._slot)
        elif self._slot >= 0:
            self._release()

    def _release(self) -> None:
        self._mark.end(self._slot)
        self._hub.lost(self, self._slot)

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: the rest of a body to its place, everything else through a buffer of all."""
        reader = self._reader
        if reader.rest is not None:
            return reader.rest
        # what comes with a head has to be copied
        return self._hub.buffer if reader.incomplete else self._hub.head

    @override
    def buffer_updated(self, nbytes: int) -> None:
        reader = self._reader
        if reader.deaf:
            return
        if reader.rest is not None:
            reader.filled(nbytes)
        else:
            self._feed(self._hub.buffer[:nbytes])
        if reader.incomplete:
            self._await_rest()

    def _feed(self, data: memoryview) -> None:
        if self._slot < 0 and not self._open():
            return
        if self._current is None and not self._reader.incomplete and not self._unsent:
            # what is read from here on can be lost with this process, so it is owed before it is understood
            self._mark.receiving(self._slot)
        self._reader.feed(data)

    def _open(self) -> bool:
        """On the first bytes: the front's health checks connect every second and say nothing."""
        slot = self._hub.opened(self, self._descriptor)
        if slot is None:
            self._abort()
            return False
        self._slot = slot
        return True

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # the time-out of a request that comes in several parts

    def _await_rest(self) -> None:
        self._reads += 1
        if self._due is not None:
            return
        loop, seconds = asyncio.get_running_loop(), self._hub.limits.body_seconds
        self._due = loop.time() + seconds
        # one timer for all requests of these seconds: most are complete before the loop has set up one
        if self._timer is None:
            self._timer = loop.call_later(seconds, self._look)
        if self._reader.expects_continue and self._current is None and self._transport is not None:
            self._buffered = True
            self._transport.write(wire.CONTINUE)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        if self._due is None:
            self._timer = None
        elif loop.time() < self._due:
            self._timer = loop.call_at(self._due, self._look)
        else:
            self._late(self._due)

    def _late(self, due: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._too_late, due, self._reads)

    def _too_late(self, due: float, reads: int) -> None:
        if self._due != due:
            self._look()
        elif self._reads != reads:
            self._late(due)
        else:
            self._due = self._timer = None
            self._reader.refuse(HTTPStatus.REQUEST_TIMEOUT, "the request took too long to arrive")

    # one request after the other

    def _received(self, received: Received) -> None:
        self._due = None
        if self._current is not None:
            self._waiting.append(received)
            if self._transport is not None:
                self._transport.pause_reading()
            return
        self._answer(received)

    def _answer(self, received: Received) -> None:
        self._current = received
        request = received.request
        if request is None:
            assert received.refused is not None  # noqa: S101 - it is one or the other
            self._reply(received.refused)
            return
        # while an earlier reply is still on its way no other response can be put behind it
        self._mark.begin(self._slot, owed=not self._unsent)
        exchange = _Exchange(self)
        try:
            self._hub.handler(request, exchange.respond)
        except (Exception, SystemExit):  # noqa: BLE001 - more requests wait, whatever an Op does
            _LOG.exception("request failed", extra={"fields": {"path": request.path}})
            if not exchange.answered:
                form = form_of(request.path, request.headers.get(b"content-type", b""))
                exchange.respond(refusal(form, HTTPStatus.INTERNAL_SERVER_ERROR, "internal error"))

    def reply(self, reply: HttpReply) -> None:
        """Sends the reply to the request in flight, and takes the next one."""
        self._reply(reply)
        if self._waiting and self._current is None:
            # not from here: a thousand of them would be a recursion a thousand deep
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        if self._waiting and self._current is None:
            self._answer(self._waiting.popleft())
            if not self._waiting and self._transport is not None:
                self._transport.resume_reading()

    def _reply(self, reply: HttpReply) -> None:
        received, self._current = self._current, None
        if received is None:
            return
        if self._transport is None:
            self._release()
            return
        last = received.last or self._hub.stopping
        head_only = received.request is not None and received.request.method == "HEAD"
        self._write(wire.encode(reply, head_only=head_only, close=last))
        if self._unsent:
            self._mark.unsent(self._slot)
        else:
            self._mark.end(self._slot)
        if last:
            self._end(discard=received.request is None)
        if self._hub.stopping:
            self._hub.idle()

    def _end(self, *, discard: bool) -> None:
        self._waiting.clear()
        self._reader.deaf = True
        if discard:
            asyncio.get_running_loop().call_later(self._hub.limits.discard_seconds, self.close)
        else:
            self.close()

    def _write(self, pieces: list[bytes]) -> None:
        """Past the transport where it can be: one system call, of which a short one happens completely or not at all.

        So a worker that is killed has either sent a short reply or still owes it.
        """
        assert self._transport is not None  # noqa: S101 - the caller has asked
        if self._unsent:
            self._transport.writelines(pieces)
            return
        size = sum(map(len, pieces))
        if size > _AT_ONCE_BYTES:
            self._mark.answering(self._slot)
        try:
            sent = os.writev(self._descriptor, pieces)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._transport.abort()
            return
        if sent < size:
            self._mark.answering(self._slot)
            self._buffered = True
            self._transport.write(b"".join(pieces)[sent:])


class _Exchange:
    """The way of one request's reply; there is one."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection

    @property
    def answered(self) -> bool:
        """Whether there was a reply."""
        return self._connection is None

    def respond(self, reply: HttpReply) -> None:
        """Sends the reply. Raises RuntimeError for a second one, which would answer somebody else's request."""
        connection, self._connection = self._connection, None
        if connection is None:
            raise RuntimeError("a request was answered twice")
        connection.reply(reply)
