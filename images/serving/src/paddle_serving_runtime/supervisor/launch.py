"""Starts the processes that take long. Imports little: they run while the supervisor loads the rest of itself."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, socketpair
from socket import socket as Socket  # noqa: N812 - there are fields of that name

from paddle_serving_runtime.link import ledger
from paddle_serving_runtime.link.lifeline import Keeper
from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.paddle_model.computing import Computing
from paddle_serving_runtime.paddle_model.plugin import with_free_threads
from paddle_serving_runtime.supervisor.allocator import Allocator, preloading
from paddle_serving_runtime.supervisor.children import Children
from paddle_serving_runtime.supervisor.settings import ServeSettings

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class WorkerProcess:
    """A worker that was started.

    `report` is the read end of the pipe for its one line, `keeper` has its connections; from `replay` come requests
    that it has answered, None where none is kept; `ledger` is the file of all workers about runs that requests share.
    """

    index: int
    process: Process
    report: asyncio.StreamReader
    socket: Path
    busy_file: Path
    keeper: Keeper
    ledger: Path
    replay: Socket | None = None


@dataclass(frozen=True)
class Launched:
    """What runs before anything else is known, since the time.monotonic() `at`.

    `reference` is None where there is no golden sample.
    """

    at: float
    workers: tuple[WorkerProcess, ...]
    reference: Process | None

    @property
    def processes(self) -> int:
        """How many load the package."""
        return len(self.workers) + (self.reference is not None)


TakeSpare = Callable[[WorkerOptions], Process | None]
"""A spare process that becomes the worker with these options; None where there is none."""


def _no_spare(_options: WorkerOptions) -> None:
    """There is none yet."""


async def launch(settings: ServeSettings, children: Children, folder: Path, go_ahead: int | None = None) -> Launched:
    """Starts every worker and the reference at once.

    `go_ahead` is the descriptor on which they wait before they load the package (link/go_ahead.py), None for at once.
    """
    started = time.monotonic()
    ledger.create(ledger_file(folder))
    workers = [
        await start_worker(settings, children, folder, index, _no_spare, go_ahead) for index in range(settings.workers)
    ]
    golden = settings.model_dir / "golden"
    has_samples = golden.is_dir() and any(path.is_file() for path in golden.iterdir())
    reference = await _start_reference(settings, children, folder, go_ahead) if has_samples else None
    return Launched(started, tuple(workers), reference)


def worker_socket(folder: Path, index: int) -> Path:
    """Where a worker listens."""
    return folder / f"w{index}.sock"


def ledger_file(folder: Path) -> Path:
    """What all workers know of the runs that requests share."""
    return folder / "ledger"


def reference_file(folder: Path) -> Path:
    """Where the reference process writes its answers."""
    return folder / "reference.json"


def reference_message(folder: Path) -> Path:
    """Where the reference process leaves its termination message."""
    return folder / "reference.message"


async def start_worker(
    settings: ServeSettings,
    children: Children,
    folder: Path,
    index: int,
    take_spare: TakeSpare,
    go_ahead: int | None = None,
) -> WorkerProcess:
    """Starts one worker process, which waits as `launch` says, or gives its place to a spare one."""
    read_end, write_end = os.pipe()
    busy_file = folder / f"w{index}.busy"
    # a restarted worker must not inherit the mark of the one before it
    busy_file.unlink(missing_ok=True)
    ledger.prepare_successor(ledger_file(folder), index)
    keeper = Keeper()
    replay, workers_replay = _replay_channel(settings)
    descriptors = (write_end, keeper.worker_descriptor, workers_replay.fileno() if workers_replay else -1)
    try:
        options = _worker_options(settings, folder, index, descriptors)
        arguments = (options.to_json(), *_waiting(go_ahead))
        inherited = (*options.descriptors, *_given(go_ahead))
        process = take_spare(options) or await start_process(settings, children, folder, arguments, inherited)
    finally:
        os.close(write_end)
        keeper.started()
        if workers_replay:
            workers_replay.close()
    _listen_to(keeper)
    report = await _reader(read_end)
    socket, shared_ledger = worker_socket(folder, index), ledger_file(folder)
    return WorkerProcess(index, process, report, socket, busy_file, keeper, shared_ledger, replay)


def _replay_channel(settings: ServeSettings) -> tuple[Socket | None, Socket | None]:
    """The supervisor's end and the worker's; nothing where no request is kept."""
    return socketpair(AF_UNIX, SOCK_SEQPACKET) if settings.replay_buffer else (None, None)


async def start_process(
    settings: ServeSettings, children: Children, folder: Path, arguments: Sequence[str], descriptors: Sequence[int]
) -> Process:
    """The process of a worker, with or without its place."""
    command = (*python("paddle_serving_runtime.worker"), *arguments)
    return await children.start(
        command, computing_environment(settings.computing, settings.allocator, folder), pass_fds=descriptors
    )


def _worker_options(
    settings: ServeSettings, folder: Path, index: int, descriptors: tuple[int, int, int]
) -> WorkerOptions:
    report_fd, lifeline_fd, replay_fd = descriptors
    return WorkerOptions(
        model_dir=str(settings.model_dir),
        name=settings.name,
        socket=str(worker_socket(folder, index)),
        busy_file=str(folder / f"w{index}.busy"),
        report_fd=report_fd,
        lifeline_fd=lifeline_fd,
        replay_fd=replay_fd,
        replay_requests=settings.replay_buffer,
        max_body_bytes=settings.max_body_bytes,
        computing=settings.computing,
        batching=settings.batching,
        ledger=str(ledger_file(folder)),
        log_level=settings.log_level,
        engine=settings.engine,
        index=index,
        legacy_status=settings.legacy_status,
        warmup=tuple(map(str, settings.warmup)),
        log_requests=settings.log_requests,
        log_payload_bytes=settings.log_payload_bytes,
    )


def _listen_to(keeper: Keeper) -> None:
    """Takes the worker's connections as they come, until it ends."""
    loop = asyncio.get_running_loop()
    descriptor = keeper.fileno()

    def receive() -> None:
        if not keeper.receive():
            loop.remove_reader(descriptor)

    loop.add_reader(descriptor, receive)


def python(module: str) -> tuple[str, ...]:
    """The command that runs a module and imports nothing from the folder that it is in.

    That folder may be the package, and what is imported before its files are verified must not come from there.
    """
    return (sys.executable, "-P", "-m", module)


def reference_command(model_dir: Path, output: Path, computing: Computing) -> tuple[str, ...]:
    """The command that computes the reference answers in a process of its own."""
    return (
        *(*python("paddle_serving_runtime.cli.main"), "reference"),
        *("--model-dir", str(model_dir), "--output", str(output), *computing.arguments),
    )


def _waiting(go_ahead: int | None) -> tuple[str, ...]:
    return () if go_ahead is None else ("--go-ahead", str(go_ahead))


def _given(go_ahead: int | None) -> tuple[int, ...]:
    return () if go_ahead is None else (go_ahead,)


async def _start_reference(settings: ServeSettings, children: Children, folder: Path, go_ahead: int | None) -> Process:
    command = reference_command(settings.model_dir, reference_file(folder), settings.computing)
    environment = computing_environment(settings.computing, settings.allocator, folder) | {
        "TERMINATION_LOG": str(reference_message(folder))
    }
    return await children.start((*command, *_waiting(go_ahead)), environment, pass_fds=_given(go_ahead))


def computing_environment(computing: Computing, allocator: Allocator, folder: Path) -> dict[str, str]:
    """That of every process that computes: its threads, what allocates its memory, and the engine's libraries.

    Copies of the engine's libraries lie in `folder`.
    """
    environment = preloading(allocator, process_environment(computing.threads))
    return with_free_threads(computing.backend, folder / "engine", environment)


def process_environment(threads: int) -> dict[str, str]:
    """This environment, with every library held to `threads` threads."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_VARIABLES, str(threads)),
        "PYTHONUNBUFFERED": "1",
        # Paddle warns at every import that it could not compile extensions quickly
        "PYTHONWARNINGS": ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), "ignore:No ccache found"))),
    }


async def _reader(descriptor: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(descriptor, "rb")
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader
