"""What a watch says is heard here, whole line by whole line, and kopf learns no more than how far it has come."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from paddle_serving_operator.constants import Manifest
from paddle_serving_operator.handlers.stream import Content, Overheard

from .desk import made


class Chunks(Content):
    """A response that comes in these pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces
        self.failure: BaseException | None = None

    @override
    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    @override
    def exception(self) -> BaseException | None:
        return self.failure

    @override
    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        self.failure = exc


def line(change: str, found: Manifest) -> bytes:
    return json.dumps({"type": change, "object": found}).encode() + b"\n"


def read(*pieces: bytes) -> tuple[list[tuple[str, Manifest]], list[Any]]:
    """What is heard, and what kopf reads."""
    heard: list[tuple[str, Manifest]] = []

    async def all_of_it() -> list[bytes]:
        content = Overheard(Chunks(pieces), lambda change, found: heard.append((change, found)))
        return [chunk async for chunk in content.iter_chunked(1 << 20)]

    left = b"".join(asyncio.run(all_of_it()))
    assert left == b"" or left.endswith(b"\n")
    return heard, [json.loads(one) for one in left.splitlines()]


def bookmark(version: int) -> Manifest:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


def test_changes_are_heard_and_kopf_finds_a_bookmark_in_their_place() -> None:
    changes = [("ADDED", made("a", 3)), ("MODIFIED", made("a", 5)), ("DELETED", made("a", 8))]
    heard, left = read(b"".join(line(*change) for change in changes))
    assert heard == changes
    assert left == [bookmark(8)]


def test_what_is_no_change_is_left_for_kopf_in_its_place() -> None:
    gone = {"code": 410, "message": "too old"}
    pieces = line("ADDED", made("a", 3)), line("BOOKMARK", {"metadata": {"resourceVersion": "9"}}), line("ERROR", gone)
    heard, left = read(b"".join(pieces))
    assert heard == [("ADDED", made("a", 3))]
    assert left == [bookmark(3), bookmark(9), {"type": "ERROR", "object": gone}]


def test_a_change_of_which_only_a_part_has_come_is_not_heard_and_comes_again_after_the_one_before() -> None:
    heard, left = read(line("ADDED", made("a", 3)), line("MODIFIED", made("a", 5))[:-4])
    assert heard == [("ADDED", made("a", 3))]
    assert left == [bookmark(3)]


@given(st.lists(st.integers(1, 60), max_size=12))
def test_how_a_stream_is_cut_changes_nothing_of_what_is_heard(cuts: list[int]) -> None:
    changes = [("ADDED", made("ä", 3)), ("MODIFIED", made("b", 5)), ("DELETED", made("ä", 8))]
    whole, pieces = b"".join(line(*change) for change in changes), []
    for cut in cuts:
        pieces.append(whole[:cut])
        whole = whole[cut:]
    heard, left = read(*pieces, whole)
    assert heard == changes
    assert left[-1] == bookmark(8)


def test_who_reads_learns_that_no_more_will_come() -> None:
    chunks = Chunks([])
    content = Overheard(chunks, lambda *_: None)
    assert content.exception() is None
    failure = ConnectionError("closed")
    content.set_exception(failure)
    assert content.exception() is chunks.failure is failure
