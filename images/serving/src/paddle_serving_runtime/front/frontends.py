"""The two frontends of haproxy.cfg: HTTP, and gRPC over HTTP/2. Pure."""

from dataclasses import dataclass
from pathlib import Path

from paddle_serving_runtime.front.access import INSIDE, Access
from paddle_serving_runtime.front.log import DETAILED_LOG_FORMAT, LOG_FORMAT
from paddle_serving_runtime.front.names import (
    BACKEND,
    CONTROL,
    CONTROL_GRPC,
    DRAINING,
    GRPC,
    HTTP,
    LONG,
    STREAMS,
)
from paddle_serving_runtime.front.refusals import (
    BY_PATH,
    GET_ONLY,
    LOOP,
    LOST,
    LOST_STATUS,
    NOT_GRPC,
    OWN_STATUSES,
    POST_ONLY,
    QUEUE_FULL,
    UNAUTHORIZED,
    Refusal,
    too_long,
)
from paddle_serving_runtime.protocol.exchange import ASKING_POD
from paddle_serving_runtime.protocol.open_inference.rest import error_json
from paddle_serving_runtime.protocol.paths import (
    INFER_PATTERN,
    MODEL_STREAM_INFER,
    OPEN_INFERENCE_ROOT,
    REPOSITORY_ROOT,
    WORKER_GRPC_PATHS,
)

RETRY_AFTER_SECONDS = 1


@dataclass(frozen=True)
class Rules:
    """What the rules of a frontend depend on; a body from `long_bytes` on is long, so many of them are taken.

    `pod` is what this pod calls itself where it asks others, empty where it asks nobody. `detailed`: the log
    says how large a request is, and which trace it belongs to.
    """

    error_folder: Path
    queue: int
    max_body_bytes: int
    request_seconds: int
    long_bytes: int
    long_requests: int
    pod: str
    detailed: bool
    access: Access


def http(rules: Rules, port: int) -> list[str]:
    """HTTP/1.1: inference of both protocols to workers, the rest of the Open Inference Protocol to control."""
    return [
        f"frontend {HTTP}",
        rules.access.binding(port, "h1", "http/1.1"),
        *(_error_file(rules, code, f"{code}.http") for code in OWN_STATUSES if code not in BY_PATH),
        *(_error_by_path(rules, code) for code in BY_PATH),
        *_begin(rules),
        *_key_needed(rules),
        f"    acl open-inference path_beg {OPEN_INFERENCE_ROOT}/",
        f"    acl open-inference path {OPEN_INFERENCE_ROOT}",
        f"    acl infer path_reg {INFER_PATTERN}",
        f"    acl repository path_beg {REPOSITORY_ROOT}/",
        *([_return(rules, LOOP, "", f"{{ req.hdr({ASKING_POD}) -m str {rules.pod} }}")] if rules.pod else []),
        _return(rules, POST_ONLY, "Allow POST", "!METH_POST !open-inference or !METH_POST !METH_GET infer"),
        _return_get_only("!METH_POST !METH_GET"),
        _return(rules, too_long(rules.max_body_bytes), "", f"{{ req.body_size gt {rules.max_body_bytes} }}"),
        _return(rules, QUEUE_FULL, f"Retry-After {RETRY_AFTER_SECONDS}", f"METH_POST {_full(rules)} !repository"),
        *_wait_for_body(rules, "METH_POST"),
        # clients with open connections move on to another pod before this one closes
        f"    http-after-response set-header Connection close if {{ srv_is_up({DRAINING}) }}",
        "    http-after-response set-header X-Request-Id %[var(txn.id)]",
        _lost_by_path(rules),
        f"    use_backend {CONTROL} if METH_GET open-inference or repository",
        f"    default_backend {BACKEND}",
        "",
    ]


def grpc(rules: Rules, port: int, socket: Path) -> list[str]:
    """HTTP/2: inference to workers, everything else to the supervisor, which knows what there is.

    On `socket` the supervisor itself is the client: it sends the messages of streams one by one.
    """
    full = rules.error_folder / f"grpc-{QUEUE_FULL.status.value}.http"
    lost = rules.error_folder / f"grpc-{LOST_STATUS}.http"
    return [
        f"frontend {GRPC}",
        rules.access.binding(port, "h2", "h2"),
        f"    bind unix@{socket} mode 600 proto h2 name {INSIDE}",
        *(_error_file(rules, code, f"grpc-{code}.http") for code in OWN_STATUSES),
        *_begin(rules),
        *_grpc_key_needed(rules),
        f"    acl inference path {' '.join(WORKER_GRPC_PATHS)}",
        f"    http-request return status 405 content-type text/plain string '{POST_ONLY.message}' if !METH_POST",
        "    acl is-grpc req.hdr(content-type) -m beg application/grpc",
        f"    http-request return status 415 content-type text/plain string '{NOT_GRPC}' if !is-grpc",
        f"    http-request return status 503 errorfile {full} if inference {_full(rules)}",
        *_wait_for_body(rules, "inference"),
        f"    acl long req.body_len ge {rules.long_bytes}",
        f"    acl many-long be_conn({LONG}) ge {rules.long_requests}",
        f"    http-request return status 503 errorfile {full} if inference long many-long",
        f"    http-after-response set-header Connection close if {{ srv_is_up({DRAINING}) }}",
        "    http-after-response set-header X-Request-Id %[var(txn.id)]",
        f"    http-response return status {LOST.status.value} errorfile {lost} if {{ status {LOST_STATUS} }}",
        # of a failure, which is headers alone; an answer has its status behind its body
        "    http-after-response set-var(txn.grpc) res.hdr(grpc-status)",
        f"    use_backend {LONG} if inference long",
        f"    use_backend {BACKEND} if inference",
        f"    use_backend {STREAMS} if {{ path {MODEL_STREAM_INFER} }}",
        f"    default_backend {CONTROL_GRPC}",
        "",
    ]


def _begin(rules: Rules) -> list[str]:
    return [
        "    log global",
        f"    log-format '{DETAILED_LOG_FORMAT if rules.detailed else LOG_FORMAT}'",
        *(["    http-request set-var(txn.trace) req.hdr(traceparent),bytes(0,64)"] if rules.detailed else []),
        "    http-request set-var(txn.start) date(0,us)",
        "    http-request set-var(txn.path) path,bytes(0,256)",
        "    http-request set-var(txn.id) uuid()",
        "    http-request set-header X-Request-Id %[var(txn.id)]",
    ]


def _key_needed(rules: Rules) -> list[str]:
    if rules.access.keys is None:
        return []
    refused = _return(rules, UNAUTHORIZED, "WWW-Authenticate Bearer", "!authorized")
    return [*rules.access.definitions(), refused, *rules.access.forgotten()]


def _grpc_key_needed(rules: Rules) -> list[str]:
    if rules.access.keys is None:
        return []
    status = UNAUTHORIZED.status.value
    file = rules.error_folder / f"grpc-{status}.http"
    refused = f"    http-request return status {status} errorfile {file} if !authorized !inside"
    return [*rules.access.definitions(), refused, *rules.access.forgotten()]


def _wait_for_body(rules: Rules, condition: str) -> list[str]:
    """A whole request, or a full buffer, before it takes a worker: slow clients wait here."""
    limits = f"time {rules.request_seconds}s at-least {rules.long_bytes}"
    return [
        f"    http-request wait-for-body {limits} if {condition}",
        "    http-request set-var(txn.start) date(0,us)",
    ]


def _full(rules: Rules) -> str:
    return f"{{ queue({BACKEND}) ge {rules.queue} }}"


def _return(rules: Rules, refusal: Refusal, header: str, condition: str) -> str:
    status = refusal.status.value
    headers = f" hdr {header}" if header else ""
    body = _body_by_path(rules, status)
    return f"    http-request return status {status} content-type application/json{headers} {body} if {condition}"


def _return_get_only(condition: str) -> str:
    """For paths of the Open Inference Protocol alone."""
    body = error_json(GET_ONLY.message).decode()
    headers = 'content-type application/json hdr Allow "GET, HEAD"'
    return f"    http-request return status {GET_ONLY.status.value} {headers} string '{body}' if {condition}"


def _lost_by_path(rules: Rules) -> str:
    """For the supervisor's answer to a request that died with its worker; HAProxy's own 502 never comes here."""
    body = _body_by_path(rules, LOST_STATUS)
    status = LOST.status.value
    return (
        f"    http-response return status {status} content-type application/json {body} if {{ status {LOST_STATUS} }}"
    )


def _error_file(rules: Rules, status: int, name: str) -> str:
    return f"    errorfile {status} {rules.error_folder / name}"


def _error_by_path(rules: Rules, status: int) -> str:
    return f"    http-error status {status} content-type application/json {_body_by_path(rules, status)}"


def _body_by_path(rules: Rules, status: int) -> str:
    # `CONNECT host:port` and `OPTIONS *` have no path, which without the default would be no body
    return f"lf-string '%[var(txn.path,/),concat(/),map_beg({rules.error_folder / f'{status}.map'})]'"
