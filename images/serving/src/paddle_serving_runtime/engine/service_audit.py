"""Whole requests of a service that were computed beside each other, computed again one by one, and compared.

The audit of shared runs (sharing.py) sees the models. This one sees what Ops do with their answers: what requests
share, in a way that no golden sample has shown, gives one of them another answer than alone.
"""

import logging
from collections.abc import Callable, Sequence
from copy import deepcopy

from paddle_serving_runtime.engine.service_proof import same
from paddle_serving_runtime.engine.sharing import AUDITED_OF, GROUP_SECONDS, Ledger
from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

_LOG = logging.getLogger(__name__)

Infer = Callable[[Sequence[Call]], list[Result]]


class ServiceAudit:
    """Counts the times that requests of a service were computed beside each other."""

    def __init__(self, ledger: Ledger, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._times = 0

    def is_due(self, calls: Sequence[Call]) -> bool:
        """Counts one time; whether these are to be computed again.

        The 1st, 2nd, 4th, 8th time and so on, as most are unlike at the beginning, and one of AUDITED_OF times.
        """
        if self._ledger.off or sum(call.target == SERVICE for call in calls) < 2:  # noqa: PLR2004 - beside each other
            return False
        self._times += 1
        return self._times & (self._times - 1) == 0 or self._times % AUDITED_OF == 0

    def answers(self, calls: Sequence[Call], infer: Infer) -> list[Result]:
        """The result of each call by itself. Where one is another beside the others, no runs are shared any more.

        Calls that take long together get the results that they have there.
        """
        again = [deepcopy(call) for call in calls]  # an Op may change what it is given
        began = self._clock()
        beside = infer(calls)
        if self._clock() - began > GROUP_SECONDS:
            return beside  # a worker that takes twice as long may be replaced for it
        alone = [result for call in again for result in infer([call])]
        differing = sum(not _agree(one, other) for one, other in zip(beside, alone, strict=True))
        self._ledger.audited(differs=bool(differing))
        if differing:
            _LOG.error(
                "batching is off from now on in every worker: %s of %s requests of a service had other answers beside "
                "each other than alone; its Ops share something",
                differing,
                len(calls),
            )
        return alone


def _agree(one: Result, other: Result) -> bool:
    if isinstance(other.outcome, Response):
        return same(one, other.outcome)
    return not isinstance(one.outcome, Response)
