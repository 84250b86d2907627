"""What the answers of workers to the golden samples prove."""

import logging
from collections.abc import Iterator, Mapping

from paddle_serving_runtime.consistency import Answer, Comparison, Tolerance, describe
from paddle_serving_runtime.errors import NotConsistent, NotVerifiable, ServingError
from paddle_serving_runtime.evidence.comparisons import Evidence
from paddle_serving_runtime.package.golden import DEFAULT_TOLERANCE, Recorded, Sample
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.verdict.consistency import Consistency
from paddle_serving_runtime.verdict.recheck import Finding, RightAnswers, digest
from paddle_serving_runtime.verdict.replies import Replies, Reply, blind_spot, state_sentence
from paddle_serving_runtime.verdict.verification import (
    compare_recorded,
    compare_served,
    is_refusal,
    require_close,
    tolerance_of,
)

_LOG = logging.getLogger(__name__)


class Judge:
    """Holds workers to the reference, and the reference, once, to the recorded answers; keeps what was found.

    `warnings` are what a reader of the verdict should know beside it; what differs is told with the `backend`, where it
    is another than Default.
    """

    def __init__(
        self,
        consistency: Consistency,
        samples: tuple[Sample, ...],
        recorded: Mapping[str, Recorded],
        warnings: tuple[str, ...],
        backend: str = "Default",
    ) -> None:
        self.evidence = Evidence()
        self.warnings = warnings
        self._consistency = consistency
        self._samples = samples
        self._recorded = recorded
        self._where = "" if backend == "Default" else f" The backend is {backend}."
        self._tolerance = tolerance = tolerance_of(consistency)
        self._tolerance_of_shared = Tolerance(
            max(tolerance.rtol, DEFAULT_TOLERANCE.rtol), max(tolerance.atol, DEFAULT_TOLERANCE.atol)
        )

    def judge(self, replies: Replies, reference: Reference) -> RightAnswers:
        """The right answers of a worker that has replied to every sample.

        Where consistency is not required, a sample that was answered otherwise is left out. Raises NotConsistent or
        NotVerifiable for the first of them where it is.
        """
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
            if not self._consistency.required:
                _LOG.error(error.message)
        if errors and self._consistency.required:
            raise errors[0]
        right = [name for name in names if not wrong[name]]
        return {name: frozenset(digest(reply.body) for reply in replies.to(name)) for name in right}

    def judge_again(self, sample: str, status: int, body: bytes, want: Answer, *, shared: bool) -> Finding | None:
        """What is wrong with an answer that is not one of the right ones; None where it is right, too.

        Right is what `judge` takes for right; of what was computed together with others (`shared`), last bits may
        differ.
        """
        tolerance = self._tolerance_of_shared if shared else self._tolerance
        try:
            found = compare_served(sample, status, body, want, tolerance)
        except NotConsistent as error:
            return Finding(sample, "", (), "an answer", f"HTTP {status}", error.message)
        return next(filter(None, map(Finding.of, found)), None)

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
                require_close(name, want, self._recorded[name], self._consistency.max_tolerance)
            except NotVerifiable as error:
                yield error
            recorded = compare_recorded(name, want, self._recorded[name])
            self.evidence.add("recorded", recorded)
        given = replies.to(name)
        for reply in given:
            for sentence in self._judge_reply(reply, want):
                yield NotConsistent(f"{sentence}{state_sentence(reply, given, replies.asked)}{self._where}")
        yield from (NotConsistent(f"{describe(found)}{self._where}") for found in recorded if not found.equal)

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
