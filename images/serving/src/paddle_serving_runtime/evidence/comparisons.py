"""Every comparison of a proof, and what may be said about all of them: pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from paddle_serving_runtime.consistency import Answer, Comparison
from paddle_serving_runtime.evidence.fingerprint import tensor_digest

Verdict = Literal["Recorded", "EngineOnly", "None"]
Against = Literal["reference", "recorded"]


@dataclass
class Evidence:
    """Every comparison so far: for a tensor the one with the largest difference, whichever worker it came from.

    `answers` has the fingerprint of every tensor that Paddle Inference alone answered, by sample and tensor,
    `differences` a sentence for everything that is not as it must be.
    """

    comparisons: dict[tuple[str, str, Against], Comparison] = field(default_factory=dict)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)

    def add(self, against: Against, found: Sequence[Comparison]) -> None:
        """Adds comparisons of one kind."""
        for comparison in found:
            key = (comparison.sample, comparison.tensor, against)
            known = self.comparisons.get(key)
            if known is None or _severity(comparison) > _severity(known):
                self.comparisons[key] = comparison

    def add_answer(self, sample: str, answer: Answer) -> None:
        """Adds what Paddle Inference alone answered."""
        for tensor, values in answer.items():
            self.answers[sample, tensor] = tensor_digest(values)

    def add_difference(self, sentence: str) -> None:
        """Adds a sentence, once however many workers say the same."""
        if sentence not in self.differences:
            self.differences.append(sentence)

    @property
    def verdict(self) -> Verdict:
        """Recorded: served, reference and recorded answers agree. EngineOnly: nothing recorded. None: not verified."""
        equal = all(comparison.equal for comparison in self.comparisons.values())
        if not self.comparisons or self.differences or not equal:
            return "None"
        return "Recorded" if any(against == "recorded" for _, _, against in self.comparisons) else "EngineOnly"

    @property
    def largest(self) -> Comparison | None:
        """Of the comparisons with recorded answers the one with the largest relative error; None without any."""
        found = [comparison for (_, _, against), comparison in self.comparisons.items() if against == "recorded"]
        return max(found, key=_distance, default=None)


def _distance(comparison: Comparison) -> tuple[bool, float, float]:
    return (not comparison.equal, comparison.max_relative_error, comparison.max_absolute_error)


def _severity(comparison: Comparison) -> tuple[bool, float]:
    return (not comparison.equal, comparison.max_absolute_error)
