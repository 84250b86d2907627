"""The end of a pod that was told to stop: everything that is asked until then is answered."""

import asyncio
import logging
from dataclasses import dataclass

from paddle_serving_runtime.supervisor.arrivals import arrivals_end
from paddle_serving_runtime.supervisor.control import Control
from paddle_serving_runtime.supervisor.front_keeper import FrontKeeper
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.slot import WorkerSlot
from paddle_serving_runtime.supervisor.stopping import StopRequest
from paddle_serving_runtime.supervisor.streams import Streams

_LOG = logging.getLogger(__name__)
_WORKER_STOP_SECONDS = 2.0
_WAITED_FOR_ARRIVALS = 0.5
"""Of the drain time-out, at most, until nobody sends requests any more; the rest is for those that are in flight."""


@dataclass(frozen=True)
class Draining:
    """What requests come by, in the order in which they meet it."""

    streams: Streams
    front: FrontKeeper
    control: Control
    slots: tuple[WorkerSlot, ...]

    async def drain(self, settings: ServeSettings, stop: StopRequest) -> int:
        """The exit status: 1 where requests were cut off.

        New requests are served until nobody sends any, then the port closes and what is in flight is finished.
        """
        await self.front.announce_drain()
        delay, timeout = settings.drain_delay, settings.drain_timeout
        until = asyncio.get_running_loop().time() + delay + timeout
        if await arrivals_end(self.front.requests_begun, stop, delay, timeout * _WAITED_FOR_ARRIVALS):
            return 1
        finished = asyncio.create_task(self._finish())
        quitting = asyncio.create_task(stop.quit.wait())
        await asyncio.wait(
            {finished, quitting},
            timeout=until - asyncio.get_running_loop().time(),
            return_when=asyncio.FIRST_COMPLETED,
        )
        quitting.cancel()
        if not finished.done():
            finished.cancel()
            _LOG.error("requests were cut off: not finished within the drain time-out, or told to stop at once")
            return 1
        await asyncio.wait([asyncio.create_task(slot.stop()) for slot in self.slots], timeout=_WORKER_STOP_SECONDS)
        _LOG.info("drained")
        return 0

    async def _finish(self) -> None:
        """Returns when every request is answered, and the front has ended."""
        # their messages come to the front by the port that is about to be closed
        await self.streams.finish()
        self.front.stop_accepting()
        # a client that watches grpc.health.v1 has been told; the front would wait for it for ever
        await self.control.close()
        await self.front.finished()
