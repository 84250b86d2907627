"""The supervisor itself: puts the parts together and runs them until a signal or a failure."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from socket import socket

from paddle_serving_runtime.errors import FrontFailed, InvalidOption, ServingError, WorkerCrashLoop
from paddle_serving_runtime.front import FrontError, FrontSettings, worker_name
from paddle_serving_runtime.model.golden import load_recorded, load_samples
from paddle_serving_runtime.model.package import load_package
from paddle_serving_runtime.supervisor import admin
from paddle_serving_runtime.supervisor.children import Children
from paddle_serving_runtime.supervisor.control import GRPC_SOCKET, HTTP_SOCKET, Control, start_control
from paddle_serving_runtime.supervisor.crashes import LOOP_CRASHES, LOOP_SECONDS, CrashHistory
from paddle_serving_runtime.supervisor.front_keeper import FrontKeeper
from paddle_serving_runtime.supervisor.launch import Launched, WorkerProcess, start_worker, worker_socket
from paddle_serving_runtime.supervisor.output import Output
from paddle_serving_runtime.supervisor.readiness import Phase
from paddle_serving_runtime.supervisor.reference import reference_answers
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.slot import WorkerSlot
from paddle_serving_runtime.supervisor.standby import Standby, start_spare
from paddle_serving_runtime.supervisor.statistics import RequestRecord, Statistics
from paddle_serving_runtime.supervisor.status import PodStatus
from paddle_serving_runtime.supervisor.stopping import StopRequest
from paddle_serving_runtime.supervisor.verification import usable_recordings
from paddle_serving_runtime.supervisor.verifier import Verifier

_LOG = logging.getLogger(__name__)
_WORKER_STOP_SECONDS = 2.0
_INIT_PID = 1


async def supervise(
    settings: ServeSettings, children: Children, launched: Launched, folder: Path, stop: StopRequest
) -> int:
    """Serves until a signal; returns the exit status. Raises the ServingError that ends it."""
    if os.getpid() == _INIT_PID:
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, children.reap_orphans)
    listening = admin.listen(settings.admin_port)
    verifier, helpers = _verifier(settings, launched, folder)
    front = FrontKeeper(_front_settings(settings, folder), children, folder)
    supervisor = Supervisor(settings, children, front, verifier, folder)
    try:
        await _start(front, settings, supervisor.count)
        return await supervisor.run(launched, listening, stop)
    finally:
        for helper in helpers:
            helper.cancel()
        front.kill()


class Supervisor:
    """The running parts."""

    def __init__(
        self, settings: ServeSettings, children: Children, front: FrontKeeper, verifier: Verifier, folder: Path
    ) -> None:
        self._settings = settings
        self._children = children
        self._front = front
        self._verifier = verifier
        self._statistics = Statistics()
        self._standby = Standby(lambda: start_spare(settings, children))
        self._folder = folder
        self._crashes = CrashHistory()
        self._front_crashes = CrashHistory()
        self._slots: tuple[WorkerSlot, ...] = ()
        self._status: PodStatus | None = None
        self._was_ready = False
        self._launched_at = 0.0

    async def run(self, launched: Launched, listening: socket, stop: StopRequest) -> int:
        """Until a signal (returns the exit status) or a failure (raises it)."""
        self._launched_at = launched.at
        self._slots = tuple(
            WorkerSlot(
                worker, self._front, self._verifier, self._settings.request_timeout, self._phase_changed, self._lost
            )
            for worker in launched.workers
        )
        status = PodStatus(self._settings, self._front, self._verifier, self._slots, self._statistics, self._standby)
        self._status = status
        control = await start_control(status, status.loaded, self._folder)
        server = asyncio.create_task(admin.serve(admin.admin_server(status), listening))
        keeping = [asyncio.create_task(slot.keep(self._restart, self._crashed)) for slot in self._slots]
        others = [self._front.keep(self._front_crashed), self._standby.keep()]
        watching = [*keeping, *map(asyncio.create_task, others)]
        stopping = asyncio.create_task(stop.drain.wait())
        try:
            ended, _ = await asyncio.wait({stopping, server, *watching}, return_when=asyncio.FIRST_COMPLETED)
            for task in ended - {stopping}:
                task.result()
            return await self._drain(status, stop, control)
        except FrontError as error:
            raise FrontFailed(f"{error}.") from None
        finally:
            for task in (stopping, server, *watching):
                task.cancel()
            await asyncio.gather(stopping, server, *watching, control.close(), return_exceptions=True)

    async def _drain(self, status: PodStatus, stop: StopRequest, control: Control) -> int:
        """New requests are served for the drain delay, then the port closes and what is in flight is finished."""
        ready = status.readiness().ready
        status.draining = True
        _LOG.info("draining")
        if not ready:
            return 0
        await self._front.announce_drain()
        if await stop.quit_within(self._settings.drain_delay):
            return 1
        self._front.stop_accepting()
        # a client that watches grpc.health.v1 has been told; the front would wait for it for ever
        await control.close()
        finished = asyncio.create_task(self._front.finished())
        quitting = asyncio.create_task(stop.quit.wait())
        await asyncio.wait(
            {finished, quitting}, timeout=self._settings.drain_timeout, return_when=asyncio.FIRST_COMPLETED
        )
        quitting.cancel()
        if not finished.done():
            finished.cancel()
            _LOG.error("requests were cut off: not finished within the drain time-out, or told to stop at once")
            return 1
        await asyncio.wait([asyncio.create_task(slot.stop()) for slot in self._slots], timeout=_WORKER_STOP_SECONDS)
        _LOG.info("drained")
        return 0

    def count(self, line: bytes) -> None:
        """Counts a request by its line in the front's log; what is no such line is for those who debug."""
        record = RequestRecord.parse(line)
        if record is None:
            _LOG.debug("front: %s", line.decode(errors="replace").rstrip())
            return
        self._statistics.add(record)
        if record.cut_short:
            self._front.left()
        if record.overdue:
            for index, slot in enumerate(self._slots):
                if record.worker == worker_name(index):
                    slot.timed_out()
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("request", extra={"fields": vars(record)})

    async def _restart(self, index: int) -> WorkerProcess:
        return await start_worker(self._settings, self._children, self._folder, index, self._standby.take)

    async def _crashed(self, index: int, how: str) -> None:
        """Counts a crash and waits as long as the next start must; raises WorkerCrashLoop."""
        _LOG.error("worker %s", how, extra={"fields": {"worker": index}})
        self._crashes = self._crashes.after(time.monotonic())
        self._statistics.restarts[index] += 1
        if self._crashes.is_loop:
            raise WorkerCrashLoop(
                f"{LOOP_CRASHES} worker crashes within {LOOP_SECONDS:g} s. The last one: worker {index} {how}."
            )
        await asyncio.sleep(self._crashes.delay)

    def _lost(self, requests: int) -> None:
        self._statistics.lost += requests

    async def _front_crashed(self, how: str) -> None:
        """Counts a death of the front; raises FrontFailed."""
        _LOG.error(how)
        self._front_crashes = self._front_crashes.after(time.monotonic())
        self._statistics.front_restarts += 1
        if self._front_crashes.is_loop:
            raise FrontFailed(f"HAProxy ended {LOOP_CRASHES} times within {LOOP_SECONDS:g} s. The last time: {how}.")
        await asyncio.sleep(self._front_crashes.delay)

    def _phase_changed(self) -> None:
        # a spare one is imported when it takes nothing from a worker that loads
        serving = all(slot.phase is Phase.SERVING for slot in self._slots)
        self._standby.want(wanted=self._settings.standby and serving)
        self._report_readiness()

    def _report_readiness(self) -> None:
        """Logs every change between ready and not ready."""
        if self._status is None or self._status.draining:
            return
        state = self._status.readiness()
        if state.ready == self._was_ready:
            return
        self._was_ready = state.ready
        seconds = round(time.monotonic() - self._launched_at, 3)
        fields = {"verdict": self._verifier.evidence.verdict, "seconds": seconds}
        _LOG.info("ready" if state.ready else f"not ready: {state.reason}", extra={"fields": fields})


def _verifier(
    settings: ServeSettings, launched: Launched, folder: Path
) -> tuple[Verifier, tuple[asyncio.Task[None], ...]]:
    """The verifier, and the tasks that must be cancelled in the end."""
    package = load_package(settings.model_dir)
    samples = load_samples(package)
    consistency = settings.consistency
    recorded = usable_recordings(
        tuple(sample.name for sample in samples),
        load_recorded(package),
        consistency.require,
        required=consistency.required,
    )
    if launched.reference is None:
        return Verifier(settings, samples, recorded, None), ()
    output = Output(launched.reference, "reference")
    copying = asyncio.create_task(output.copy())
    return Verifier(settings, samples, recorded, reference_answers(launched.reference, output, folder)), (copying,)


def _front_settings(settings: ServeSettings, folder: Path) -> FrontSettings:
    return FrontSettings(
        port=settings.http_port,
        grpc_port=settings.grpc_port,
        workers=tuple(worker_socket(folder, index) for index in range(settings.workers)),
        control=folder / HTTP_SOCKET,
        control_grpc=folder / GRPC_SOCKET,
        admin_socket=folder / "front.sock",
        error_folder=folder / "errors",
        queue=settings.queue,
        request_timeout=settings.request_timeout,
        max_body_bytes=settings.max_body_bytes,
    )


async def _start(front: FrontKeeper, settings: ServeSettings, on_line: Callable[[bytes], None]) -> None:
    try:
        await front.start(on_line)
    except FrontError as error:
        if "cannot bind" not in str(error):
            raise ServingError("FrontFailed", f"{error}.") from None
        grpc = f":{settings.grpc_port}]" in str(error)
        flag, port = ("--grpc-port", settings.grpc_port) if grpc else ("--http-port", settings.http_port)
        raise InvalidOption(f"{flag} {port} cannot be used: {error}.") from None
