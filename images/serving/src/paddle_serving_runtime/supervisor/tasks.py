"""What runs beside in the supervisor."""

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any

from paddle_serving_runtime.supervisor.events import Events, Failed


class Tasks:
    """Keeps what was begun until it is over; what fails is posted."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs it beside."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._over)

    async def end(self, *closing: Awaitable[None]) -> None:
        """Cancels all of it; returns when it has ended, and what is to be closed is closed."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, *closing, return_exceptions=True)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._events.put_nowait(Failed(error))
