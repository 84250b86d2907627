"""haproxy.cfg for HAProxy 2.6: pure."""

from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.front import frontends
from paddle_serving_runtime.front.access import OPEN, Access
from paddle_serving_runtime.front.names import BACKEND, CONTROL, CONTROL_GRPC, DRAINING, LONG, STREAMS, worker_name
from paddle_serving_runtime.protocol.measured import HEADER

BUFFER_BYTES = 512 * 1024
"""A request whose body is in a buffer is read completely before it takes a worker, however slowly its client sends."""

LONG_BYTES = 384 * 1024
"""A body from here on may not fit into a buffer beside its headers."""

CONNECTIONS_BESIDE_QUEUE = 768
"""Open connections beyond the queue: idle ones, streams (two each), and those that are about to be refused."""

REQUEST_SECONDS = 10
"""How long a client may take to send its headers and the buffered part of its body (slow clients)."""

_KEEP_ALIVE_SECONDS = 75
_STREAM_HOURS = 1
_BUFFERS_BESIDE_QUEUE = 256
_CONTROL_CONNECTIONS = 64
_LOG_BYTES = 4096
_H2_WINDOW_BYTES = 1024 * 1024
_DEAD_AT_ONCE = "check inter 1s fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down"

_MEASURED = (
    f"    http-response set-var(txn.measured) res.hdr({HEADER.decode()})",
    f"    http-response del-header {HEADER.decode()}",
)


@dataclass(frozen=True)
class FrontSettings:
    """Everything that the configuration depends on; times in seconds.

    `grpc_port` 0 is no gRPC, else it is the socket `grpc` as well; `control` and `control_grpc` are the sockets of what
    is asked about models and health, `streams` that of streams of requests. `pod` is what this pod calls itself where
    it asks others, which it must not take for a client; empty where it asks nobody. `rows` is the largest number of
    requests that share a run of a model, 1 for none. `detailed`: see Rules. `access` says who may ask.
    """

    port: int
    grpc_port: int
    workers: tuple[Path, ...]
    control: Path
    control_grpc: Path
    streams: Path
    grpc: Path
    admin_socket: Path
    error_folder: Path
    queue: int
    request_timeout: float
    max_body_bytes: int
    pod: str = ""
    rows: int = 1
    detailed: bool = False
    access: Access = OPEN


def render(settings: FrontSettings) -> str:
    """The text of haproxy.cfg. Every worker starts disabled: only a verified one is enabled."""
    rules = frontends.Rules(
        error_folder=settings.error_folder,
        queue=settings.queue,
        max_body_bytes=settings.max_body_bytes,
        request_seconds=REQUEST_SECONDS,
        long_bytes=LONG_BYTES,
        long_requests=settings.queue + len(settings.workers),
        pod=settings.pod,
        detailed=settings.detailed,
        access=settings.access,
    )
    parts = [_global(settings), _defaults(settings), frontends.http(rules, settings.port), _workers(settings)]
    if settings.grpc_port:
        parts += [frontends.grpc(rules, settings.grpc_port, settings.grpc), _long(settings)]
    parts += [_control(settings), _draining(), [""]]
    return "\n".join(line for part in parts for line in part)


def _global(settings: FrontSettings) -> list[str]:
    in_flight = settings.rows * len(settings.workers) + settings.queue
    connections = in_flight + CONNECTIONS_BESIDE_QUEUE
    return [
        "global",
        # a line per request for the supervisor, which counts them
        f"    log stdout len {_LOG_BYTES} format raw daemon info",
        f"    stats socket {settings.admin_socket} mode 600 level admin",
        "    stats timeout 10s",
        f"    maxconn {connections}",
        "    nbthread 1",
        # else a second HAProxy could take the same port and half of the requests
        "    noreuseport",
        f"    tune.bufsize {BUFFER_BYTES}",
        # what is in a buffer goes to its worker by one call, and wakes it once
        f"    tune.sndbuf.server {BUFFER_BYTES}",
        # a hundred streams on every connection, each with a body that never ends, must not take all the memory
        f"    tune.buffers.limit {2 * in_flight + _BUFFERS_BESIDE_QUEUE}",
        f"    tune.h2.initial-window-size {_H2_WINDOW_BYTES}",
        "",
    ]


def _defaults(settings: FrontSettings) -> list[str]:
    time = f"{round(settings.request_timeout * 1000)}ms"
    return [
        "defaults",
        "    mode http",
        "    option abortonclose",
        # names that two servers may read differently (X_Y and X-Y) reach none
        "    option http-restrict-req-hdr-names delete",
        "    option redispatch 1",
        "    retries 2",
        # a request that has reached a worker is never sent to a second one: it may be what killed the first
        "    retry-on conn-failure",
        f"    timeout client {time}",
        f"    timeout server {time}",
        f"    timeout queue {time}",
        "    timeout connect 1s",
        f"    timeout http-request {REQUEST_SECONDS}s",
        f"    timeout http-keep-alive {_KEEP_ALIVE_SECONDS}s",
        "",
    ]


def _workers(settings: FrontSettings) -> list[str]:
    return [
        f"backend {BACKEND}",
        # fills one worker before the next: its caches stay warm
        "    balance first",
        # The first refused connection takes a dead worker out, before the supervisor does; `balance first` would send
        # it every request. Only the supervisor brings a worker in: what restarts is disabled until it is verified.
        # How many requests a worker can use at once is known when it is loaded, and set by the admin socket.
        "    http-reuse always",
        *_MEASURED,
        *_limits(settings),
        *(f"    server {worker_name(index)} unix@{path} disabled" for index, path in enumerate(settings.workers)),
        "",
    ]


def _limits(settings: FrontSettings) -> list[str]:
    if settings.rows == 1:
        return [f"    default-server maxconn 1 {_DEAD_AT_ONCE}"]
    # A worker that shares runs has as many requests as all workers have on average, else the first would have them all
    # while the next is idle; at its limit in any case when there are enough for all.
    return [
        f"    fullconn {settings.rows * len(settings.workers)}",
        f"    default-server minconn 1 maxconn {settings.rows} {_DEAD_AT_ONCE}",
    ]


def _long(settings: FrontSettings) -> list[str]:
    """The workers without the queue: there HAProxy would read a long body only as far as its buffers go.

    What it leaves unread holds up every other request of the same HTTP/2 connection, also one that a worker waits for
    the rest of: none of them would go on. A worker reads whatever it is sent, and computes one after the other.
    """
    workers = [f"{worker_name(index)} unix@{path}" for index, path in enumerate(settings.workers)]
    return [
        f"backend {LONG}",
        "    balance leastconn",
        "    http-reuse always",
        *_MEASURED,
        *(f"    server {worker} track {BACKEND}/{worker_name(index)}" for index, worker in enumerate(workers)),
        "",
    ]


def _control(settings: FrontSettings) -> list[str]:
    """What answers about models and health: the supervisor, also where every worker is busy."""
    return [
        f"backend {CONTROL}",
        "    http-reuse always",
        f"    server control unix@{settings.control} maxconn {_CONTROL_CONNECTIONS}",
        "",
        f"backend {CONTROL_GRPC}",
        # a client that watches the health of a service hears nothing while nothing happens
        f"    timeout server {_STREAM_HOURS}h",
        f"    server control unix@{settings.control_grpc} proto h2",
        "",
        f"backend {STREAMS}",
        # between two messages nothing happens either
        f"    timeout server {_STREAM_HOURS}h",
        # what one client leaves unread would hold up all that share its connection
        "    http-reuse never",
        f"    server streams unix@{settings.streams} proto h2",
        "",
    ]


def _draining() -> list[str]:
    backend, _, flag = DRAINING.partition("/")
    return [f"backend {backend}", f"    server {flag} unix@/nonexistent disabled"]
