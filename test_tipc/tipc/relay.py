"""A gRPC server on loopback that hands every unary call on, bytes untouched, and tells what was asked and answered."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import grpc
from typing_extensions import override

OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    # else the SO_REUSEPORT of a second relay could take half of the calls
    ("grpc.so_reuseport", 0),
)
THREADS = 8


@dataclass(frozen=True)
class Call:
    """One call: `/package.Service/method` and the message; `deadline` by time.monotonic()."""

    path: str
    message: bytes
    deadline: float


@dataclass(frozen=True)
class Reply:
    """The message that a call was answered with, or the status that it failed with, which is `OK` otherwise."""

    message: bytes
    status: str = "OK"
    details: str = ""


def call(address: str, path: str, message: bytes, seconds: float) -> Reply:
    """One unary call without any proxy; whatever becomes of it is in the reply."""
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        return _call(channel, path, message, seconds)


def _call(channel: grpc.Channel, path: str, message: bytes, seconds: float) -> Reply:
    try:
        return Reply(channel.unary_unary(path)(message, timeout=max(seconds, 0.1)))
    except grpc.RpcError as error:
        return Reply(b"", error.code().name, error.details() or "")


class Relay(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Context manager; `port` is where it listens. `answer` makes the reply to a call of a client."""

    def __init__(self, answer: Callable[[Call], Reply]) -> None:
        self._answer = answer
        self._server = grpc.server(ThreadPoolExecutor(THREADS), options=OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        self.port = int(self._server.add_insecure_port("127.0.0.1:0"))

    @override
    def service(self, handler_call_details: Any) -> grpc.RpcMethodHandler:
        path = handler_call_details.method

        def unary(message: bytes, context: grpc.ServicerContext) -> bytes:
            left = context.time_remaining()
            reply = self._answer(Call(path, message, time.monotonic() + (3600.0 if left is None else left)))
            if reply.status != "OK":
                context.abort(grpc.StatusCode[reply.status], reply.details)
            return reply.message

        return grpc.unary_unary_rpc_method_handler(unary)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(grace=None).wait()


class Forwarder:
    """Hands calls on to one address over one channel."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address, options=OPTIONS)

    def __call__(self, asked: Call, seconds: float) -> Reply:
        """The reply of the address, within the time of the call and `seconds`."""
        return _call(self._channel, asked.path, asked.message, min(seconds, asked.deadline - time.monotonic()))

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()
