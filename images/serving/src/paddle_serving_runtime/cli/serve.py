"""Serves a model package: the entry point of the container."""

import argparse
import asyncio
import logging
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from paddle_serving_runtime import logs
from paddle_serving_runtime.cli.access import access_from, add_access
from paddle_serving_runtime.cli.options import (
    SERVED_BACKENDS,
    add_batching,
    add_computing,
    add_consistency,
    add_image_digest,
    add_stable,
    add_warmup,
    batching_from,
    boolean,
    checked_image_digest,
    computing_from,
    consistency_from,
    require,
    service_name,
    stable_service,
    warmup_from,
)
from paddle_serving_runtime.cli.preconditions import require_haproxy, require_readable, working_folder
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.link.go_ahead import GoAhead
from paddle_serving_runtime.supervisor.allocator import ALLOCATORS, find_allocator
from paddle_serving_runtime.supervisor.children import Children, kill
from paddle_serving_runtime.supervisor.choosing import chosen
from paddle_serving_runtime.supervisor.cpus import available_cpus, workers_for
from paddle_serving_runtime.supervisor.launch import launch
from paddle_serving_runtime.supervisor.settings import MAX_REPLAY_REQUESTS, ServeSettings, Sign
from paddle_serving_runtime.supervisor.stopping import StopRequest
from paddle_serving_runtime.supervisor.verified_files import verify_files

_LOG = logging.getLogger(__name__)
_PORTS = range(1, 65536)
_MAX_WORKERS = 64


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `serve`."""
    parser.add_argument("--model-dir", type=Path, required=True, help="the model package")
    parser.add_argument("--name", required=True, help="served as POST /<name>/<method>, beside web_service.py's name")
    parser.add_argument(
        "--workers", default="auto", help="a number, or auto: CPU limit / threads per worker; 1 with --engine pipeline"
    )
    add_computing(parser, SERVED_BACKENDS)
    add_batching(parser)
    add_warmup(parser)
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--grpc-port", type=int, default=9000, help="gRPC; 0: none")
    parser.add_argument("--admin-port", type=int, default=8081, help="probes, metrics, report")
    parser.add_argument("--engine", choices=("direct", "pipeline"), default="direct", help="what runs web_service.py")
    parser.add_argument(
        "--legacy-status",
        type=boolean,
        default=False,
        metavar="true|false",
        help="HTTP 200 for errors of the service in the pipeline JSON protocol, as Paddle Serving gives it: err_no "
        "tells. Other errors keep their status: 405, 413, 429 (queue full), 503 (no worker), 504 (time-out)",
    )
    add_access(parser)
    _add_processes(parser)
    parser.add_argument("--drain-delay", type=float, default=5.0, help="least seconds served after SIGTERM")
    parser.add_argument("--drain-timeout", type=float, default=20.0, help="seconds for requests in flight after that")
    parser.add_argument("--request-timeout", type=float, default=60.0, help="seconds; then 504 and a new worker")
    parser.add_argument("--queue", type=int, default=128, help="requests that may wait; more get 429")
    parser.add_argument("--max-body-bytes", type=int, default=64 * 1024 * 1024)
    parser.add_argument("--digest", default="", help="sha256:<hex>; every file is verified before it is loaded")
    _add_evidence(parser)
    _add_proof(parser)


def _add_processes(parser: argparse.ArgumentParser) -> None:
    """What the processes that compute are, beside what they compute."""
    parser.add_argument(
        "--standby",
        type=boolean,
        default=True,
        metavar="true|false",
        help="keep a process that has imported Paddle (130 MiB) for the place of a worker that dies",
    )
    parser.add_argument(
        "--allocator",
        choices=ALLOCATORS,
        default=ALLOCATORS[0],
        help="what allocates memory in workers and reference; system: the C library. default: %(default)s",
    )


def _add_proof(parser: argparse.ArgumentParser) -> None:
    """What is compared, how, and when."""
    add_consistency(parser)
    parser.add_argument("--require", choices=("recorded", "engine-only", "auto"), default="auto")
    parser.add_argument("--consistency-required", type=boolean, default=True, metavar="true|false")
    parser.add_argument(
        "--recheck-interval",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="every worker answers the golden samples again within this time; one that answers otherwise is replaced. "
        "0, the default: never",
    )
    parser.add_argument(
        "--replay-buffer",
        type=int,
        default=0,
        metavar="REQUESTS",
        help="keep a sample of so many requests with their answers in memory, at most 64 MiB, and give it to everybody "
        "who asks GET /requests on the admin port; 0, the default: none",
    )
    add_stable(parser)


def _add_evidence(parser: argparse.ArgumentParser) -> None:
    """What makes the report more than a claim."""
    add_image_digest(parser)
    parser.add_argument(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="a private key (PEM, PKCS#8, ed25519) that the report is signed with; `verify --public-key` checks it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serves until SIGTERM; returns 0 after a complete drain. Raises ServingError."""
    level = os.environ.get("LOG_LEVEL", "info")
    try:
        logs.configure(level)
    except ValueError:
        raise InvalidOption(f"LOG_LEVEL {level!r} is not a level: debug, info, warning or error.") from None
    share = share_of(os.environ.get("LOG_REQUESTS", "0"))
    shown = payload_bytes_of(os.environ.get("LOG_PAYLOAD_BYTES", "0"), share)
    settings = replace(settings_from(arguments, level), log_requests=share, log_payload_bytes=shown)
    require_haproxy()
    require_readable(settings.model_dir)
    folder = working_folder()
    try:
        return asyncio.run(_serve(settings, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def share_of(text: str) -> float:
    """LOG_REQUESTS: a number from 0, none, to 1, every request. Raises InvalidOption."""
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    require(0.0 <= share <= 1.0, f"LOG_REQUESTS {text!r} is not a share: a number from 0 (none) to 1 (every request)")
    return share


def payload_bytes_of(text: str, share: float) -> int:
    """LOG_PAYLOAD_BYTES: how much of a request and of its answer the log shows, 0 for nothing. Raises InvalidOption."""
    require(text.isdecimal(), f"LOG_PAYLOAD_BYTES {text!r} is not a number of bytes; 0 shows nothing of a request")
    shown = int(text)
    require(
        share > 0 or not shown, f"LOG_PAYLOAD_BYTES {text!r} shows nothing without LOG_REQUESTS: name a share there"
    )
    return shown


async def _serve(settings: ServeSettings, folder: Path) -> int:
    stop = StopRequest()
    stop.listen()
    children = Children()
    verified = verify_files(settings)
    try:
        if settings.computing.backend != "Default" and not await _unless_stopped(verified, stop):
            return 0  # `chosen` would load the model
        settings = await chosen(settings, children, folder, stop)
        with GoAhead() as go_ahead:
            launched = await launch(settings, children, folder, go_ahead.descriptor)
            # its imports take as long as the workers' first steps, so they come after the workers' start
            from paddle_serving_runtime.supervisor.supervise import supervise  # noqa: PLC0415

            if not await _unless_stopped(verified, stop):
                return 0
            go_ahead.give(launched.processes)
            return await supervise(settings, children, launched, folder, stop)
    finally:
        for child in children.running():
            kill(child)
            await child.wait()


async def _unless_stopped(verified: asyncio.Future[None], stop: StopRequest) -> bool:
    """Whether the package is verified; False where somebody wants the end before. Raises what `verified` does."""
    stopping = asyncio.create_task(stop.drain.wait())
    try:
        either: set[asyncio.Future[Any]] = {verified, stopping}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if verified.done():
        verified.result()
    return verified.done()


def settings_from(arguments: argparse.Namespace, log_level: str) -> ServeSettings:
    """The settings, checked. Raises InvalidOption naming the flag."""
    _require_valid(arguments)
    computing = computing_from(arguments)
    require(
        arguments.engine == "direct" or computing.backend == "Default",
        f"--backend {computing.backend} needs --engine direct: Paddle Serving's own engine loads models itself",
    )
    return ServeSettings(
        model_dir=arguments.model_dir.resolve(),
        name=service_name(arguments.name),
        workers=_workers(arguments.workers, computing.threads, arguments.engine),
        computing=computing,
        batching=batching_from(arguments),
        warmup=warmup_from(arguments),
        http_port=arguments.http_port,
        grpc_port=arguments.grpc_port,
        admin_port=arguments.admin_port,
        drain_delay=arguments.drain_delay,
        drain_timeout=arguments.drain_timeout,
        request_timeout=arguments.request_timeout,
        queue=arguments.queue,
        max_body_bytes=arguments.max_body_bytes,
        digest=arguments.digest,
        consistency=consistency_from(arguments, arguments.require, required=arguments.consistency_required),
        log_level=log_level,
        engine=arguments.engine,
        legacy_status=arguments.legacy_status,
        standby=arguments.standby,
        image_digest=checked_image_digest(arguments.image_digest),
        sign=_signer(arguments.signing_key) if arguments.signing_key else None,
        recheck_interval=arguments.recheck_interval,
        replay_buffer=arguments.replay_buffer,
        stable=stable_service(arguments),
        allocator=find_allocator(arguments.allocator),
        access=access_from(arguments),
    )


def _signer(path: Path) -> Sign:
    """Raises InvalidOption for a file that is no key."""
    from paddle_serving_runtime.evidence.signature import Signer, load_private_key  # noqa: PLC0415 - 10 MiB of memory

    return Signer(load_private_key(path))


def _require_valid(arguments: argparse.Namespace) -> None:
    for flag in ("http_port", "admin_port"):
        require(getattr(arguments, flag) in _PORTS, f"{_flag(flag)} must be between 1 and 65535")
    require(arguments.grpc_port == 0 or arguments.grpc_port in _PORTS, "--grpc-port must be between 0 and 65535")
    for one, other in (("http_port", "admin_port"), ("http_port", "grpc_port"), ("grpc_port", "admin_port")):
        same = getattr(arguments, one) == getattr(arguments, other)
        require(not same, f"{_flag(one)} and {_flag(other)} must differ")
    for flag in ("request_timeout", "max_body_bytes", "queue"):
        require(getattr(arguments, flag) > 0, f"{_flag(flag)} must be positive")
    for flag in ("drain_delay", "drain_timeout", "recheck_interval"):
        require(0 <= getattr(arguments, flag) < math.inf, f"{_flag(flag)} must be finite and not negative")
    most = MAX_REPLAY_REQUESTS
    require(0 <= arguments.replay_buffer <= most, f"--replay-buffer must be between 0 and {most}")


def _workers(text: str, threads: int, engine: str) -> int:
    cpus = available_cpus()
    if text == "auto" and engine == "pipeline":
        return 1  # the stock pipeline scales by the concurrency of its Ops
    if text == "auto":
        return min(workers_for(cpus, threads), _MAX_WORKERS)
    count = int(text) if text.isdecimal() else 0
    require(1 <= count <= _MAX_WORKERS, f"--workers {text} is neither auto nor a number from 1 to {_MAX_WORKERS}")
    if count * threads > cpus:
        _LOG.warning("%d workers of %d threads share %g CPUs; answers will be slower", count, threads, cpus)
    return count


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"
