"""How far the answers of one revision are from those of another: pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from paddle_serving_runtime.consistency import Answer, Comparison, Tolerance, compare
from paddle_serving_runtime.evidence.report import MAX_NAME, MAX_SENTENCE, clipped, worst_element

Samples = Literal["Golden", "Replay"]
MAX_TENSORS = 100
THIS, STABLE = "this revision", "the stable revision"
_HIDDEN = "(text of a live request)"


@dataclass(frozen=True)
class Question:
    """What is compared, and how: `requests` is how many are replayed at most."""

    samples: Samples
    requests: int
    tolerance: Tolerance


@dataclass
class Drift:
    """What has come out so far.

    `asked` samples, of which `different` differ beyond the tolerance and `missing` had no answer on one side, for the
    first of `reasons`. Of live requests no text is shown: it would be the users' own.
    """

    question: Question
    asked: int = 0
    different: int = 0
    missing: int = 0
    reasons: list[str] = field(default_factory=list)
    _tensors: list[dict[str, Any]] = field(default_factory=list)

    def add(self, sample: str, ours: Answer, theirs: Answer) -> None:
        """Compares the answers of both sides to a sample."""
        found = compare(sample, ours, theirs, self.question.tolerance, THIS, STABLE)
        self.asked += 1
        self.different += not all(comparison.equal for comparison in found)
        for comparison in found:
            if not comparison.equal or _distance(comparison):
                self._tensors.append(self._entry(comparison, ours, theirs))
        if len(self._tensors) > 2 * MAX_TENSORS:
            self._tensors = self._worst()

    def miss(self, sample: str, why: str) -> None:
        """Counts a sample that one side has not answered."""
        self.asked += 1
        self.missing += 1
        self.reasons.append(clipped(f"Sample {sample}: {why}", MAX_SENTENCE))

    def as_json(self, incomplete: str = "") -> dict[str, Any]:
        """As the report has it; `incomplete` is why not every sample was asked, empty where every one was."""
        return {
            "samples": self.question.samples,
            "asked": self.asked,
            "different": self.different,
            "missing": self.missing,
            "rtol": self.question.tolerance.rtol,
            "atol": self.question.tolerance.atol,
            "tensors": self._worst(),
            "complete": not incomplete,
            "reason": incomplete or next(iter(self.reasons), ""),
        }

    def _worst(self) -> list[dict[str, Any]]:
        return sorted(self._tensors, key=_rank, reverse=True)[:MAX_TENSORS]

    def _entry(self, found: Comparison, ours: Answer, theirs: Answer) -> dict[str, Any]:
        values = worst_element(found)
        is_text = any(found.tensor in side and side[found.tensor].dtype.kind == "U" for side in (ours, theirs))
        if is_text and self.question.samples == "Replay" and found.worst is not None:
            values |= {"expected": _HIDDEN, "got": _HIDDEN}
        names = {"sample": clipped(found.sample, MAX_NAME), "tensor": clipped(found.tensor, MAX_NAME)}
        return {**names, "equal": found.equal, "absolute": None, "relative": None, **values}


def _distance(found: Comparison) -> float:
    return found.max_absolute_error


def _rank(entry: Mapping[str, Any]) -> tuple[bool, float, float]:
    """What differs first, then by the errors; null stands for infinity."""
    errors: Sequence[float | None] = (entry["relative"], entry["absolute"])
    relative, absolute = (math.inf if error is None else error for error in errors)
    return (not entry["equal"], relative, absolute)
