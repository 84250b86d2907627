"""Compares the answers of this pod with those of the revision that serves: POST /drift."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from paddle_serving_runtime.evidence.drift import Drift, Question
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.supervisor.http_client import HttpAnswer
from paddle_serving_runtime.supervisor.own_workers import OwnWorkers
from paddle_serving_runtime.supervisor.stable import SamePod, Stable, Unavailable
from paddle_serving_runtime.verdict.drift import Given, compare_given

_LOG = logging.getLogger(__name__)
TOTAL_SECONDS = 300.0
"""How long one comparison may take."""

_NO_SAMPLES = "The package has no golden samples, so nothing was compared. Add requests as golden/<name>.json."
_NO_REQUESTS = "The stable revision has not answered a request since its pod was started, so nothing was compared."
_ITSELF = (
    "The Service of the stable revision leads to this very pod, so nothing would be compared with another revision. "
    "Check --stable-service and the selector of that Service."
)


class Drifts:
    """Answers one question at a time. `last` is the last answer, None before there is one.

    `backend` is which of Paddle's engines computes in this pod.
    """

    def __init__(self, stable: Stable, own: OwnWorkers, name: str, samples: Sequence[Sample], backend: str) -> None:
        self.last: dict[str, Any] | None = None
        self._stable = stable
        self._backend = backend
        self._own = own
        self._path = f"/{name}/prediction"
        self._samples = samples
        self._known: tuple[Question, dict[str, Any]] | None = None
        self._running: tuple[Question, asyncio.Task[dict[str, Any]]] | None = None

    async def answer(self, question: Question) -> dict[str, Any]:
        """The answer, which is asked for once: it is known from then on, if it is complete.

        Raises Unavailable, also where another question is being answered. Whoever asked may leave: it goes on.
        """
        asked = question if question.samples == "Replay" else replace(question, requests=0)
        if self._known is not None and self._known[0] == asked:
            self.last = self._known[1]
            return self._known[1]
        if self._running is None or self._running[1].done():
            self._running = (asked, asyncio.create_task(self._answer(asked)))
            # where nobody waits for it any more its failure says nothing new
            self._running[1].add_done_callback(lambda done: done.cancelled() or done.exception())
        if self._running[0] != asked:
            raise Unavailable("another comparison is under way; ask again when it is finished")
        return await asyncio.shield(self._running[1])

    def close(self) -> None:
        """Ends what is under way."""
        if self._running is not None:
            self._running[1].cancel()

    async def _answer(self, question: Question) -> dict[str, Any]:
        drift, incomplete = Drift(question), ""
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                incomplete = await (self._golden(drift) if question.samples == "Golden" else self._replay(drift))
        except TimeoutError:
            raise Unavailable(f"The comparison was not finished within {TOTAL_SECONDS:g} s.") from None
        except SamePod:
            drift, incomplete = Drift(question), _ITSELF
        backends = {"backend": self._backend, "stableBackend": await self._stable.backend()}
        self.last = answer = drift.as_json(incomplete) | backends
        if not incomplete:
            self._known = (question, answer)
        counts = {name: answer[name] for name in ("samples", "asked", "different", "missing", "complete")}
        _LOG.info("compared with the stable revision", extra={"fields": counts})
        return answer

    async def _golden(self, drift: Drift) -> str:
        """Why not every sample was asked, empty where every one was."""
        for sample in self._samples:
            # theirs first: where the Service leads to this pod there is nothing else to ask
            theirs = _given(await self._stable.answer(self._path, sample.body))
            ours = await self._ours(self._path, {}, sample.body)
            await asyncio.to_thread(compare_given, drift, sample.name, self._path, ours, theirs)
        return "" if self._samples else _NO_SAMPLES

    async def _replay(self, drift: Drift) -> str:
        exchanges = await self._stable.kept(drift.question.requests)
        total = len(exchanges)
        while exchanges:
            exchange = exchanges.pop()
            theirs = Given(HTTPStatus.OK, exchange.answer_headers, exchange.answer)
            ours = await self._ours(exchange.path, exchange.headers, exchange.body)
            name = f"request {total - len(exchanges)}"
            await asyncio.to_thread(compare_given, drift, name, exchange.path, ours, theirs)
        return "" if total else _NO_REQUESTS

    async def _ours(self, path: str, headers: Mapping[str, str], body: bytes) -> Given | None:
        try:
            return _given(await self._own.ask(path, headers, body))
        except (OSError, EOFError):
            return None


def _given(answer: HttpAnswer | None) -> Given | None:
    return Given(answer.status, answer.texts(), answer.body) if answer is not None else None
