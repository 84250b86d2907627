"""What a watch tells, line by line: to whoever hears it at once, and to kopf only how far the watch has come."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol, TypeAlias

import orjson

from paddle_serving_operator.constants import Manifest

CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})
Hear: TypeAlias = Callable[[str, Manifest], None]


class Content(Protocol):
    """What aiohttp and kopf use of the content of a response that is read bit by bit."""

    def iter_chunked(self, n: int) -> Any:  # noqa: ANN401 - private to aiohttp
        """Bytes as they come, at most so many at a time."""
        ...

    def exception(self) -> BaseException | None:
        """Why no more will come."""
        ...

    def set_exception(self, exc: BaseException, exc_cause: BaseException = ...) -> None:
        """Lets whoever reads know that no more will come."""
        ...


class Overheard:
    """The content of a watch's response, of which the changes are told here; kopf finds bookmarks in their place.

    kopf would make a task, a queue and a memory of its own for each object that changes, and copies of it for handlers:
    several times what the change costs otherwise. A bookmark says from where to go on, and has no object. What is no
    change (an error, a bookmark of the API server's) is kopf's.
    """

    def __init__(self, content: Content, hear: Hear) -> None:
        self._content = content
        self._hear = hear

    async def iter_chunked(self, n: int) -> AsyncIterator[bytes]:
        """What is left for kopf of every chunk."""
        rest = b""
        async for chunk in self._content.iter_chunked(n):
            *lines, rest = (rest + chunk).split(b"\n")
            if left := self._left([line for line in lines if line]):
                yield left

    def exception(self) -> BaseException | None:
        """Why no more will come."""
        return self._content.exception()

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """Lets whoever reads know that no more will come."""
        self._content.set_exception(exc, *cause)

    def _left(self, lines: list[bytes]) -> bytes:
        """Tells of the changes. Returns everything else, in order, and where the last change was."""
        left, version = [], ""
        for line in lines:
            event = orjson.loads(line)
            if event["type"] not in CHANGES:
                left += [*_bookmark(version), line]
                version = ""
                continue
            self._hear(event["type"], event["object"])
            version = event["object"]["metadata"].get("resourceVersion", "")
        return b"".join(line + b"\n" for line in [*left, *_bookmark(version)])


def _bookmark(version: str) -> list[bytes]:
    """The line that says that everything up to here is known; none where there is nothing to say."""
    about = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": version}}}
    return [orjson.dumps(about)] if version else []
