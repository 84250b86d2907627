"""Asks a worker every golden sample, in several rounds, and compares what it says."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Mapping
from pathlib import Path
from typing import Any

from paddle_serving_runtime.consistency import EXACT, Answer, Comparison, Tolerance, describe
from paddle_serving_runtime.consistency.rounds import asking_order
from paddle_serving_runtime.errors import NotConsistent, NotVerifiable, ServingError
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.package.golden import DEFAULT_TOLERANCE, Recorded, Sample
from paddle_serving_runtime.protocol.measured import HEADER, ModelCall
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.http_client import HttpAnswer, post
from paddle_serving_runtime.supervisor.recheck import Finding, RightAnswers, digest
from paddle_serving_runtime.supervisor.replies import Replies, Reply, blind_spot, state_sentence
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.verification import (
    compare_recorded,
    compare_served,
    is_refusal,
    require_close,
)

_LOG = logging.getLogger(__name__)


class Unanswered(Exception):  # noqa: N818
    """A worker did not answer the golden sample `sample`; `late` where it still ran when its time was over."""

    def __init__(self, sample: str, *, late: bool) -> None:
        super().__init__(sample, late)
        self.sample = sample
        self.late = late


class Verifier:
    """Compares workers with the reference, and the reference, once, with the recorded answers."""

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
        self._recorded = recorded
        self._reference = asyncio.ensure_future(reference) if reference is not None else None
        if self._reference is not None:
            # whoever waits for it sees its failure; where nobody does any more, it says nothing new
            self._reference.add_done_callback(lambda done: done.cancelled() or done.exception())
        consistency = settings.consistency
        self._tolerance = EXACT if consistency.exact else Tolerance(consistency.rtol, consistency.atol)
        self._tolerance_of_shared = Tolerance(
            max(self._tolerance.rtol, DEFAULT_TOLERANCE.rtol), max(self._tolerance.atol, DEFAULT_TOLERANCE.atol)
        )
        self.evidence = Evidence()
        self.reference: Reference | None = None
        self.warnings = warnings

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
        return len(self._recorded)

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
        return self._judge_all(replies, reference)

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
        """What is wrong with an answer to a sample of `right`; None where it is what it was, or still right.

        Right is what verify() takes for right; of what was computed together with others, last bits may differ.
        """
        if digest(answer.body) in right[sample.name] or self._reference is None:
            return None
        want = self._reference.result().answers[sample.name]
        tolerance = self._tolerance_of_shared if _is_shared(answer) else self._tolerance
        try:
            found = compare_served(sample.name, answer.status, answer.body, want, tolerance)
        except NotConsistent as error:
            return Finding(sample.name, "", (), "an answer", f"HTTP {answer.status}", error.message)
        return next(filter(None, map(Finding.of, found)), None)

    def _judge_all(self, replies: Replies, reference: Reference) -> RightAnswers:
        derived = reference.derived
        if derived is not None and all(is_refusal(reply.body) for reply in replies.to(derived.name)):
            _LOG.info("the service refuses the sample that was derived from its only one")
            derived = None
        names = [sample.name for sample in self._samples] + ([derived.name] if derived else [])
        answers = [reference.answers[name] for name in names if name in reference.answers]
        self._warn(blind_spot(len(self._samples), answers))
        wrong = {name: tuple(self._judge(name, replies, reference)) for name in names}
        errors = [error for found in wrong.values() for error in found]
        for error in errors:
            self.evidence.add_difference(error.message)
            if not self._settings.consistency.required:
                _LOG.error(error.message)
        if errors and self._settings.consistency.required:
            raise errors[0]
        right = [name for name in names if not wrong[name]]
        return {name: frozenset(digest(reply.body) for reply in replies.to(name)) for name in right}

    def _judge(self, name: str, replies: Replies, reference: Reference) -> Iterator[ServingError]:
        """What is not as it must be about one sample; everything that was compared is in the evidence."""
        want = reference.answers.get(name)
        if want is None:
            yield NotConsistent(f"Sample {name}: Paddle Inference alone gave no answer to compare with.")
            return
        self.evidence.add_answer(name, want)
        recorded: tuple[Comparison, ...] = ()
        if name in self._recorded:
            try:
                require_close(name, want, self._recorded[name], self._settings.consistency.max_tolerance)
            except NotVerifiable as error:
                yield error
            recorded = compare_recorded(name, want, self._recorded[name])
            self.evidence.add("recorded", recorded)
        given = replies.to(name)
        for reply in given:
            for sentence in self._judge_reply(reply, want):
                yield NotConsistent(f"{sentence}{state_sentence(reply, given, replies.asked)}")
        yield from (NotConsistent(describe(found)) for found in recorded if not found.equal)

    def _judge_reply(self, reply: Reply, want: Answer) -> Iterator[str]:
        """A sentence for every tensor of a reply that is not the reference's, or for a reply that is no answer."""
        try:
            served = compare_served(reply.sample, reply.status, reply.body, want, self._tolerance)
        except NotConsistent as error:
            yield error.message
            return
        self.evidence.add("reference", served)
        yield from (describe(found) for found in served if not found.equal)

    def _warn(self, warning: str) -> None:
        """Says it once, however many workers are verified."""
        if warning and warning not in self.warnings:
            self.warnings = (*self.warnings, warning)
            _LOG.warning(warning)


def _is_shared(answer: HttpAnswer) -> bool:
    """Whether it was computed together with other requests: the pipeline engine knows no request that is alone."""
    measured = answer.headers.get(HEADER)
    return measured is not None and ModelCall.parse(measured.decode()).batch > 1
