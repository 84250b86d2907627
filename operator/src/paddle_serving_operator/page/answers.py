"""What the page answers a browser with, and the headers that bind the browser's hands."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""On every answer, errors too. The page is about a cluster, so that nothing of it is kept by a cache."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to GET or HEAD; `headers` beside those that every answer has."""

    status: HTTPStatus
    content_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def tagged(answer: Answer, known: str) -> Answer:
    """The answer with an ETag, or 304 and no body where the browser has `known` just that."""
    tag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    if answer.status is HTTPStatus.OK and tag == known:
        return Answer(HTTPStatus.NOT_MODIFIED, answer.content_type, b"", {"ETag": tag})
    return Answer(answer.status, answer.content_type, answer.body, {**answer.headers, "ETag": tag})


def plain(status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A sentence."""
    return Answer(status, PLAIN, f"{sentence}\n".encode(), headers or {})
