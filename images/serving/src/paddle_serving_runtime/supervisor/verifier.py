"""Asks a worker every golden sample, in several rounds."""

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

from paddle_serving_runtime.consistency.rounds import asking_order
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.package.golden import Recorded, Sample
from paddle_serving_runtime.protocol.measured import HEADER, ModelCall
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.http_client import HttpAnswer, post
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.verdict.judge import Judge
from paddle_serving_runtime.verdict.recheck import Finding, RightAnswers, digest
from paddle_serving_runtime.verdict.replies import Replies


class Unanswered(Exception):  # noqa: N818
    """A worker did not answer the golden sample `sample`; `late` where it still ran when its time was over."""

    def __init__(self, sample: str, *, late: bool) -> None:
        super().__init__(sample, late)
        self.sample = sample
        self.late = late


class Verifier:
    """Gets the answers of workers and of the reference, and lets a judge compare them."""

    def __init__(
        self,
        settings: ServeSettings,
        samples: tuple[Sample, ...],
        recorded: Mapping[str, Recorded],
        reference: Awaitable[Reference] | None,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._settings = settings
        self._samples = samples
        self._recorded = len(recorded)
        self._reference = asyncio.ensure_future(reference) if reference is not None else None
        if self._reference is not None:
            # whoever waits for it sees its failure; where nobody does any more, it says nothing new
            self._reference.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._judge = Judge(settings.consistency, samples, recorded, warnings, settings.computing.backend)
        self.reference: Reference | None = None

    @property
    def evidence(self) -> Evidence:
        """Everything that was compared so far."""
        return self._judge.evidence

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the verdict should know beside it."""
        return self._judge.warnings

    @property
    def golden(self) -> tuple[Sample, ...]:
        """The golden samples."""
        return self._samples

    @property
    def samples(self) -> int:
        """The number of golden samples."""
        return len(self._samples)

    @property
    def recorded(self) -> int:
        """The number of golden samples that have a recorded answer to compare with."""
        return self._recorded

    async def verify(self, socket: Path, ended: asyncio.Future[int]) -> RightAnswers:
        """Returns when the worker on `socket` has answered every sample as it must, every time.

        Where consistency is not required, a sample that was answered otherwise is left out. `ended` is done
        when the worker's process is: what it leaves unanswered stays open, see lost.py. Raises NotConsistent where
        consistency is required, Unanswered, and whatever the reference ended with.
        """
        replies = Replies()
        alike = len({sample.body for sample in self._samples}) == 1
        # a second sample is known when the reference is; a worker that does not answer must be noticed before
        for sample in self._samples[:1] if alike else self._in_order(self._samples):
            replies.add(sample, *await self._reply(socket, sample, ended))
        if not replies.asked or self._reference is None:
            return {}
        # shielded: a worker that dies meanwhile must not take the others' reference with it
        self.reference = reference = await asyncio.shield(self._reference)
        if alike:
            for sample in self._in_order((*self._samples, *([reference.derived] if reference.derived else []))):
                replies.add(sample, *await self._reply(socket, sample, ended))
        return self._judge.judge(replies, reference)

    @staticmethod
    def _in_order(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(samples[index] for index in asking_order(len(samples)))

    async def _reply(self, socket: Path, sample: Sample, ended: asyncio.Future[int]) -> tuple[int, bytes]:
        answer = await self.ask(socket, sample, ended, self._settings.request_timeout)
        return answer.status, answer.body

    async def ask(self, socket: Path, sample: Sample, ended: asyncio.Future[int], seconds: float | None) -> HttpAnswer:
        """A worker's answer to a sample, waited for so long at most; None: for ever. Raises Unanswered."""
        asking = asyncio.ensure_future(post(socket, f"/{self._settings.name}/prediction", sample.body))
        try:
            either: set[asyncio.Future[Any]] = {asking, ended}
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise Unanswered(sample.name, late=not ended.done())
            return asking.result()
        except (OSError, EOFError):
            raise Unanswered(sample.name, late=False) from None
        finally:
            asking.cancel()

    def judge_again(self, sample: Sample, answer: HttpAnswer, right: RightAnswers) -> Finding | None:
        """What is wrong with an answer to a sample of `right`; None where it is what it was, or still right."""
        if digest(answer.body) in right[sample.name] or self._reference is None:
            return None
        want = self._reference.result().answers[sample.name]
        return self._judge.judge_again(sample.name, answer.status, answer.body, want, shared=_is_shared(answer))


def _is_shared(answer: HttpAnswer) -> bool:
    """Whether it was computed together with other requests: the pipeline engine knows no request that is alone."""
    measured = answer.headers.get(HEADER)
    return measured is not None and ModelCall.parse(measured.decode()).batch > 1
