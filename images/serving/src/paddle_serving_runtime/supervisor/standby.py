"""A process that has imported Paddle before it is needed: the next worker, when one dies.

The import is most of what a new worker takes until it answers.
"""

import asyncio
import logging
import signal
import socket
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from paddle_serving_runtime.link.handover import give_place, hear_imported
from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.supervisor.children import Children
from paddle_serving_runtime.supervisor.launch import start_process
from paddle_serving_runtime.supervisor.output import Output
from paddle_serving_runtime.supervisor.settings import ServeSettings

_LOG = logging.getLogger(__name__)
_RETRY_SECONDS = 10.0
"""Between a spare process that ended by itself and the next one: memory may be short, and nobody misses it yet."""


@dataclass
class Spare:
    """A process that waits for its place, and the socket on which it gets it; `imported` when it has said so."""

    process: Process
    channel: socket.socket
    imported: bool = False


class Standby:
    """At most one spare process. Its end is no crash: it has no request."""

    def __init__(self, start: Callable[[], Awaitable[Spare]]) -> None:
        self._start = start
        self._wanted = asyncio.Event()
        self._taken = asyncio.Event()
        self._spare: Spare | None = None

    @property
    def imported(self) -> bool:
        """Whether there is a process that only has to load the model."""
        return self._spare is not None and self._spare.imported

    def want(self, *, wanted: bool) -> None:
        """Whether a spare may be started now, and may import. One that has imported stays."""
        if wanted:
            self._wanted.set()
        else:
            self._wanted.clear()
        self._pause_or_go_on()

    def take(self, options: WorkerOptions) -> Process | None:
        """Makes the spare the worker with these options; None where there is none that has imported.

        One that still imports gives way to whoever computes; a new process does not, and is there sooner, while the
        spare one waits for it.
        """
        spare = self._spare
        if spare is None or not spare.imported:
            return None
        self._spare = None
        self._taken.set()
        # it may have been paused between its last import and the moment when that was heard of
        _signal(spare, signal.SIGCONT)
        try:
            give_place(spare.channel, options)
        except OSError as error:
            _LOG.warning("the standby process does not take its place: %s", error)
            return None
        return spare.process

    def _pause_or_go_on(self) -> None:
        if self._spare is not None:
            paused = not self._wanted.is_set() and not self._spare.imported
            _signal(self._spare, signal.SIGSTOP if paused else signal.SIGCONT)

    async def keep(self) -> NoReturn:
        """Never returns: starts a spare whenever there is none and one is wanted."""
        while True:
            await self._wanted.wait()
            self._taken.clear()
            self._spare = spare = await self._start()
            self._pause_or_go_on()
            watching = asyncio.create_task(_watch(spare))
            taking = asyncio.create_task(self._taken.wait())
            try:
                await asyncio.wait({watching, taking}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                watching.cancel()
                taking.cancel()
                try:
                    # to await it would take an end of this task, which may come now, for its end
                    await asyncio.wait({watching})
                finally:
                    spare.channel.close()
            if not self._taken.is_set():
                self._spare = None
                await self._ended(spare.process)

    async def _ended(self, process: Process) -> None:
        output = Output(process, "standby")
        await output.copy()
        _LOG.warning("the standby process ended with status %s: %s", await process.wait(), output.last_words)
        await asyncio.sleep(_RETRY_SECONDS)


async def start_spare(settings: ServeSettings, children: Children, folder: Path) -> Spare:
    """Starts a worker process without a place; see worker/standby.py."""
    channel, workers_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    channel.settimeout(0)
    try:
        descriptor = workers_end.fileno()
        flags = ("--standby", str(descriptor), "--model-dir", str(settings.model_dir))
        process = await start_process(settings, children, folder, flags, (descriptor,))
    except BaseException:
        channel.close()
        raise
    finally:
        workers_end.close()
    return Spare(process, channel)


def _signal(spare: Spare, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        spare.process.send_signal(number)


async def _watch(spare: Spare) -> None:
    """Returns when the process has ended."""
    # a process that ends before it has read all that it was sent resets the connection
    with suppress(ConnectionError):
        while await hear_imported(spare.channel):
            spare.imported = True
            _LOG.debug("standby process %d has imported Paddle", spare.process.pid)
