"""The gRPC side of the recorder: a relay for every address that a client asks the proxy for, which keeps the calls.

gRPC honours `http_proxy`, too: it asks the proxy for a tunnel (CONNECT) to the address of its channel. So a client is
recorded as over HTTP, whatever its language, stub or version of Paddle Serving; a hook in PipelineClient would see the
Python clients alone, and change what it observes.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from tipc import messages
from tipc.exchange import EMPTY_ANSWER, Exchange, Route, failure
from tipc.relay import Call, Forwarder, Relay, Reply


class GrpcRecorder:
    """Relays by address; `keep` gets every exchange. `asked` is called as soon as a request has come."""

    def __init__(
        self, route: Route, deadline: float, asked: Callable[[], None], keep: Callable[[Exchange], None]
    ) -> None:
        self._route = route
        self._deadline = deadline
        self._asked = asked
        self._keep = keep
        self._lock = threading.Lock()
        self._ports: dict[str, int] = {}
        self._stack = ExitStack()

    def port(self, address: str) -> int:
        """The port of the relay that stands for `address`."""
        with self._lock:
            if address not in self._ports:
                forward = Forwarder(self._route.grpc_target(address))
                self._stack.callback(forward.close)
                relay = self._stack.enter_context(Relay(lambda call: self._reply(address, forward, call)))
                self._ports[address] = relay.port
            return self._ports[address]

    def close(self) -> None:
        """Ends all relays."""
        self._stack.close()

    def _reply(self, address: str, forward: Forwarder, call: Call) -> Reply:
        if call.path != PIPELINE_INFERENCE:
            return forward(call, self._deadline - time.monotonic())
        self._asked()
        started = time.monotonic()
        reply = Reply(b"") if self._route.canned else forward(call, self._deadline - started)
        seconds = time.monotonic() - started
        url = f"grpc://{address}{call.path}"
        body = _json(messages.request_json, call.message)
        self._keep(Exchange(url, body, f"gRPC {reply.status}", self._answer(reply), seconds, call.message))
        return reply

    def _answer(self, reply: Reply) -> bytes:
        if self._route.canned:
            return EMPTY_ANSWER
        if reply.status != "OK":
            return failure(f"gRPC status {reply.status}: {reply.details}")
        return _json(messages.response_json, reply.message)


def _json(convert: Callable[[bytes], bytes], message: bytes) -> bytes:
    try:
        return convert(message)
    except ValueError as error:
        return failure(str(error))
