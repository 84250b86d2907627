"""Keeps a front running: one that dies is replaced, and told again which workers may have requests."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from paddle_serving_runtime.errors import InvalidOption, ServingError
from paddle_serving_runtime.front import Front, FrontError, FrontSettings
from paddle_serving_runtime.supervisor.children import Children, kill
from paddle_serving_runtime.supervisor.events import Events, FrontDied, Logged
from paddle_serving_runtime.supervisor.settings import ServeSettings

_LOG = logging.getLogger(__name__)
_LOG_SECONDS = 0.1
_DEATH_SECONDS = 1.0
"""How long the death of a front may take to be seen after its admin socket has failed."""

_RELEASE_SECONDS = 0.02
"""Many clients that leave together are one release."""


class FrontKeeper:
    """The one front of a pod, whichever process it is at the moment: posts its end, and what it writes to its log."""

    def __init__(self, settings: FrontSettings, children: Children, folder: Path, events: Events) -> None:
        self._settings = settings
        self._children = children
        self._folder = folder
        self._events = events
        self._front: Front | None = None
        self._reading: asyncio.Task[None] | None = None
        self._enabled: dict[int, tuple[int, bool]] = {}
        self._stopping = False
        self._left = False
        self._releasing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts HAProxy with every worker disabled; returns when it accepts. Raises FrontError."""
        front = await Front.start(self._settings, self._folder)
        self._children.adopt(front.process)
        self._front = front
        self._reading = asyncio.create_task(self._read(front))
        await front.accepts()

    async def keep(self) -> None:
        """Until HAProxy ends, which is posted unless it was asked for."""
        words = await self._running.last_words()
        if not self._stopping:
            self._events.put_nowait(FrontDied(words))

    async def replace(self) -> None:
        """Another HAProxy from its start to its end; it is told which workers may have requests. Raises FrontError."""
        try:
            await self.start()
        except FrontError as error:
            self._events.put_nowait(FrontDied(str(error)))
            return
        for worker, (capacity, spread) in tuple(self._enabled.items()):
            await self.enable(worker, capacity, spread=spread)
        await self.keep()

    @property
    def alive(self) -> bool:
        """Whether there is one."""
        return self._front is not None and self._front.process.returncode is None

    async def enable(self, worker: int, capacity: int, *, spread: bool) -> None:
        """Lets requests reach a worker, now and after every restart; see Front.enable."""
        self._enabled[worker] = (capacity, spread)
        await self.tell(lambda front: front.enable(worker, capacity, spread=spread))

    async def disable(self, worker: int) -> None:
        """Keeps new requests from a worker, now and after every restart."""
        self._enabled.pop(worker, None)
        await self.tell(lambda front: front.disable(worker))

    def left(self) -> None:
        """A request has ended before its answer: who waits behind it may have been forgotten."""
        self._left = True
        if self._releasing is None or self._releasing.done():
            self._releasing = asyncio.create_task(self._release())

    async def _release(self) -> None:
        while self._left:
            await asyncio.sleep(_RELEASE_SECONDS)
            self._left = False
            try:
                await self._running.release_queue({worker: most for worker, (most, _) in self._enabled.items()})
            except FrontError as error:
                # the death of a front is seen elsewhere, and the next one has an empty queue
                _LOG.debug("the queue was not released: %s", error)

    async def announce_drain(self) -> None:
        """Every response from now on asks its client to close the connection; a front that dies is not replaced."""
        self._stopping = True
        await self.tell(Front.announce_drain)

    def stop_accepting(self) -> None:
        """Closes the ports; see `finished`."""
        self._stopping = True
        self._running.stop_accepting()

    async def finished(self) -> None:
        """Returns when every request is answered and the front has ended."""
        await self._running.process.wait()

    async def requests_begun(self) -> int:
        """Requests that this front has taken since its start. Raises FrontError."""
        return await self._running.requests_begun()

    async def queue_length(self) -> int:
        """Requests that wait for a worker now. Raises FrontError."""
        return await self._running.queue_length()

    def kill(self) -> None:
        """Ends it at once."""
        self._stopping = True
        if self._front is not None:
            kill(self._front.process)

    @property
    def _running(self) -> Front:
        if self._front is None:
            raise FrontError("HAProxy has not been started")
        return self._front

    async def tell(self, command: Callable[[Front], Awaitable[None]]) -> None:
        """Tells the front; where it has just died, the next one is told by `replace`. Raises FrontError."""
        front = self._running
        try:
            await command(front)
        except FrontError as error:
            try:
                # not wait_for, which in Python 3.11 may swallow a cancellation
                async with asyncio.timeout(_DEATH_SECONDS):
                    await front.process.wait()
            except TimeoutError:
                raise error from None

    async def read_log(self) -> None:
        """Posts what the front has logged until now; returns when that is handled.

        The log is looked for several times a second anyway.
        """
        if self._front is not None:
            self._post_log(self._front)
        await self._events.join()

    async def _read(self, front: Front) -> None:
        while True:
            if not self._post_log(front):
                return
            await asyncio.sleep(_LOG_SECONDS)

    def _post_log(self, front: Front) -> bool:
        """Whether there may be more to come."""
        lines = front.take_log()
        if lines:
            self._events.put_nowait(Logged(tuple(lines)))
        return lines is not None


async def start_front(front: FrontKeeper, settings: ServeSettings) -> None:
    """Starts it. Raises InvalidOption for a port that cannot be used, else ServingError."""
    try:
        await front.start()
    except FrontError as error:
        if "cannot bind" not in str(error):
            raise ServingError("FrontFailed", f"{error}.") from None
        grpc = f":{settings.grpc_port}]" in str(error)
        flag, port = ("--grpc-port", settings.grpc_port) if grpc else ("--http-port", settings.http_port)
        raise InvalidOption(f"{flag} {port} cannot be used: {error}.") from None
