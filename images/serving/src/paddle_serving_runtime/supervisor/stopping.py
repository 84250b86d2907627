"""SIGTERM once: drain. Twice: exit at once."""

import asyncio
import signal


class StopRequest:
    """What signals have asked for; `drain` is set by the first SIGTERM or SIGINT, `quit` by the second."""

    def __init__(self) -> None:
        self.drain = asyncio.Event()
        self.quit = asyncio.Event()

    def listen(self) -> None:
        """Installs the signal handlers in the running loop. As PID 1 a signal without handler would be ignored."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._received)

    def _received(self) -> None:
        (self.quit if self.drain.is_set() else self.drain).set()

    async def quit_within(self, seconds: float) -> bool:
        """Waits for the second signal; False where the time is over without it."""
        try:
            await asyncio.wait_for(self.quit.wait(), seconds)
        except TimeoutError:
            return False
        return True
