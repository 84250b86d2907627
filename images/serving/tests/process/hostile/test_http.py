"""HTTP on the port of the service: framing that two parsers might read differently, other protocols."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from images.serving.tests.process.hostile.conftest import (
    GOOD,
    NOT_HTTP,
    PIPELINE_KEYS,
    assert_tells_nothing,
    first_reply,
    received,
)
from images.serving.tests.services import PRICE

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target

LENGTH = str(len(GOOD)).encode()
CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD)
INNER = b"POST /svc/second HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
AFTER = b"POST /svc/after HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + LENGTH + b"\r\n\r\n" + GOOD


def head(*lines: bytes, start: bytes = b"POST /svc/prediction HTTP/1.1", host: bytes = b"Host: x") -> bytes:
    return b"\r\n".join([start, host, *lines, b"", b""])


def responses(target: "Target", request: bytes) -> list[tuple[int, bytes]]:
    """Status and body of every response on a connection that sends the request, and then a good one that ends it."""
    with target.connect() as connection:
        with suppress(ConnectionError):
            connection.sendall(request)
        data = received(connection)
        with suppress(ConnectionError):
            connection.sendall(AFTER)
        with suppress(ConnectionError):
            data += received(connection)
    parts = re.split(rb"HTTP/1\.[01] (\d{3}) ", data)
    assert parts[0] == b"", data[:500]
    return [(int(status), rest) for status, rest in zip(parts[1::2], parts[2::2], strict=True)]


TWO_READINGS = {
    "length and chunks": head(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n" + INNER,
    "chunks and length": head(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n" + INNER,
    "two lengths": head(b"Content-Length: 2", b"Content-Length: %d" % (2 + len(INNER))) + b"{}" + INNER,
    "a list of lengths": head(b"Content-Length: 2, %d" % (2 + len(INNER))) + b"{}" + INNER,
    "a signed length": head(b"Content-Length: +2") + b"{}" + INNER,
    "a negative length": head(b"Content-Length: -1") + INNER,
    "a length in hexadecimal": head(b"Content-Length: 0x2") + b"{}" + INNER,
    "a length with underscores": head(b"Content-Length: 1_0") + b"{}" + INNER,
    "a length past 64 bits": head(b"Content-Length: 18446744073709551618") + b"{}" + INNER,
    "an empty length": head(b"Content-Length: ") + INNER,
    "a length with a fraction": head(b"Content-Length: 2.0") + b"{}" + INNER,
    "a length of other digits": head("Content-Length: \u0662".encode()) + b"{}" + INNER,
    "chunked twice": head(b"Transfer-Encoding: chunked, chunked") + b"0\r\n\r\n" + INNER,
    "chunked and identity": head(b"Transfer-Encoding: chunked, identity", b"Content-Length: 2") + b"{}" + INNER,
    "an unknown coding": head(b"Transfer-Encoding: xchunked", b"Content-Length: 2") + b"{}" + INNER,
    "chunked after a tab": head(b"Transfer-Encoding:\tchunked", b"Content-Length: 2") + b"{}" + INNER,
    "chunked with a vertical tab": head(b"Transfer-Encoding: \x0bchunked", b"Content-Length: 2") + b"{}" + INNER,
    "chunked in another case": head(b"tRANSFER-eNCODING: cHUNKED", b"Content-Length: 5") + b"0\r\n\r\n" + INNER,
    "a blank before the colon": head(b"Content-Length : 2") + b"{}" + INNER,
    "a blank before the coding's colon": head(b"Transfer-Encoding : chunked", b"Content-Length: 2") + b"{}" + INNER,
    "a folded header": head(b"X: a\r\n Content-Length: 2", b"Content-Length: 2") + b"{}" + INNER,
    "a folded coding": head(b"Transfer-Encoding:\r\n chunked", b"Content-Length: 2") + b"{}" + INNER,
    "a header that begins with a blank": head(b" Content-Length: 2") + INNER,
    "a NUL in a header": head(b"X: a\x00b", b"Content-Length: 2") + b"{}" + INNER,
    "a NUL in a header's name": head(b"Content\x00-Length: 2") + b"{}" + INNER,
    "a bare carriage return": head(b"X: a\rContent-Length: 2", b"Content-Length: 2") + b"{}" + INNER,
    "bare line feeds": head(b"Content-Length: 2").replace(b"\r\n", b"\n") + b"{}" + INNER,
    "one bare line feed": head(b"X: a\nContent-Length: 2", b"Content-Length: 2") + b"{}" + INNER,
    "chunk extensions": head(b"Transfer-Encoding: chunked") + b'2;a="b\r\n{}\r\n0\r\n\r\n' + INNER,
    "a chunk ended by a line feed": head(b"Transfer-Encoding: chunked") + b"2\n{}\n0\n\n" + INNER,
    "a chunk size past 64 bits": head(b"Transfer-Encoding: chunked")
    + b"1"
    + b"0" * 16
    + b"2\r\n{}\r\n0\r\n\r\n"
    + INNER,
    "a negative chunk size": head(b"Transfer-Encoding: chunked") + b"-2\r\n{}\r\n0\r\n\r\n" + INNER,
    "a chunk size of nothing": head(b"Transfer-Encoding: chunked") + b"\r\n{}\r\n0\r\n\r\n" + INNER,
    "a chunk size that is no number": head(b"Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n" + INNER,
    "a chunk longer than its size": head(b"Transfer-Encoding: chunked") + b"2\r\n{}}\r\n0\r\n\r\n" + INNER,
    "trailers that are headers": head(b"Transfer-Encoding: chunked")
    + b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"
    + INNER,
    "no method": head(b"Content-Length: 2", start=b"/svc/prediction HTTP/1.1") + b"{}" + INNER,
    "two blanks": head(b"Content-Length: 2", start=b"POST  /svc/prediction  HTTP/1.1") + b"{}" + INNER,
    "an unknown version": head(b"Content-Length: 2", start=b"POST /svc/prediction HTTP/9.9") + b"{}" + INNER,
    "a version in another case": head(b"Content-Length: 2", start=b"POST /svc/prediction http/1.1") + b"{}" + INNER,
    "no version": b"POST /svc/prediction\r\n\r\n" + INNER,
    "the version before this one": head(b"Content-Length: 2", start=b"POST /svc/prediction HTTP/1.0") + b"{}" + INNER,
    "chunks of the version before": head(b"Transfer-Encoding: chunked", start=b"POST /svc/p HTTP/1.0")
    + b"0\r\n\r\n"
    + INNER,
    "two hosts": head(b"Host: y", b"Content-Length: 2") + b"{}" + INNER,
    "no host": head(b"Content-Length: 2", host=b"X: y") + b"{}" + INNER,
    "a host that is none": head(b"Content-Length: 2", host=b"Host: a b/../c@d:99999") + b"{}" + INNER,
    "an upgrade": head(
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        b"Content-Length: 2",
    )
    + b"{}"
    + INNER,
    "a web socket": head(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 2") + b"{}" + INNER,
    "hop by hop": head(b"Connection: close, Content-Length, Host, X-Request-Id", b"Content-Length: 2") + b"{}" + INNER,
    "an expectation": head(b"Expect: 100-continue", b"Content-Length: 2") + b"{}" + INNER,
    "an unknown expectation": head(b"Expect: the-unexpected", b"Content-Length: 2") + b"{}" + INNER,
    "a header of 100 KB": head(b"X: " + b"a" * 100_000, b"Content-Length: 2") + b"{}" + INNER,
    "2,000 headers": head(*(b"X-%d: a" % number for number in range(2000)), b"Content-Length: 2") + b"{}" + INNER,
    "headers past the buffer": head(b"X: " + b"a" * 300_000, b"Content-Length: 2") + b"{}" + INNER,
}


@pytest.mark.parametrize("name", TWO_READINGS)
def test_a_request_that_can_be_read_in_two_ways_is_one_request(target: "Target", name: str) -> None:
    """A refusal ends the connection; else what follows is read as what it is, and never more than once."""
    answers = responses(target, TWO_READINGS[name])
    assert answers, "closed without an answer"
    for status, rest in answers:
        assert status in (100, 200, 400, 404, 405, 408, 413, 417, 431, 500, 501, 505), rest
        assert_tells_nothing(rest)
    final = [status for status, _ in answers if status != 100]
    # the request itself, INNER where the framing leaves it as a request of its own, and AFTER
    assert len(final) <= 3, answers
    if final[0] in (400, 413, 431, 501, 505) and b"connection: close" in answers[0][1].lower():
        assert len(final) == 1, answers


@pytest.mark.parametrize(
    "request_bytes",
    [
        TWO_READINGS[name]
        for name in TWO_READINGS
        if name.startswith(("two lengths", "a list", "a signed", "a negative length"))
    ],
)
def test_a_length_that_is_no_number_is_400_and_the_end(target: "Target", request_bytes: bytes) -> None:
    ((status, rest),) = responses(target, request_bytes)
    assert status == 400
    assert rest.endswith(NOT_HTTP)


@pytest.mark.parametrize(
    ("path", "keys"),
    [(b"/v2/models/price/infer", ["error"]), (b"/svc/prediction", PIPELINE_KEYS), (b"*", PIPELINE_KEYS)],
)
def test_a_body_whose_framing_breaks_is_400_in_the_form_of_its_protocol(
    target: "Target", path: bytes, keys: list[str]
) -> None:
    start = b"POST %b HTTP/1.1" % path
    with target.connect() as connection:
        connection.sendall(head(b"Transfer-Encoding: chunked", b"Expect: 100-continue", start=start))
        # from here on it waits for the body, and says itself what is wrong with it: its parser is through
        assert connection.recv(1 << 20) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"zz\r\n")
        reply = first_reply(received(connection))
    assert (reply.status, list(reply.json())) == (400, keys)
    assert_tells_nothing(reply.body)


def test_of_length_and_chunks_the_body_is_the_chunks(target: "Target") -> None:
    for lines in (
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
    ):
        reply = target.send(head(*lines, b"Connection: close") + CHUNK)
        assert reply.status in (200, 400)
        if reply.status == 200:
            assert reply.json()["value"] == [PRICE]


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"\x00" * 1000,
        b"\r\n" * 1000,
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + head(b"Content-Length: 0"),
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x01\x02\x03\x04\x05\x06\x07\x08\x00\x01\x00\x02",
        bytes(range(256)) * 40,
        b"*1\r\n$4\r\nPING\r\n",
        b"A" * 200_000,
    ],
    ids=lambda data: repr(data[:16]),
)
def test_what_is_not_http_1_is_refused(target: "Target", data: bytes) -> None:
    reply = target.send(data, end=True)
    assert reply.status in (0, 400, 405, 408, 431)
    assert_tells_nothing(reply.body)


def test_requests_in_a_row_on_one_connection_are_answered_in_order(target: "Target") -> None:
    request = head(b"Content-Length: " + LENGTH) + GOOD
    wrong = head(b"Content-Length: 2") + b"{}"
    with target.connect() as connection:
        connection.sendall((request + wrong) * 50 + AFTER)
        data = b""
        while chunk := connection.recv(1 << 20):
            data += chunk
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]
    assert statuses == [200, 500] * 50 + [200]
