"""Which requests share a run of a model that has proved its numbers of rows, and the audit of such runs."""

from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from paddle_serving_runtime.engine.grouping import Feed, cut, group, rows_of, signature
from paddle_serving_runtime.engine.proof import Proof

GROUP_SECONDS = 1.0
"""What requests of a service may take beside each other. Each waits for all, and the time of a request has an end."""

AUDITED_OF = 1000
"""One of so many shared runs is computed again, row by row; the first one is."""


class Ledger(Protocol):
    """What all workers of a pod know of their shared runs."""

    @property
    def off(self) -> bool:
        """Whether an audit of any worker has found a difference."""

    def shared(self) -> None:
        """This worker has shared a run."""

    def audited(self, *, differs: bool) -> None:
        """This worker has computed one again; `differs` ends shared runs in every worker."""


class Sharing:
    """What a model has proved, and the count of its shared runs."""

    def __init__(self, proof: Proof, ledger: Ledger) -> None:
        self.proof = proof
        self.ledger = ledger
        self._runs = 0

    @property
    def capacity(self) -> int:
        """How many requests can share a run."""
        return 1 if self.ledger.off else self.proof.largest

    def groups(self, feeds: Sequence[Feed]) -> list[list[int]]:
        """Indices of feeds whose rows are computed together, in the order in which they came."""
        if self.ledger.off:
            return [[index] for index in range(len(feeds))]
        covered = [self.proof.covers(feed) for feed in feeds]
        groups = [[index] for index, is_covered in enumerate(covered) if not is_covered]
        for together in group(feeds, len(feeds)):
            members = [index for index in together if covered[index]]
            sizes = self.proof.sizes.get(signature(feeds[together[0]]), ())
            rest = iter(members)
            counts = cut([rows_of(feeds[index]) or 0 for index in members], sizes)
            groups += [list(islice(rest, count)) for count in counts]
        return groups

    def is_audited(self) -> bool:
        """Counts a shared run; whether it is to be computed again."""
        self.ledger.shared()
        self._runs += 1
        return self._runs % AUDITED_OF == 1
