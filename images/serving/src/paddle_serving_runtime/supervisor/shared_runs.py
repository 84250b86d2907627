"""What is told about runs that requests share: what is proved, how many there were, what audits have found. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paddle_serving_runtime.link.ledger import Audits


@dataclass(frozen=True)
class SharedRuns:
    """Those of a pod that was told to share them, `max_rows` at most.

    `proofs` are what each worker has proved, as it reported it; nothing of one that has not loaded yet. `audits` are
    counted for each worker, `off` says that one of them has found a difference.
    """

    max_rows: int
    proofs: Sequence[Mapping[str, Any]]
    audits: Sequence[Audits]
    off: bool

    @property
    def rows(self) -> tuple[int, ...]:
        """How many rows a run may have now, by worker."""
        return tuple(1 if self.off else int(proof.get("maxRows", 1)) for proof in self.proofs)

    def as_json(self) -> dict[str, Any]:
        """For the report. `proved` and `notProved` are those of the first worker that has loaded."""
        first = next((proof for proof in self.proofs if proof), {})
        return {
            "maxRows": self.max_rows,
            "rows": list(self.rows),
            "proved": first.get("proved", []),
            "notProved": first.get("notProved", []),
            "sharedRuns": sum(audit.shared for audit in self.audits),
            "audits": sum(audit.audited for audit in self.audits),
            "differences": sum(audit.differences for audit in self.audits),
        }
