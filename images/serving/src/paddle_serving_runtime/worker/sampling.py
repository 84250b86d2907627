"""A sample of the requests that a worker has answered well, handed to the supervisor, which keeps it.

Every request draws a number, and those with the lowest numbers are the sample: each is as likely to be in it as any
other, and the samples of several workers, also of those that have ended, are one where the lowest of all are kept.
A request that may belong to it is copied into memory that is passed on as a whole; nobody waits for anybody.
"""

import heapq
import logging
import socket
from collections.abc import Callable

from paddle_serving_runtime.link.sample import send_sample
from paddle_serving_runtime.protocol.exchange import ASKING_POD, Exchange, kept_headers
from paddle_serving_runtime.protocol.measured import HEADER, SUCCEEDED
from paddle_serving_runtime.worker.http import Handler, HttpReply, HttpRequest, Respond

_LOG = logging.getLogger(__name__)
MAX_BYTES = 4 * 1024 * 1024
"""A request longer than that, together with its answer, is never kept: a few of them would be all that there is."""

_BY_FRONT, _BY_POD = b"x-request-id", ASKING_POD.encode()


class Sampler:
    """Offers what may be among the `size` lowest to whoever is at the other end of `channel`."""

    def __init__(self, channel: socket.socket, size: int, draw: Callable[[], float]) -> None:
        self._channel = channel
        self._channel.settimeout(0)
        self._size = size
        self._draw = draw
        # of the lowest numbers so far, the highest one first
        self._lowest: list[float] = []

    def offer(self, request: HttpRequest, reply: HttpReply) -> None:
        """A request that was answered well; it is passed on, or not. Never raises."""
        if len(request.body) + len(reply.body) > MAX_BYTES:
            return
        drawn = self._draw()
        if len(self._lowest) < self._size:
            heapq.heappush(self._lowest, -drawn)
        elif drawn >= -self._lowest[0]:
            return
        else:
            heapq.heapreplace(self._lowest, -drawn)
        try:
            self._send(drawn, request, reply)
        except OSError as error:
            # the supervisor does not keep up, or has ended
            _LOG.debug("a request is not kept: %s", error)

    def _send(self, drawn: float, request: HttpRequest, reply: HttpReply) -> None:
        headers = kept_headers(request.headers), kept_headers(dict(reply.headers))
        exchange = Exchange(request.path, headers[0], bytes(request.body), headers[1], reply.body)
        send_sample(self._channel, drawn, exchange)


def sampled(handler: Handler, sampler: Sampler) -> Handler:
    """The handler, which also offers what it has answered well. What supervisors ask is not offered."""

    def handle(request: HttpRequest, respond: Respond) -> None:
        if _BY_FRONT not in request.headers or _BY_POD in request.headers:
            handler(request, respond)
            return

        def answer(reply: HttpReply) -> None:
            respond(reply)
            if _succeeded(reply):
                sampler.offer(request, reply)

        handler(request, answer)

    return handle


def _succeeded(reply: HttpReply) -> bool:
    return any(name == HEADER and SUCCEEDED.encode() in value.split() for name, value in reply.headers)
