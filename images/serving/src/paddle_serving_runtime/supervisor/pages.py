"""What the admin port answers with."""

from collections.abc import Iterator
from typing import NamedTuple

import orjson

JSON = "application/json"


class Page(NamedTuple):
    """A complete body, or one in pieces, which nobody has in memory as a whole."""

    status: int
    content_type: str
    body: bytes | Iterator[bytes]


def json_page(content: object, status: int = 200) -> Page:
    """A JSON document."""
    return Page(status, JSON, orjson.dumps(content))


def refusal(status: int, sentence: str) -> Page:
    """{"error": ...}."""
    return json_page({"error": sentence}, status)
