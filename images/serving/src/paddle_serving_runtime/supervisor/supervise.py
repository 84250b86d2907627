"""The supervisor itself: puts the parts together and runs them until a signal or a failure."""

import asyncio
import logging
import os
import signal
import time
import uuid
from pathlib import Path
from socket import socket
from typing import Any, NoReturn

from paddle_serving_runtime.errors import FrontFailed, NotConsistent, WorkerCrashLoop
from paddle_serving_runtime.evidence.origin import Origin
from paddle_serving_runtime.front import FrontError, worker_name
from paddle_serving_runtime.front.log import RequestRecord
from paddle_serving_runtime.supervisor import admin
from paddle_serving_runtime.supervisor.children import Children
from paddle_serving_runtime.supervisor.control import State, start_control
from paddle_serving_runtime.supervisor.crashes import LOOP_CRASHES, LOOP_SECONDS, CrashHistory
from paddle_serving_runtime.supervisor.credentials import Credentials
from paddle_serving_runtime.supervisor.draining import Draining
from paddle_serving_runtime.supervisor.drifts import Drifts
from paddle_serving_runtime.supervisor.events import Died, Entered, Event, Events, Failed, FrontDied, Logged, Lost
from paddle_serving_runtime.supervisor.front_keeper import FrontKeeper, start_front
from paddle_serving_runtime.supervisor.front_settings import FRONT_GRPC_SOCKET, front_settings
from paddle_serving_runtime.supervisor.launch import Launched, WorkerProcess, start_worker
from paddle_serving_runtime.supervisor.observers import Observers, observers_of
from paddle_serving_runtime.supervisor.origin import origin_of
from paddle_serving_runtime.supervisor.own_workers import OwnWorkers
from paddle_serving_runtime.supervisor.readiness import Phase
from paddle_serving_runtime.supervisor.rechecker import Rechecker
from paddle_serving_runtime.supervisor.replay_buffer import ReplayBuffer
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.slot import WorkerSlot
from paddle_serving_runtime.supervisor.stable import Stable
from paddle_serving_runtime.supervisor.standby import Standby, start_spare
from paddle_serving_runtime.supervisor.statistics import Statistics
from paddle_serving_runtime.supervisor.status import PodStatus
from paddle_serving_runtime.supervisor.stopping import StopRequest
from paddle_serving_runtime.supervisor.streams import STREAMS_SOCKET, Streams
from paddle_serving_runtime.supervisor.tasks import Tasks
from paddle_serving_runtime.supervisor.verifier import Verifier
from paddle_serving_runtime.supervisor.verifying import prepare_verifier
from paddle_serving_runtime.verdict.recheck import Rechecks

_LOG = logging.getLogger(__name__)
_INIT_PID = 1
LOGGED_BYTES = 64 * 1024
"""Of a report in the log: nobody can ask a container for it that has refused its model."""


async def supervise(
    settings: ServeSettings, children: Children, launched: Launched, folder: Path, stop: StopRequest
) -> int:
    """Serves until a signal; returns the exit status. Raises the ServingError that ends it."""
    if os.getpid() == _INIT_PID:
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, children.reap_orphans)
    listening = admin.listen(settings.admin_port)
    origin = await asyncio.to_thread(origin_of, settings)
    verifier, helpers = prepare_verifier(settings, launched, folder)
    pod = str(uuid.uuid4())
    events: Events = asyncio.Queue()
    observers = observers_of(os.environ, settings, origin)
    credentials = Credentials(settings.access, folder)
    asking = pod if settings.stable else ""
    front_of = front_settings(settings, folder, asking, credentials.access, detailed=bool(observers))
    front = FrontKeeper(front_of, children, folder, events)
    stable = Stable(settings.stable, pod, settings.request_timeout, credentials) if settings.stable else None
    supervisor = Supervisor(
        settings, origin, children, front, verifier, folder, pod=pod, stable=stable, events=events, observers=observers
    )
    keeping = asyncio.create_task(credentials.keep(front))
    try:
        await start_front(front, settings)
        return await supervisor.run(launched, listening, stop)
    finally:
        for helper in (*helpers, keeping):
            helper.cancel()
        front.kill()
        for observer in observers:
            observer.flush()


class Supervisor:
    """The running parts, and the one place where it is decided what their events mean."""

    def __init__(
        self,
        settings: ServeSettings,
        origin: Origin,
        children: Children,
        front: FrontKeeper,
        verifier: Verifier,
        folder: Path,
        *,
        pod: str,
        stable: Stable | None,
        events: Events,
        observers: Observers,
    ) -> None:
        self._settings = settings
        self._origin = origin
        self._children = children
        self._front = front
        self._verifier = verifier
        self._statistics = Statistics(rechecks=Rechecks(settings.recheck_interval, settings.workers))
        self._standby = Standby(lambda: start_spare(settings, children, folder))
        self._folder = folder
        self._streams = Streams(folder / FRONT_GRPC_SOCKET, settings.queue // 2 + settings.workers)
        self._crashes = CrashHistory()
        self._front_crashes = CrashHistory()
        self._replay = ReplayBuffer(settings.replay_buffer, pod) if settings.replay_buffer else None
        self._stable = stable
        self._events = events
        self._observers = observers
        self._failure: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        # while draining nobody waits for it, and what is still answered goes on
        self._failure.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._tasks = Tasks(events)
        self._slots: tuple[WorkerSlot, ...] = ()
        self._status: PodStatus | None = None
        self._was_ready = False
        self._launched_at = 0.0

    async def run(self, launched: Launched, listening: socket, stop: StopRequest) -> int:
        """Until a signal (returns the exit status) or a failure (raises it)."""
        self._take(launched)
        parts = (self._settings, self._origin, self._front, self._verifier, self._slots)
        drifts = self._drifts()
        status = PodStatus(
            *parts, statistics=self._statistics, standby=self._standby, replay=self._replay, drifts=drifts
        )
        self._status = status
        control = await start_control(State(status, status.loaded, status.model_statistics), self._folder)
        await self._streams.start(self._folder / STREAMS_SOCKET, self._settings.max_body_bytes)
        app = admin.AdminApp(status, self._replay, drifts)
        handling = asyncio.create_task(self._handle_events())
        stopping = asyncio.create_task(stop.drain.wait())
        self._tasks.begin(admin.serve(admin.admin_server(app), listening))
        for slot, worker in zip(self._slots, launched.workers, strict=True):
            self._tasks.begin(slot.keep(worker))
        self._tasks.begin(self._front.keep())
        self._tasks.begin(self._standby.keep())
        try:
            either: set[asyncio.Future[Any]] = {stopping, self._failure}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._failure.done():
                self._failure.result()
            return await self._drain(status, Draining(self._streams, self._front, control, self._slots), stop)
        except FrontError as error:
            raise FrontFailed(f"{error}.") from None
        except NotConsistent:
            _LOG.error("refused", extra={"fields": {"report": status.report(LOGGED_BYTES)}})
            raise
        finally:
            if drifts is not None:
                drifts.close()
            stopping.cancel()
            await self._tasks.end(control.close(), self._streams.close())
            # last, because a page may wait until what has happened is handled
            handling.cancel()

    async def _handle_events(self) -> NoReturn:
        while True:
            event = await self._events.get()
            try:
                self._handle(event)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the pod
                if not self._failure.done():
                    self._failure.set_exception(error)
            finally:
                self._events.task_done()

    def _handle(self, event: Event) -> None:
        """Does not wait: what takes time is begun. Raises what ends the pod."""
        match event:
            case Entered(worker, phase):
                _LOG.debug("worker %d: %s", worker, phase)
                self._phase_changed()
            case Lost(requests):
                self._statistics.lost += requests
            case Died(worker, how):
                self._tasks.begin(self._replace(worker, self._delay_after(worker, how)))
            case Logged(lines):
                for line in lines:
                    self._count(line)
            case FrontDied(how):
                self._tasks.begin(self._replace_front(self._delay_after_front(how)))
            case Failed(error):
                raise error

    def _drifts(self) -> Drifts | None:
        """What compares this pod's answers with those of the stable revision, where there is one."""
        if self._stable is None:
            return None
        own, settings = OwnWorkers(self._slots), self._settings
        return Drifts(self._stable, own, settings.name, self._verifier.golden, settings.computing.backend)

    def _take(self, launched: Launched) -> None:
        """Gives every worker its place."""
        self._launched_at = launched.at
        for worker in launched.workers:
            self._keep_requests(worker)
        self._slots = tuple(
            WorkerSlot(
                worker,
                self._front,
                self._verifier,
                self._settings.request_timeout,
                Rechecker(self._verifier, self._statistics.rechecks),
                self._events,
            )
            for worker in launched.workers
        )

    async def _drain(self, status: PodStatus, draining: Draining, stop: StopRequest) -> int:
        """The exit status; a pod that is not ready has nothing to finish."""
        ready = status.readiness().ready
        status.draining = True
        _LOG.info("draining")
        return await draining.drain(self._settings, stop) if ready else 0

    def _count(self, line: bytes) -> None:
        """Counts a request by its line in the front's log; any other line is logged at debug level."""
        record = RequestRecord.parse(line)
        if record is None:
            _LOG.debug("front: %s", line.decode(errors="replace").rstrip())
            return
        self._statistics.add(record)
        for observer in self._observers:
            observer.add(record)
        if record.cut_short:
            self._front.left()
        if record.overdue:
            for index, slot in enumerate(self._slots):
                if record.worker == worker_name(index):
                    slot.timed_out()
        if _LOG.isEnabledFor(logging.DEBUG):
            _LOG.debug("request", extra={"fields": vars(record)})

    async def _replace(self, index: int, delay: float) -> None:
        """Another worker in the place of one that died, from its start to its end."""
        await asyncio.sleep(delay)
        worker = await start_worker(self._settings, self._children, self._folder, index, self._standby.take)
        self._keep_requests(worker)
        await self._slots[index].keep(worker)

    async def _replace_front(self, delay: float) -> None:
        await asyncio.sleep(delay)
        await self._front.replace()

    def _keep_requests(self, worker: WorkerProcess) -> None:
        if self._replay is not None and worker.replay is not None:
            self._replay.listen(worker.replay)

    def _delay_after(self, index: int, how: str) -> float:
        """Counts a crash; how many seconds the next start must wait. Raises WorkerCrashLoop."""
        _LOG.error("worker %s", how, extra={"fields": {"worker": index}})
        self._statistics.restarts[index] += 1
        if not self._slots[index].is_proving:  # the successor of such a one proves nothing: no beginning of a loop
            self._crashes = self._crashes.after(time.monotonic())
        if self._crashes.is_loop:
            raise WorkerCrashLoop(
                f"{LOOP_CRASHES} worker crashes within {LOOP_SECONDS:g} s. The last one: worker {index} {how}."
            )
        return self._crashes.delay

    def _delay_after_front(self, how: str) -> float:
        """Counts a death of the front; as for a worker. Raises FrontFailed."""
        _LOG.error(how)
        self._front_crashes = self._front_crashes.after(time.monotonic())
        self._statistics.front_restarts += 1
        if self._front_crashes.is_loop:
            raise FrontFailed(f"HAProxy ended {LOOP_CRASHES} times within {LOOP_SECONDS:g} s. The last time: {how}.")
        return self._front_crashes.delay

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
