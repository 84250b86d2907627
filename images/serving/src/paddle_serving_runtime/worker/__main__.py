"""A worker process: loads the graph, says so on a pipe, answers on a unix socket until SIGTERM.

Started by the supervisor, with its options or to wait for them (standby.py). Never forks: the threads and locks of
Paddle do not survive it.
"""

import argparse
import asyncio
import faulthandler
import os
import random
import signal
import socket
import sys
from pathlib import Path

import uvloop

from paddle_serving_runtime import logs
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.link.busy import BusyMark
from paddle_serving_runtime.link.lifeline import Lifeline
from paddle_serving_runtime.link.options import WorkerOptions
from paddle_serving_runtime.link.report import failed_line, loaded_line
from paddle_serving_runtime.protocol import Limits as ProtocolLimits
from paddle_serving_runtime.worker.http import Handler
from paddle_serving_runtime.worker.loading import Loaded, load_engine
from paddle_serving_runtime.worker.memory import settle
from paddle_serving_runtime.worker.payload_log import logged
from paddle_serving_runtime.worker.priority import yield_to_others
from paddle_serving_runtime.worker.reading import Limits
from paddle_serving_runtime.worker.sampling import Sampler, sampled
from paddle_serving_runtime.worker.server import serve
from paddle_serving_runtime.worker.standby import options_from


def main() -> int:
    """Exit status 0 after SIGTERM, else that of the failure, which is also a line on the report pipe."""
    parser = argparse.ArgumentParser("paddle_serving_runtime.worker")
    parser.add_argument("options", type=WorkerOptions.from_json, nargs="?")
    parser.add_argument("--standby", type=int, metavar="FD", help="wait for the options on this socket")
    parser.add_argument("--model-dir", type=Path)
    parser.add_argument("--go-ahead", type=int, metavar="FD", help="wait for it before the package is loaded")
    arguments = parser.parse_args()
    # a copy: stderr itself goes elsewhere while an engine computes that hides its errors (paddle_model/openvino.py)
    faulthandler.enable(os.dup(sys.stderr.fileno()))
    options = arguments.options or options_from(arguments.standby, arguments.model_dir)
    return run(options, arguments.go_ahead) if options else 0


def run(options: WorkerOptions, go_ahead: int | None = None) -> int:
    """Serves until SIGTERM; the exit status. `go_ahead` is the descriptor to wait on before the package is loaded."""
    logs.configure(options.log_level)
    try:
        loaded = load_engine(options, go_ahead)
    except ServingError as error:
        _report(options, failed_line(error))
        return error.exit_code
    listening = _listen(Path(options.socket))
    settle()
    yield_to_others()
    uvloop.run(_serve(options, loaded, listening))
    return 0


async def _serve(options: WorkerOptions, loaded: Loaded, listening: socket.socket) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    mark = BusyMark(Path(options.busy_file))
    lifeline = Lifeline(options.lifeline_fd) if options.lifeline_fd >= 0 else None
    _report(options, loaded_line(loaded.report))
    limits = Limits(body_bytes=options.max_body_bytes)
    await serve(_handler(options, loaded), listening, mark, limits, stop=stop, lifeline=lifeline)


def _handler(options: WorkerOptions, loaded: Loaded) -> Handler:
    from paddle_serving_runtime.worker.routes import make_handler  # noqa: PLC0415 - imports Paddle by the engine

    limits = ProtocolLimits(body_bytes=options.max_body_bytes)
    handler = make_handler(loaded.engine, loaded.names, limits, legacy_status=options.legacy_status)
    if options.log_payload_bytes:
        handler = logged(handler, options.log_requests, options.log_payload_bytes)
    if options.replay_fd < 0:
        return handler
    channel = socket.socket(fileno=options.replay_fd)
    return sampled(handler, Sampler(channel, options.replay_requests, random.random))


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    listening.listen()
    return listening


def _report(options: WorkerOptions, line: bytes) -> None:
    with os.fdopen(options.report_fd, "wb") as pipe:
        pipe.write(line)


if __name__ == "__main__":
    sys.exit(main())
