"""One HTTP/1.1 request, to a worker of ours or to another pod."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

import httptools

_READ_BYTES = 256 * 1024
_MOST_HEADERS = 256
Take = Callable[[bytes], None]


class TooLongError(Exception):
    """An answer that is longer than may be."""


@dataclass(frozen=True)
class HttpAnswer:
    """A complete answer: header names in lower case, trailers among them."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    def texts(self) -> dict[str, str]:
        """The headers as text."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}


@dataclass(frozen=True)
class Outgoing:
    """A request: `path` as it is when decoded, with its query in `query`."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    query: str = ""

    def encode(self, host: str) -> bytes:
        """The bytes on the wire. The connection ends with the answer."""
        target = quote(self.path) + (f"?{self.query}" if self.query else "")
        headers = {"Host": host, "Content-Length": str(len(self.body)), "Connection": "close", **self.headers}
        lines = [f"{self.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


async def post(socket: Path, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """The answer of a worker. Raises OSError or EOFError where the worker goes away."""
    connection = await asyncio.open_unix_connection(str(socket))
    return await _exchange(*connection, Outgoing("POST", path, headers or {}, body).encode("worker"), _Incoming())


async def ask(
    host: str, port: int, request: Outgoing, limit: int, take: Take | None = None, tls: ssl.SSLContext | None = None
) -> HttpAnswer:
    """The answer of another pod. Raises OSError, EOFError, and TooLongError past `limit` bytes of its body.

    With `take` the body of a good answer is not kept: its pieces are given to `take` as they come.
    """
    connection = await asyncio.open_connection(host, port, ssl=tls)
    return await _exchange(*connection, request.encode(host), _Incoming(limit, take))


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, incoming: "_Incoming"
) -> HttpAnswer:
    try:
        writer.write(request)
        await writer.drain()
        while not incoming.complete:
            data = await reader.read(_READ_BYTES)
            if not data:
                raise EOFError("the connection was closed before the answer was complete")
            incoming.feed(data)
    finally:
        writer.close()
    return incoming.answer()


class _Incoming:
    """An answer as its pieces come."""

    def __init__(self, limit: int | None = None, take: Take | None = None) -> None:
        self.complete = False
        self._limit = limit
        self._take = take
        self._size = 0
        self._headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Reads on. Raises EOFError where it is no HTTP, and what its body was refused with."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise error.__context__ or EOFError(f"the answer is no HTTP: {error}") from None

    def answer(self) -> HttpAnswer:
        """What has come."""
        return HttpAnswer(self._parser.get_status_code(), self._headers, b"".join(self._pieces))

    # what httptools calls; without underscores because those are its names

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header or a trailer."""
        if len(self._headers) < _MOST_HEADERS:
            self._headers[name.lower()] = value

    def on_body(self, piece: bytes) -> None:
        """A part of the body."""
        self._size += len(piece)
        if self._limit is not None and self._size > self._limit:
            raise TooLongError
        if self._take is not None and self._parser.get_status_code() == HTTPStatus.OK:
            self._take(piece)
        else:
            self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """There is no more."""
        self.complete = True
