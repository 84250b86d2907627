"""What was compared, what came out, and what may be said about it: pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from paddle_serving_runtime.consistency import Answer, Comparison, Tolerance, compare, describe, values_to_answer
from paddle_serving_runtime.errors import NotConsistent, NotVerifiable
from paddle_serving_runtime.model.golden import Recorded
from paddle_serving_runtime.protocol import BadRequest, Response, read_response
from paddle_serving_runtime.supervisor.settings import Require

Verdict = Literal["Recorded", "EngineOnly", "None"]
Against = Literal["reference", "recorded"]

SERVED = "served"
ENGINE = "Paddle Inference"
RECORDED = "recorded"


@dataclass
class Evidence:
    """Every comparison so far: for a tensor the one with the largest difference, whichever worker it came from."""

    comparisons: dict[tuple[str, str, Against], Comparison] = field(default_factory=dict)

    def add(self, against: Against, found: tuple[Comparison, ...]) -> None:
        """Adds comparisons of one kind."""
        for comparison in found:
            key = (comparison.sample, comparison.tensor, against)
            known = self.comparisons.get(key)
            if known is None or _severity(comparison) > _severity(known):
                self.comparisons[key] = comparison

    @property
    def verdict(self) -> Verdict:
        """Recorded: served, reference and recorded answers agree. EngineOnly: nothing recorded. None: not verified."""
        if not self.comparisons or not all(comparison.equal for comparison in self.comparisons.values()):
            return "None"
        return "Recorded" if any(against == "recorded" for _, _, against in self.comparisons) else "EngineOnly"

    def as_json(self) -> list[dict[str, Any]]:
        """The comparisons as the report has them."""
        return [
            {
                "sample": sample,
                "tensor": tensor,
                "against": against,
                "elements": comparison.elements,
                "maxAbsoluteError": comparison.max_absolute_error,
                "maxRelativeError": comparison.max_relative_error,
                "equal": comparison.equal,
            }
            for (sample, tensor, against), comparison in self.comparisons.items()
        ]


def compare_served(sample: str, status: int, body: bytes, want: Answer, tolerance: Tolerance) -> tuple[Comparison, ...]:
    """A served response against the reference's answer. Raises NotConsistent where it is no answer at all."""
    try:
        response = read_response(body)
    except BadRequest as error:
        raise NotConsistent(f"Sample {sample}: HTTP {status}, and {error.message}.") from None
    return compare_response(sample, f"HTTP {status}", response, want, tolerance)


def compare_response(
    sample: str, status: str, response: Response, want: Answer, tolerance: Tolerance
) -> tuple[Comparison, ...]:
    """A response, whichever protocol it came by, against the reference's answer. Raises NotConsistent for an error."""
    if response.err_no:
        raise NotConsistent(
            f"Sample {sample}: the service answers {status}, err_no {response.err_no} ({response.err_msg}), but "
            f"{ENGINE} computes an answer. The cause is in the log."
        )
    got = {**values_to_answer(response.values), **response.tensors}
    return compare(sample, got, want, tolerance, SERVED, ENGINE)


def compare_recorded(sample: str, reference: Answer, recorded: Recorded) -> tuple[Comparison, ...]:
    """The reference's answer against the recorded one, within the tolerance that was recorded with it."""
    return compare(sample, reference, recorded.answer, recorded.tolerance, ENGINE, RECORDED)


def require_equal(found: tuple[Comparison, ...]) -> None:
    """Raises NotConsistent with the sentence for the first comparison that is not equal."""
    for comparison in found:
        if not comparison.equal:
            raise NotConsistent(describe(comparison))


def usable_recordings(
    samples: tuple[str, ...], recorded: Mapping[str, Recorded], require: Require, *, required: bool
) -> Mapping[str, Recorded]:
    """The recorded answers to compare with. Raises NotVerifiable where what is required is not there."""
    if not samples and (required or require == "recorded"):
        raise NotVerifiable(
            "The package has no golden samples. Add requests as golden/<name>.json (bodies for POST) or tensors as "
            "golden/<name>.npz, and record the answers with `paddle-serving-runtime record`."
        )
    missing = [name for name in samples if name not in recorded]
    if require == "recorded" and missing:
        raise NotVerifiable(
            f"No recorded answer for golden sample {missing[0]} ({len(missing)} of {len(samples)} are missing), and "
            "recorded answers are required. Add golden/expected/ with `paddle-serving-runtime record`."
        )
    return {} if require == "engine-only" else recorded


def _severity(comparison: Comparison) -> tuple[bool, float]:
    return (not comparison.equal, comparison.max_absolute_error)
