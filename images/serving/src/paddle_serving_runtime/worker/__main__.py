"""A worker process: loads the graph, says so on a pipe, answers on a unix socket until SIGTERM.

Started by the supervisor. Never forks: the threads and locks of Paddle do not survive it.
"""

import argparse
import faulthandler
import fcntl
import gc
import logging
import os
import socket
import sys
import time
from pathlib import Path

import orjson
import uvicorn

from paddle_serving_runtime import logs
from paddle_serving_runtime.errors import ServiceBroken, ServingError
from paddle_serving_runtime.model.package import load_package
from paddle_serving_runtime.model.predictor import Switches
from paddle_serving_runtime.protocol import Limits
from paddle_serving_runtime.worker.answering import Answering
from paddle_serving_runtime.worker.app import WorkerApp
from paddle_serving_runtime.worker.busy import BusyMark
from paddle_serving_runtime.worker.options import WorkerOptions

_LOG = logging.getLogger(__name__)
_HIGH_DESCRIPTOR = 900
"""Below the 1024 that every process may have open."""

_NEVER = 10**8
"""Seconds of keep-alive: the front closes idle connections itself, which cannot hit a request on its way."""


def main() -> int:
    """Exit status 0 after SIGTERM, else that of the failure, which is also a line on the report pipe."""
    parser = argparse.ArgumentParser("paddle_serving_runtime.worker")
    parser.add_argument("options", type=WorkerOptions.from_json)
    options: WorkerOptions = parser.parse_args().options
    faulthandler.enable()
    logs.configure(options.log_level)
    try:
        app, loaded = _load(options)
    except ServingError as error:
        _report(options, failed={"reason": error.reason, "message": error.message, "exitCode": error.exit_code})
        return error.exit_code
    listening = _listen(Path(options.socket))
    gc.collect()
    gc.freeze()
    _report(options, loaded=loaded)
    uvicorn.Server(_server_config(app)).run(sockets=[listening])
    return 0


def _load(options: WorkerOptions) -> tuple[WorkerApp, dict[str, object]]:
    started = time.monotonic()
    import paddle  # noqa: PLC0415 - seconds long, and a wrong option must not wait for it

    from paddle_serving_runtime.engine import DirectEngine  # noqa: PLC0415 - the same
    from paddle_serving_runtime.graph import load  # noqa: PLC0415 - the same
    from paddle_serving_runtime.worker.batching import BatchingEngine  # noqa: PLC0415 - the same

    # else Paddle turns SIGTERM into an abort with a trace
    paddle.disable_signal_handler()
    imported = time.monotonic()
    package = load_package(Path(options.model_dir))
    switches = Switches(
        ir_optim=options.ir_optim, onednn=options.onednn, threads=options.threads, device=options.device
    )
    try:
        graph = load(package, dict(options.overrides), switches)
        engine = BatchingEngine(DirectEngine(graph))
    except SystemExit as error:
        raise ServiceBroken(
            f"web_service.py ended the process with sys.exit({error.code}) while it was loaded"
        ) from error
    for warning in graph.warnings:
        _LOG.warning(warning)
    loaded: dict[str, object] = {
        "service": graph.service,
        "paddleVersion": paddle.version.full_version,
        "device": graph.nodes[-1].switches.device,
        "importSeconds": round(imported - started, 3),
        "loadSeconds": round(time.monotonic() - imported, 3),
    }
    names = {name for name in (options.name, graph.service) if name}
    answering = Answering(engine, names, Limits(body_bytes=options.max_body_bytes))
    mark = BusyMark(Path(options.busy_file))
    return WorkerApp(answering, mark, orjson.dumps(loaded), options.max_body_bytes), loaded


def _listen(path: Path) -> socket.socket:
    """A listening socket, with a file descriptor above those of its connections.

    The kernel closes what a killed process had open from the highest descriptor down. With the listening socket first
    the front finds a dead worker's door closed when it sees the connection end, and loses no second request in it.
    """
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as first:
        first.bind(str(path))
        first.listen()
        return socket.socket(fileno=fcntl.fcntl(first, fcntl.F_DUPFD_CLOEXEC, _HIGH_DESCRIPTOR))


def _report(options: WorkerOptions, **content: object) -> None:
    with os.fdopen(options.report_fd, "wb") as pipe:
        pipe.write(orjson.dumps(content) + b"\n")


def _server_config(app: WorkerApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_NEVER,
    )


if __name__ == "__main__":
    sys.exit(main())
