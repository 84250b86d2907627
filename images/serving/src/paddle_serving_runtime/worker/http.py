"""What a worker's HTTP server and its protocols hand to each other."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]


class HttpRequest(NamedTuple):
    """A complete request: `path` without its query, header names in lower case."""

    method: str
    path: str
    headers: Mapping[bytes, bytes]
    body: bytes | bytearray


class HttpReply(NamedTuple):
    """A complete response; with `trailers` it is sent in chunks, as gRPC behind the front needs it."""

    status: int
    headers: Headers
    body: bytes
    trailers: Headers | None = None


Respond = Callable[[HttpReply], None]
Handler = Callable[[HttpRequest, Respond], None]
"""Answers a request by calling `respond` exactly once, at once or later, from the event loop's thread."""
