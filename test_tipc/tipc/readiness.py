"""Whether a service answers, found out before any client runs, so that a client's time is its own."""

import http.client
import json
import time
from collections.abc import Callable

from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from tipc.relay import call
from tipc.sending import send

NOT_YET = {502, 503}
GRPC_NOT_YET = {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
PAUSE = 0.1
PROBE_SECONDS = 10.0
PROBE_NAME = "tipc-readiness"
"""A request to a service that does not exist: whoever serves answers it without computing anything."""


def wait_until(probe: Callable[[], str], alive: Callable[[], bool], deadline: float) -> str:
    """Empty once `probe` has no objection any more; its last objection where time is over or nothing is alive."""
    while objection := probe():
        if not alive() or time.monotonic() >= deadline:
            return objection
        time.sleep(PAUSE)
    return ""


def http_objection(port: int) -> str:
    """Why the port of loopback serves no HTTP requests yet; empty where it does.

    Paddle Serving's gateway answers 503 until what computes is there, and so does the runtime.
    """
    address = ("127.0.0.1", port)
    url = f"http://127.0.0.1:{port}/{PROBE_NAME}/prediction"
    body = json.dumps({"key": [], "value": []}).encode()
    try:
        status, answer = send("POST", url, address, [("Content-Type", "application/json")], body, PROBE_SECONDS)
    except (OSError, http.client.HTTPException) as error:
        return f"port {port}: {type(error).__name__}: {error}"
    return f"port {port}: HTTP {status} {answer[:200]!r}" if status in NOT_YET else ""


def grpc_objection(port: int) -> str:
    """Why the port of loopback serves no gRPC calls yet; empty where it does, were it with a failure of its own."""
    message = MESSAGES["Request"](name=PROBE_NAME).SerializeToString()
    reply = call(f"127.0.0.1:{port}", PIPELINE_INFERENCE, message, PROBE_SECONDS)
    return f"port {port}: gRPC status {reply.status}: {reply.details}" if reply.status in GRPC_NOT_YET else ""


def probe(http_port: int | None, rpc_port: int | None) -> Callable[[], str] | None:
    """The probe of a service that listens on these ports; None where there is no port."""
    if http_port is not None:
        return lambda: http_objection(http_port)
    return None if rpc_port is None else lambda: grpc_objection(rpc_port)
