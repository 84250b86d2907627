"""haproxy.cfg and its error files: pure."""

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from paddle_serving_runtime.protocol import ErrorCode, error_body

BACKEND = "workers"
DRAINING = "draining/flag"
"""A server that stands for nothing: enabling it by the admin socket tells the rules that the pod drains."""

BUFFER_BYTES = 128 * 1024
"""A request up to this size is read completely before it takes a worker, however slowly its client sends."""

REQUEST_SECONDS = 10
"""How long a client may take to send its headers and the buffered part of its body (slow clients)."""

KEEP_ALIVE_SECONDS = 75
RETRY_AFTER_SECONDS = 1
_DEAD_AT_ONCE = "check inter 1s fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down"
_LOG_BYTES = 4096
# quoted, because all of it is empty for bytes that are no HTTP request
_LOG_FORMAT = (
    '{"code":"%ST","microseconds":"%[date(0,us),sub(txn.start)]","queued":"%Tw","worker":"%s",'
    '"path":"%[var(txn.path),json(utf8s)]","end":"%ts","request":"%[var(txn.id)]"}'
)
CONNECTIONS_BESIDE_QUEUE = 512
"""Open connections beyond the queue: idle keep-alive ones, and those that are about to be refused."""


@dataclass(frozen=True)
class FrontSettings:
    """Everything that the configuration depends on; times in seconds."""

    port: int
    workers: tuple[Path, ...]
    admin_socket: Path
    error_folder: Path
    queue: int
    request_timeout: float
    max_body_bytes: int


def render(settings: FrontSettings) -> str:
    """The text of haproxy.cfg for HAProxy 2.6. Every worker starts disabled: only a verified one is enabled."""
    return "\n".join([*_global(settings), *_defaults(settings), *_frontend(settings), *_backend(settings), ""])


def worker_name(index: int) -> str:
    """The name of a worker's server within the backend."""
    return f"w{index}"


def error_files() -> dict[int, bytes]:
    """Complete HTTP responses by the status that HAProxy would send, in the form of a pipeline response.

    502 is what HAProxy calls a worker that died while it answered; for the client that is a 503.
    """
    lost = _http(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.CLOSED_ERROR, "the worker of this request was lost; retry")
    return {
        400: _http(HTTPStatus.BAD_REQUEST, ErrorCode.RPC_PACKAGE_ERROR, "not a valid HTTP request"),
        408: _http(HTTPStatus.REQUEST_TIMEOUT, ErrorCode.TIMEOUT, "the request took too long to arrive"),
        500: _http(HTTPStatus.INTERNAL_SERVER_ERROR, ErrorCode.UNKNOWN, "internal error"),
        502: lost,
        503: _http(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.CLOSED_ERROR, "no worker is available; retry"),
        504: _http(HTTPStatus.GATEWAY_TIMEOUT, ErrorCode.TIMEOUT, "the request took longer than the time-out"),
    }


def _global(settings: FrontSettings) -> list[str]:
    connections = len(settings.workers) + settings.queue + CONNECTIONS_BESIDE_QUEUE
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
        "",
    ]


def _defaults(settings: FrontSettings) -> list[str]:
    time = f"{round(settings.request_timeout * 1000)}ms"
    return [
        "defaults",
        "    mode http",
        "    option abortonclose",
        "    option redispatch 1",
        "    retries 2",
        "    retry-on conn-failure",
        f"    timeout client {time}",
        f"    timeout server {time}",
        f"    timeout queue {time}",
        "    timeout connect 1s",
        f"    timeout http-request {REQUEST_SECONDS}s",
        f"    timeout http-keep-alive {KEEP_ALIVE_SECONDS}s",
        *(f"    errorfile {code} {settings.error_folder / f'{code}.http'}" for code in error_files()),
        "",
    ]


def _frontend(settings: FrontSettings) -> list[str]:
    full = f"{{ queue({BACKEND}) ge {settings.queue} }}"
    return [
        "frontend http",
        f"    bind *:{settings.port} proto h1",
        "    log global",
        f"    log-format '{_LOG_FORMAT}'",
        "    http-request set-var(txn.start) date(0,us)",
        "    http-request set-var(txn.path) path,bytes(0,256)",
        "    http-request set-var(txn.id) uuid()",
        "    http-request set-header X-Request-Id %[var(txn.id)]",
        _return(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.RPC_PACKAGE_ERROR, "only POST is answered", "Allow POST")
        + " if !METH_POST",
        _return(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            ErrorCode.RPC_PACKAGE_ERROR,
            f"the body is longer than {settings.max_body_bytes} bytes",
        )
        + f" if {{ req.body_size gt {settings.max_body_bytes} }}",
        _return(
            HTTPStatus.TOO_MANY_REQUESTS,
            ErrorCode.CLOSED_ERROR,
            "the queue is full; retry",
            f"Retry-After {RETRY_AFTER_SECONDS}",
        )
        + f" if {full}",
        # a whole request, or a full buffer, before it takes a worker: slow clients wait here
        f"    http-request wait-for-body time {REQUEST_SECONDS}s at-least {BUFFER_BYTES}",
        "    http-request set-var(txn.start) date(0,us)",
        "    http-after-response set-header X-Request-Id %[var(txn.id)]",
        # clients with open connections move on to another pod before this one closes
        f"    http-after-response set-header Connection close if {{ srv_is_up({DRAINING}) }}",
        f"    default_backend {BACKEND}",
        "",
    ]


def _backend(settings: FrontSettings) -> list[str]:
    backend, _, flag = DRAINING.partition("/")
    return [
        f"backend {BACKEND}",
        # fills one worker before the next: its caches stay warm
        "    balance first",
        # The first refused connection takes a dead worker out, before the supervisor does; `balance first` would send
        # it every request. Only the supervisor brings a worker in: what restarts is disabled until it is verified.
        # One connection a worker, used again by whoever comes: an idle second one would die with the worker unnoticed.
        "    http-reuse always",
        f"    default-server maxconn 1 pool-max-conn 1 {_DEAD_AT_ONCE}",
        *(f"    server {worker_name(index)} unix@{path} disabled" for index, path in enumerate(settings.workers)),
        "",
        f"backend {backend}",
        f"    server {flag} unix@/nonexistent disabled",
    ]


def _return(status: HTTPStatus, code: ErrorCode, message: str, header: str = "") -> str:
    body = error_body(code, message).decode()
    headers = f" hdr {header}" if header else ""
    return f"    http-request return status {status.value} content-type application/json{headers} string '{body}'"


def _http(status: HTTPStatus, code: ErrorCode, message: str) -> bytes:
    body = error_body(code, message)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\nCache-Control: no-cache\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
