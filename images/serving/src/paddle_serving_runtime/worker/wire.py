"""HTTP/1.1 as bytes: what a reply looks like on the wire, which path a request target names. Pure."""

from http import HTTPStatus
from urllib.parse import unquote

import httptools

from paddle_serving_runtime.worker.http import Headers, HttpReply

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def encode(reply: HttpReply, *, head_only: bool, close: bool) -> list[bytes]:
    """The pieces of a response, in order; `head_only` leaves the body out, `close` announces the end."""
    head = _STATUS_LINES[reply.status] + _lines(reply.headers)
    if close:
        head += b"connection: close\r\n"
    if reply.trailers is None:
        head += b"content-length: %d\r\n\r\n" % len(reply.body)
        return [head, reply.body] if reply.body and not head_only else [head]
    head += b"transfer-encoding: chunked\r\n\r\n"
    if head_only:
        return [head]
    end = b"0\r\n" + _lines(reply.trailers) + b"\r\n"
    if not reply.body:
        return [head, end]
    return [head + b"%x\r\n" % len(reply.body), reply.body, b"\r\n" + end]


def path_of(target: bytes) -> str:
    """The decoded path of a request target, without its query. Raises ValueError where it has none."""
    if not target.startswith(b"/"):
        target = _path_of_absolute(target)
    path = target.partition(b"?")[0].decode("ascii")
    return unquote(path) if "%" in path else path


def _path_of_absolute(target: bytes) -> bytes:
    try:
        path: bytes | None = httptools.parse_url(target).path
    except httptools.HttpParserInvalidURLError:
        path = None
    if path is None or not path.startswith(b"/"):
        raise ValueError("a request target without a path")
    return path


def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % header for header in headers])
