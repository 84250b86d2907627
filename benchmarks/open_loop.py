"""HTTP requests sent at their time, whether earlier ones are answered or not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httptools
from typing_extensions import override

from benchmarks.load import percentile
from benchmarks.payload import Payload

_LAST_ANSWER_SECONDS = 30.0


@dataclass(slots=True)
class Outcome:
    """What came back: seconds to the answer by HTTP status, requests without one, and how late each was sent."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    ends: list[tuple[float, int]] = field(default_factory=list)
    lost: int = 0
    late: list[float] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, count: int) -> None:
        """Returns when `count` requests have come to an end."""
        while len(self.ends) + self.lost < count:
            self.changed.clear()
            await self.changed.wait()

    def lose(self) -> None:
        """Counts a request that ended without an answer."""
        self.lost += 1
        self.changed.set()

    def add(self, begun: float, status: int) -> None:
        """Counts an answer that is complete now."""
        now = time.perf_counter()
        self.seconds.setdefault(status, []).append(now - begun)
        self.ends.append((now, status))
        self.changed.set()

    def to_json(self) -> dict[str, Any]:
        """Counts and percentiles by status, milliseconds."""
        rows = {}
        for status, seconds in sorted(self.seconds.items()):
            ordered = sorted(1e3 * value for value in seconds)
            times = {f"p{p}_ms": round(percentile(ordered, p), 2) for p in (50, 99)}
            rows[str(status)] = {"count": len(ordered), **times, "max_ms": round(ordered[-1], 2)}
        late = sorted(1e3 * value for value in self.late)
        return {"by_status": rows, "lost": self.lost, "sent_late_p99_ms": round(percentile(late, 99), 2)}

    def rate(self, status: int, begin: float, end: float) -> float:
        """Answers per second with this status that were complete between two moments of time.perf_counter()."""
        return sum(begin <= at < end for at, code in self.ends if code == status) / (end - begin)


class Connection(asyncio.Protocol):
    """One connection; `idle` gets it back after every answer that leaves it open."""

    def __init__(self, outcome: Outcome, idle: list[Connection]) -> None:
        self._outcome, self._idle = outcome, idle
        self._begun: float | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._parser: Any = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._transport = transport

    def send(self, request: bytes) -> None:
        """Sends the request; its time begins now."""
        self._begun = time.perf_counter()
        self._parser = httptools.HttpResponseParser(self)
        if self._transport is not None:
            self._transport.write(request)

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._close()

    def on_message_complete(self) -> None:
        """httptools: the answer is there."""
        if self._begun is None:
            return
        self._outcome.add(self._begun, self._parser.get_status_code())
        self._begun = None
        if self._parser.should_keep_alive():
            self._idle.append(self)
        else:
            self._close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._idle:
            self._idle.remove(self)
        if self._begun is not None:
            self._outcome.lose()
            self._begun = None

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def request_bytes(payload: Payload) -> bytes:
    """The HTTP/1.1 request of a payload."""
    head = [f"POST {payload.path} HTTP/1.1", "host: localhost", f"content-length: {len(payload.body)}"]
    head += [f"{name}: {value}" for name, value in payload.headers]
    return "\r\n".join([*head, "", ""]).encode() + payload.body


async def offer(payloads: Sequence[Payload], port: int, rate: float, seconds: float) -> Outcome:
    """`rate` requests per second for `seconds`, of `payloads` in turn; then the last answers: what has none is lost."""
    outcome, idle = Outcome(), list[Connection]()
    made = [request_bytes(payload) for payload in payloads]
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    count = round(rate * seconds)
    opening: set[asyncio.Task[None]] = set()
    for number in range(count):
        wait = begin + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        outcome.late.append(max(0.0, -wait))
        request = made[number % len(made)]
        if idle:
            idle.pop().send(request)
        else:
            task = loop.create_task(_open_and_send(outcome, idle, port, request))
            opening.add(task)
            task.add_done_callback(opening.discard)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LAST_ANSWER_SECONDS):
            await outcome.wait(count)
    outcome.lost += count - len(outcome.ends) - outcome.lost
    return outcome


async def _open_and_send(outcome: Outcome, idle: list[Connection], port: int, request: bytes) -> None:
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(outcome, idle), "127.0.0.1", port
        )
    except OSError:
        outcome.lose()
    else:
        connection.send(request)
