"""Whether requests still find this pod after it was to have left the endpoints."""

import asyncio
from collections.abc import Awaitable, Callable

from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.supervisor.stopping import StopRequest

QUIET_SECONDS = 1.0


async def arrivals_end(count: Callable[[], Awaitable[int]], stop: StopRequest, delay: float, longest: float) -> bool:
    """Waits for `delay` seconds, and on while new requests come in, `longest` more at most; True when told to quit.

    `count` is how many requests have begun so far. A delay is a guess of how long the cluster takes to send nobody here
    any more; nodes without a free core were seen to take longer, and who came then found the port closed. With a delay
    of 0 nothing is waited for: nobody balances load over this server.
    """
    if not delay:
        return False
    until = asyncio.get_running_loop().time() + delay + longest
    if await stop.quit_within(max(0.0, delay - QUIET_SECONDS)):
        return True
    try:
        before = await count()
        while not await stop.quit_within(QUIET_SECONDS):
            now = await count()
            if now == before or asyncio.get_running_loop().time() >= until:
                return False
            before = now
    except FrontError:
        # without a front nobody is answered: what is left to finish is told by it
        return False
    return True
