"""One worker, kept alive: loading, verifying, serving, dead, and again."""

import asyncio
import logging
import math
import signal
import time
from pathlib import Path
from typing import Any, Protocol

from paddle_serving_runtime.front import FrontError
from paddle_serving_runtime.link.ledger import PROOF_SECONDS, is_off, is_proving
from paddle_serving_runtime.link.report import read_line
from paddle_serving_runtime.supervisor.children import kill
from paddle_serving_runtime.supervisor.events import Died, Entered, Events, Lost
from paddle_serving_runtime.supervisor.launch import WorkerProcess
from paddle_serving_runtime.supervisor.lost import answer_lost
from paddle_serving_runtime.supervisor.output import Output
from paddle_serving_runtime.supervisor.readiness import Phase
from paddle_serving_runtime.supervisor.rechecker import Proved, Rechecker
from paddle_serving_runtime.supervisor.verifier import Unanswered, Verifier
from paddle_serving_runtime.supervisor.watchdog import Watchdog

_LOG = logging.getLogger(__name__)
_LINGER_SECONDS = 1.0
_LOOK_AT_PROOF_SECONDS = 1.0


class Gate(Protocol):
    """What lets requests reach a worker: the front."""

    async def enable(self, worker: int, capacity: int, *, spread: bool) -> None:
        """Lets requests reach it, up to `capacity` at a time, `spread` over all workers or one after the other."""

    async def disable(self, worker: int) -> None:
        """Keeps new requests from it."""


class WorkerSlot:
    """The place of one worker: posts each phase that it enters, the requests that die with it, and its end."""

    def __init__(
        self,
        worker: WorkerProcess,
        gate: Gate,
        verifier: Verifier,
        request_timeout: float,
        rechecker: Rechecker,
        events: Events,
    ) -> None:
        self.phase = Phase.LOADING
        self.loaded: dict[str, Any] = {}
        self.verified = False
        self._worker = worker
        self._gate = gate
        self._verifier = verifier
        self._rechecker = rechecker
        self._events = events
        self._timeout = request_timeout
        # around the moment when the front answers 504: no new request from before it, killed after it
        self._margin = min(0.5, request_timeout / 10)
        # an unread request is noticed one look late, and what that means another: together less than the margin
        self._look_seconds = self._margin / 4
        self._parting: asyncio.Task[None] | None = None
        self._stopping = False
        self._overdue = False
        self._enabled_for = 0

    async def keep(self, worker: WorkerProcess) -> None:
        """From the start of this worker to its end, which is posted unless it was asked for.

        Raises the ServingError of a worker that cannot load, and NotConsistent.
        """
        self._worker = worker
        output = Output(worker.process, f"worker {worker.index}")
        copying = asyncio.create_task(output.copy())
        try:
            how = await self._live()
        finally:
            kill(worker.process)
        if lost := answer_lost(worker):
            self._events.put_nowait(Lost(lost))
        self._parting = asyncio.create_task(worker.keeper.close_when_read(_LINGER_SECONDS))
        await copying
        if not self._stopping:
            words = f": {output.last_words}" if output.last_words else ""
            self._events.put_nowait(Died(worker.index, f"{how}{words}"))

    async def stop(self) -> None:
        """Ends the worker after the request that it has, for good."""
        self._stopping = True
        if self._worker.process.returncode is None:
            self._worker.process.send_signal(signal.SIGTERM)
            await self._worker.process.wait()

    def timed_out(self) -> None:
        """The front has waited for this worker as long as a request may take.

        The worker's own mark tells that too, but not of a request that it has never read (it may be stopped).
        """
        self._overdue = True

    @property
    def socket(self) -> Path:
        """Where its worker answers."""
        return self._worker.socket

    @property
    def ledger(self) -> Path:
        """What all workers know of the runs that requests share."""
        return self._worker.ledger

    @property
    def is_proving(self) -> bool:
        """Whether its worker has begun to prove shared runs, and has not come to an end."""
        return is_proving(self.ledger, self._worker.index)

    @property
    def capacity(self) -> int:
        """How many requests the worker can use at once."""
        return 1 if self._proved and is_off(self.ledger) else int(self.loaded.get("capacity", 1))

    @property
    def _proved(self) -> bool:
        """Whether the runs that its requests share are proved ones, and not those of the service's own batch_size."""
        return int((self.loaded.get("batching") or {}).get("maxRows", 1)) > 1

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self._events.put_nowait(Entered(self._worker.index, phase))

    async def _live(self) -> str:
        """From the start of the process to its end; returns how it ended."""
        self._enter(Phase.LOADING)
        line = await self._line()
        if line is None:
            kill(self._worker.process)
            await self._worker.process.wait()
            return "was killed: it did not come to an end with the golden samples that it computed while it loaded"
        if not line:
            return f"{await self._ended()} while it loaded"
        self.loaded = read_line(line)
        _LOG.info("worker loaded", extra={"fields": self._fields()})
        self._enter(Phase.VERIFYING)
        ended = asyncio.ensure_future(self._worker.process.wait())
        try:
            right = await self._verifier.verify(self._worker.socket, ended)
        except Unanswered as error:
            kill(self._worker.process)
            if error.late:
                return f"did not answer golden sample {error.sample} within {self._timeout:g} s"
            return f"{await self._ended()} while it answered golden sample {error.sample}"
        self._overdue = False
        await self._open_gate()
        self.verified = True
        self._enter(Phase.SERVING)
        try:
            return await self._watch(Proved(self._worker, right, ended))
        finally:
            self._enter(Phase.DEAD)
            await self._close_gate()

    async def _line(self) -> bytes | None:
        """What the worker reports, empty where it has ended; None where it has proved shared runs for too long.

        A golden sample that is never answered is told by name by whoever verifies, which the next worker comes to.
        """
        reading = asyncio.ensure_future(self._worker.report.readline())
        longest, since = self._timeout + PROOF_SECONDS, math.inf
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=_LOOK_AT_PROOF_SECONDS)
                now = time.monotonic()
                since = min(since, now) if self.is_proving else math.inf
                if now - since > longest and not reading.done():
                    return None
            return reading.result()
        finally:
            reading.cancel()

    async def _open_gate(self) -> None:
        self._enabled_for = self.capacity
        await self._gate.enable(self._worker.index, self._enabled_for, spread=self._proved)

    async def _watch(self, proved: Proved) -> str:
        """Until the worker ends, has been busy for longer than a request may take, or answers otherwise."""
        watchdog = Watchdog(self._worker)
        rechecking = asyncio.create_task(self._rechecker.watch(proved))
        try:
            while not proved.ended.done():
                watching: set[asyncio.Future[Any]] = {proved.ended, rechecking}
                await asyncio.wait(watching, timeout=self._look_seconds, return_when=asyncio.FIRST_COMPLETED)
                if rechecking.done():
                    sentence = rechecking.result().sentence.rstrip(".")
                    return await self._killed(f"it answered otherwise than when it was proved: {sentence}")
                busy = watchdog.busy_seconds()
                if busy > self._timeout + self._margin or self._overdue:
                    return await self._killed(f"one request took longer than {self._timeout:g} s")
                await self._suspect(suspicious=busy > self._timeout - self._margin)
                if self.phase is Phase.SERVING and self.capacity != self._enabled_for:
                    await self._open_gate()
            return await self._ended()
        finally:
            # its connection must not be taken for that of a client whose request is lost
            rechecking.cancel()
            await asyncio.wait({rechecking})

    async def _killed(self, why: str) -> str:
        """Ends the worker: the answers to what it has are lost, and it gets nothing more."""
        kill(self._worker.process)
        self._enter(Phase.DEAD)
        await self._close_gate()
        await self._worker.process.wait()
        return f"was killed: {why}"

    async def _suspect(self, *, suspicious: bool) -> None:
        if suspicious and self.phase is Phase.SERVING:
            await self._gate.disable(self._worker.index)
            self._enter(Phase.SUSPECT)
        elif not suspicious and self.phase is Phase.SUSPECT and self._worker.process.returncode is None:
            await self._open_gate()
            self._enter(Phase.SERVING)

    def _fields(self) -> dict[str, Any]:
        told = {key: value for key, value in self.loaded.items() if key not in {"models", "warnings"}}
        return {"worker": self._worker.index, "pid": self._worker.process.pid, **told}

    async def _close_gate(self) -> None:
        try:
            await self._gate.disable(self._worker.index)
        except FrontError:
            _LOG.debug("the front is gone")

    async def _ended(self) -> str:
        status = await self._worker.process.wait()
        if status >= 0:
            return f"ended with status {status}"
        return f"was ended by {signal.Signals(-status).name}"
