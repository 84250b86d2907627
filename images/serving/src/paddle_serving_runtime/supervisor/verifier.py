"""Asks a worker every golden sample and compares what it says."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from pathlib import Path

from paddle_serving_runtime.consistency import EXACT, Comparison, Tolerance
from paddle_serving_runtime.errors import NotConsistent
from paddle_serving_runtime.model.golden import Recorded, Sample
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.settings import ServeSettings
from paddle_serving_runtime.supervisor.unix_http import post
from paddle_serving_runtime.supervisor.verification import (
    Evidence,
    compare_recorded,
    compare_served,
    require_equal,
)

_LOG = logging.getLogger(__name__)


class Verifier:
    """Compares workers with the reference, and the reference, once, with the recorded answers."""

    def __init__(
        self,
        settings: ServeSettings,
        samples: tuple[Sample, ...],
        recorded: Mapping[str, Recorded],
        reference: Awaitable[Reference] | None,
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
        self.evidence = Evidence()

    @property
    def samples(self) -> int:
        """The number of golden samples."""
        return len(self._samples)

    async def verify(self, socket: Path) -> None:
        """Returns when the worker on `socket` has answered every sample as it must.

        Raises NotConsistent where consistency is required, TimeoutError, OSError or EOFError where the worker does
        not answer, and whatever the reference ended with.
        """
        answers = [(sample.name, *await self._ask(socket, sample)) for sample in self._samples]
        if not answers or self._reference is None:
            return
        # shielded: a worker that dies meanwhile must not take the others' reference with it
        reference = await asyncio.shield(self._reference)
        for name, status, body in answers:
            try:
                self._judge(name, status, body, reference)
            except NotConsistent as error:
                if self._settings.consistency.required:
                    raise
                _LOG.error(error.message)

    async def _ask(self, socket: Path, sample: Sample) -> tuple[int, bytes]:
        async with asyncio.timeout(self._settings.request_timeout):
            return await post(socket, f"/{self._settings.name}/prediction", sample.body)

    def _judge(self, name: str, status: int, body: bytes, reference: Reference) -> None:
        want = reference.answers.get(name)
        if want is None:
            raise NotConsistent(f"Sample {name}: Paddle Inference alone gave no answer to compare with.")
        served = compare_served(name, status, body, want, self._tolerance)
        self.evidence.add("reference", served)
        recorded: tuple[Comparison, ...] = ()
        if name in self._recorded:
            recorded = compare_recorded(name, want, self._recorded[name])
            self.evidence.add("recorded", recorded)
        require_equal(served + recorded)
