"""Requests with their answers, kept in memory for whoever wants to ask them of another model."""

import asyncio
import socket
from collections.abc import Iterator

import orjson

from paddle_serving_runtime.link.sample import receive_samples
from paddle_serving_runtime.protocol.exchange import Exchange
from paddle_serving_runtime.supervisor.reservoir import Reservoir

MAX_BYTES = 64 * 1024 * 1024


class ReplayBuffer:
    """The sample of one pod, which `pod` names among all others. Nothing of it is ever on disk or in the log."""

    def __init__(self, requests: int, pod: str) -> None:
        self._reservoir = Reservoir(requests, MAX_BYTES)
        self._pod = pod

    @property
    def requests(self) -> int:
        """How many there are now."""
        return len(self._reservoir)

    @property
    def size(self) -> int:
        """Their bytes together."""
        return self._reservoir.size

    def listen(self, channel: socket.socket) -> None:
        """Takes what a worker offers, until it ends."""
        loop = asyncio.get_running_loop()
        channel.settimeout(0)

        def receive() -> None:
            if not self._receive(channel):
                loop.remove_reader(channel)
                channel.close()

        loop.add_reader(channel, receive)

    def lines(self, most: int) -> Iterator[bytes]:
        """A line of JSON that says which pod's they are and how many follow, then at most so many, a line each."""
        chosen = self._reservoir.lowest(most)
        yield orjson.dumps({"pod": self._pod, "requests": len(chosen)}, option=orjson.OPT_APPEND_NEWLINE)
        yield from (Exchange.unpack(packed).to_line() for packed in chosen)

    def _receive(self, channel: socket.socket) -> bool:
        """False where the worker has ended."""
        samples = receive_samples(channel)
        for sample in samples or ():
            self._reservoir.add(sample.drawn, sample.packed)
        return samples is not None
