"""What a client asked and was answered, and where its requests go."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

TIMEOUT = 6000
"""Paddle Serving's err_no for it."""


@dataclass(frozen=True)
class Exchange:
    """One request of the client and what it was answered, both as pipeline messages in JSON, also where it was gRPC.

    `status` is `HTTP 200` or `gRPC OK`, or another one; `seconds` the time that the server took; `message` is the
    request as gRPC carried it, empty over HTTP.
    """

    url: str
    body: bytes
    status: str
    answer: bytes
    seconds: float
    message: bytes = b""


@dataclass(frozen=True)
class Route:
    """Where requests go. None: where the client sends them; `address` is for HTTP, `grpc` for gRPC.

    `canned`: every request gets an empty answer and goes nowhere, to learn what a client sends. `ports` are those of
    the service under test on this machine by their keys in config.yml, empty where requests are sent to it anyway.
    """

    address: tuple[str, int] | None = None
    grpc: tuple[str, int] | None = None
    canned: bool = False
    ports: Mapping[str, int] = field(default_factory=dict)

    def grpc_target(self, address: str) -> str:
        """Where a gRPC call to `address` goes, as gRPC writes it; `address` may be several with commas between."""
        if self.grpc:
            return "{}:{}".format(*self.grpc)
        return f"ipv4:{address}" if "," in address else address


def response(err_no: int, message: str) -> bytes:
    """A pipeline response without outputs."""
    return json.dumps({"err_no": err_no, "err_msg": message, "key": [], "value": [], "tensors": []}).encode()


def failure(message: str) -> bytes:
    """The response that stands for one that never came."""
    return response(TIMEOUT, message)


EMPTY_ANSWER = response(0, "")
