"""Bytes of a connection to complete requests, or to the refusal of what is not one. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

import httptools

from paddle_serving_runtime.words import counted
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest
from paddle_serving_runtime.worker.refusal import form_of, refusal
from paddle_serving_runtime.worker.wire import path_of

_FIRST_BYTES = 1024 * 1024
"""A body of known length gets at most so much memory before it comes."""


@dataclass(frozen=True)
class Limits:
    """Of one request: bytes of the body, seconds until it is complete, bytes and number of the headers.

    `discard_seconds`: what follows a refusal is read and thrown away that long, or its sender might not see it.
    """

    body_bytes: int
    body_seconds: float = 10.0
    discard_seconds: float = 1.0
    head_bytes: int = 64 * 1024
    headers: int = 128


class Received(NamedTuple):
    """A complete request, or what its sender gets instead; `last` where the connection ends with it."""

    request: HttpRequest | None
    refused: HttpReply | None
    last: bool


class RequestReader:
    """Calls `deliver` for every request, from within `feed` or `filled`. After a refusal it is `deaf`.

    The head of a request is fed, and so is a body in chunks. Of a body whose length is known only what came with the
    head is: what is missing belongs into `rest`, which is None otherwise, without a copy and past the parser.
    """

    def __init__(self, limits: Limits, deliver: Callable[[Received], None]) -> None:
        self.deaf = False
        self.incomplete = False
        self.expects_continue = False
        self.rest: memoryview | None = None
        self._limits = limits
        self._deliver = deliver
        self._parser = httptools.HttpRequestParser(self)
        self._body = bytearray()
        self.on_message_begin()
        self.incomplete = False

    def feed(self, data: bytes | memoryview) -> None:
        """Reads on."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # an answer in HTTP/1.1 says no to it; what follows is in another protocol
            self.deaf = True
        except httptools.HttpParserError:
            self.refuse(HTTPStatus.BAD_REQUEST, "not a valid HTTP request")
        if self.incomplete and not self._in_body:
            self._head_bytes += len(data)
            if self._head_bytes > self._limits.head_bytes:
                self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the headers are too long")
        elif self.incomplete and self._length and not self.deaf and not self._parser.should_upgrade():
            self._leave_parser()

    def refuse(self, status: HTTPStatus, message: str) -> None:
        """Gives up on this request and whatever follows it."""
        if self.deaf:
            return
        self.deaf = True
        self.rest = None
        form = form_of(self._path, self._headers.get(b"content-type", b""))
        self._deliver(Received(None, refusal(form, status, message), last=True))

    # what httptools calls; without underscores because those are its names

    def on_message_begin(self) -> None:
        """A request begins."""
        self.incomplete = True
        self._target = b""
        self._path = ""
        self._headers: dict[bytes, bytes] = {}
        self._header_count = 0
        self._head_bytes = 0
        self._in_body = False
        self._chunks: list[bytes] = []
        self._size = 0
        self._length = 0

    def on_url(self, target: bytes) -> None:
        """A part of the request target."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which is dropped."""
        self._header_count += 1
        if self._header_count > self._limits.headers:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers")
        elif not self._in_body:
            name = name.lower()
            known = self._headers.get(name)
            self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        """The body follows."""
        self._in_body = True
        try:
            self._path = path_of(self._target)
        except ValueError:
            self.refuse(HTTPStatus.BAD_REQUEST, "not a valid request target")
            return
        # there is no other length beside it: the parser refuses chunks that have one
        self._length = int(self._headers.get(b"content-length", 0))
        if self._length > self._limits.body_bytes:
            self._refuse_long_body()
        self.expects_continue = b"expect" in self._headers

    def on_body(self, chunk: bytes) -> None:
        """A part of the body."""
        self._size += len(chunk)
        if self._size > self._limits.body_bytes:
            self._chunks.clear()
            self._refuse_long_body()
        elif not self.deaf:
            self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        """The request is complete."""
        chunks, self._chunks = self._chunks, []
        self._complete(self._parser, chunks[0] if len(chunks) == 1 else b"".join(chunks))

    def _complete(self, parser: httptools.HttpRequestParser, body: bytes | bytearray) -> None:
        self.incomplete = False
        if self.deaf:
            return
        request = HttpRequest(parser.get_method().decode("ascii"), self._path, self._headers, body)
        last = parser.should_upgrade() or not parser.should_keep_alive()
        self._deliver(Received(request, None, last))

    # past the parser

    def filled(self, count: int) -> None:
        """So many bytes have been written into `rest`."""
        assert self.rest is not None  # noqa: S101 - the caller has asked
        self.rest = self.rest[count:]
        if self.rest:
            return
        if len(self._body) < self._length:
            self._make_room(self._body, 2 * len(self._body))
            return
        self.rest = None
        parser, self._parser = self._parser, httptools.HttpRequestParser(self)
        body, self._body = self._body, bytearray()
        self._complete(parser, body)

    def _leave_parser(self) -> None:
        chunks, self._chunks = self._chunks, []
        self._make_room(b"".join(chunks), max(2 * self._size, _FIRST_BYTES))

    def _make_room(self, body: bytes | bytearray, size: int) -> None:
        """For what follows `body`. A length is only a promise: a long body gets memory as it comes."""
        self._body = bytearray(min(size, self._length))
        self._body[: len(body)] = body
        self.rest = memoryview(self._body)[len(body) :]

    def _refuse_long_body(self) -> None:
        limit = self._limits.body_bytes
        self.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is longer than {counted(limit, 'byte')}")
