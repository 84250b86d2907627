"""Paths and methods that the service has, and those that it has not."""

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from images.serving.tests.process.hostile.conftest import (
    GOOD,
    PIPELINE_KEYS,
    assert_refused,
    assert_tells_nothing,
)
from images.serving.tests.process.hostile.test_http import LENGTH, head

if TYPE_CHECKING:
    from images.serving.tests.process.hostile.conftest import Target


def test_a_refused_method_without_a_path_has_the_form_of_the_pipeline(target: "Target") -> None:
    reply = target.send(head(start=b"CONNECT x:80 HTTP/1.1", host=b"Host: x:80"), end=True)
    assert (reply.status, list(reply.json())) == (405, PIPELINE_KEYS)


@pytest.mark.parametrize(
    "method",
    ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "CONNECT", "post", "PRI", "X" * 9000, "P\u00d6ST"],
)
def test_other_methods_are_refused(target: "Target", method: str) -> None:
    reply = target.send(
        head(b"Content-Length: 0", b"Connection: close", start=f"{method} /svc/prediction HTTP/1.1".encode("latin-1"))
    )
    assert reply.status in (400, 405, 501)
    assert_tells_nothing(reply.body)


@pytest.mark.parametrize(
    ("line", "allow"),
    [
        ("DELETE /v2", "GET, HEAD"),
        ("POST /v2", "GET, HEAD"),
        ("OPTIONS /v2/health/live", "GET, HEAD"),
        ("POST /v2/models/price/ready", "GET, HEAD"),
        ("PUT /v2/models/price/versions/1", "GET, HEAD"),
        ("PUT /v2/models/price/infer", "POST"),
        ("HEAD /v2/models/price/versions/1/infer", "POST"),
        ("OPTIONS *", "POST"),
        ("GET /svc/prediction", "POST"),
    ],
)
def test_405_says_which_methods_the_path_has(target: "Target", line: str, allow: str) -> None:
    reply = target.send(head(b"Content-Length: 0", b"Connection: close", start=f"{line} HTTP/1.1".encode()))
    assert (reply.status, reply.headers["allow"]) == (405, allow)
    message = json.loads(reply.body or b'{"error": "HEAD has no body"}')
    assert list(message) == (["error"] if "/v2" in line else ["err_no", "err_msg", "key", "value", "tensors"])


PATHS = [
    "/",
    "//svc/prediction",
    "/svc",
    "/svc/",
    "/svc//prediction",
    "/svc/prediction/",
    "/svc/prediction/more",
    "/./svc/prediction",
    "/svc/../svc/prediction",
    "/nothing/../svc/prediction",
    "/%2e%2e/svc/prediction",
    "/svc%2fprediction",
    "/%73vc/prediction",
    "/svc%00/prediction",
    "/SVC/prediction",
    "/svc\\prediction",
    "/svc;a=b/prediction",
    "/../../../../srv/other",
    "/%2e%2e/%2e%2e/srv/other",
    "/loaded",
    "/metrics",
    "/readyz",
    "/livez",
    "/report",
    "/svc/loaded",
    "/stats;csv",
    "/haproxy?stats",
    "http://127.0.0.1/svc/../loaded",
    "http://user:word@127.0.0.1:1/nothing/prediction",
    "file:///srv/other",
    "/" + "a" * 20_000,
    "/" + "a/" * 20_000,
    "/svc/" + "%41" * 10_000,
    "/svc/prediction?" + "a=b&" * 5_000,
    "/svc/prediction#fragment",
    "/svc/{{7*7}}",
    "/svc/$(true)",
    "/'\"><script>",
    "*",
    "svc/prediction",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
def test_a_path_is_a_service_and_a_method_or_404(target: "Target", path: str) -> None:
    reply = target.post(GOOD, path)
    assert reply.status in (200, 400, 404, 414, 431)
    assert_tells_nothing(reply.body)
    # escapes stand for their characters, dots for themselves: nothing is resolved
    served = re.fullmatch(r"(?:http://[^/]*)?/svc/[^/?#]+(?:[?].*)?", unquote(path)) is not None
    assert (reply.status == 200) == served, reply
    if reply.status != 200:
        assert_refused(reply, 400, 404, 414, 431)


@pytest.mark.parametrize(
    "path", ["/svc/\x00", "/svc/\x7f", "/svc/a b", "/svc/\xff", "/svc/\r", "/svc/\u623f".encode().decode("latin-1")]
)
def test_bytes_that_no_path_may_hold_are_400(target: "Target", path: str) -> None:
    reply = target.send(
        head(b"Content-Length: " + LENGTH, b"Connection: close", start=f"POST {path} HTTP/1.1".encode("latin-1")) + GOOD
    )
    assert_refused(reply, 400)
