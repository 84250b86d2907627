"""Asks every worker that serves the golden samples again, on a timer, through the socket that its requests come by."""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.protocol import BadRequest, ErrorCode, read_response
from paddle_serving_runtime.supervisor.http_client import HttpAnswer
from paddle_serving_runtime.supervisor.launch import WorkerProcess
from paddle_serving_runtime.supervisor.verifier import Unanswered, Verifier
from paddle_serving_runtime.verdict.recheck import Finding, Pace, Rechecks, RightAnswers

_LOG = logging.getLogger(__name__)
_NOT_IN_TIME = (ErrorCode.TIMEOUT, ErrorCode.CLOSED_ERROR)
"""These say nothing about the answer: an Op's time-out passes under load, and a worker that is ending says so."""


@dataclass(frozen=True)
class Proved:
    """A worker that has answered every sample of `right` rightly; `ended` is done when its process is."""

    worker: WorkerProcess
    right: RightAnswers
    ended: asyncio.Future[int]


class Rechecker:
    """Watches over the answers of workers; `rechecks` is told what comes of it."""

    def __init__(self, verifier: Verifier, rechecks: Rechecks) -> None:
        self._verifier = verifier
        self._rechecks = rechecks

    async def watch(self, proved: Proved) -> Finding:
        """Returns when the worker has answered a sample otherwise than it was proved to; never where it ends before."""
        samples = [sample for sample in self._verifier.golden if sample.name in proved.right]
        if not samples or not self._rechecks.interval:
            return await asyncio.Future()
        index = proved.worker.index
        pace = Pace(self._rechecks.interval, len(samples), self._rechecks.workers)
        due = time.monotonic() + pace.first(index)
        while True:
            answered = 0
            for sample in samples:
                await asyncio.sleep(due - time.monotonic())
                asked = time.monotonic()
                finding = await self._ask(proved, sample)
                if isinstance(finding, Finding):
                    self._tell(proved.worker, finding)
                    return finding
                answered += finding
                due = pace.next(due, asked, time.monotonic())
            if answered == len(samples):
                self._rechecks.round_ended(index, datetime.now(UTC))

    async def _ask(self, proved: Proved, sample: Sample) -> Finding | bool:
        """What is wrong with the answer; else whether there was one."""
        try:
            # as long as a request takes that it waits for: who watches over the worker ends it where that is too long
            answer = await self._verifier.ask(proved.worker.socket, sample, proved.ended, None)
        except Unanswered:
            return await asyncio.Future() if proved.ended.done() else False
        finding = self._verifier.judge_again(sample, answer, proved.right)
        if finding is not None and _is_late(answer):
            _LOG.warning("a golden sample was not answered in time", extra={"fields": {"sample": sample.name}})
            return False
        return finding or True

    def _tell(self, worker: WorkerProcess, finding: Finding) -> None:
        self._rechecks.differed(worker.index, finding, datetime.now(UTC))
        _LOG.error(
            "a worker answers otherwise than when it was proved",
            extra={"fields": {"worker": worker.index, "pid": worker.process.pid, **vars(finding)}},
        )


def _is_late(answer: HttpAnswer) -> bool:
    try:
        return read_response(answer.body).err_no in _NOT_IN_TIME
    except BadRequest:
        return False
