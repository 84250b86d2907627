"""The workers of this pod, asked past the front: what the supervisor asks is in no queue and in no statistics."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from paddle_serving_runtime.supervisor.http_client import HttpAnswer, post
from paddle_serving_runtime.supervisor.readiness import Phase

_AGAIN_SECONDS = 0.2


class Place(Protocol):
    """The place of a worker."""

    @property
    def phase(self) -> Phase: ...  # noqa: D102 - as of WorkerSlot
    @property
    def socket(self) -> Path: ...  # noqa: D102 - where its worker answers


class OwnWorkers:
    """Those that serve, in turn: each is compared."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._turn = 0

    async def ask(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """The answer of the next one that serves; waits for one where none does.

        A request whose worker ends is asked once more: the end may have another cause. Raises EOFError or OSError where
        that worker ends, too.
        """
        try:
            return await post((await self._next()).socket, path, body, headers)
        except (OSError, EOFError):
            return await post((await self._next()).socket, path, body, headers)

    async def _next(self) -> Place:
        while True:
            self._turn += 1
            turns = range(self._turn, self._turn + len(self._places))
            places = [self._places[turn % len(self._places)] for turn in turns]
            serving = next((place for place in places if place.phase is Phase.SERVING), None)
            if serving is not None:
                return serving
            await asyncio.sleep(_AGAIN_SECONDS)
