"""What the pods of a revision proved, as values, from and to JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from paddle_serving_operator.constants import Manifest


@dataclass(frozen=True, slots=True)
class Difference:
    """The tensor of the sample whose answer is farthest from the recorded one; inf where only one side is a number."""

    absolute: float
    relative: float
    sample: str
    tensor: str

    @override
    def __str__(self) -> str:
        """In words, for conditions and events."""
        return f"{self.absolute:g} (relative {self.relative:g}) at sample {self.sample}, tensor {self.tensor}"


@dataclass(frozen=True, slots=True)
class Worst:
    """The element of a tensor where two answers are farthest from each other; values as text, as they were sent."""

    sample: str
    tensor: str
    index: str
    expected: str
    got: str

    @override
    def __str__(self) -> str:
        """In words, for conditions and events."""
        place = f"{self.tensor}{self.index}"
        return f"sample {self.sample}, tensor {place}: {self.expected} was answered before, {self.got} now"


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a candidate's answers are from those of the revision that served when it was asked.

    `asked` samples, of which `different` differ by more than the tolerances and `missing` could not be compared.
    `complete` False: not all of them could be asked, `reason` says why.
    """

    samples: str
    asked: int
    different: int
    missing: int
    complete: bool
    reason: str = ""
    worst: Worst | None = None

    def worst_in_words(self) -> str:
        """A sentence with a blank before it, or nothing."""
        return f" The largest difference is in {self.worst}." if self.worst else ""


@dataclass(frozen=True, slots=True)
class Verification:
    """What the pods of a revision proved. `verdict` is Recorded, EngineOnly or None; `samples` counts golden samples.

    `recorded` counts those with a recorded answer, from which `difference` is the largest difference. `unequal` names
    the first sample that differed (only where consistency is not required), else it is "". `warnings` are sentences
    about the package. `drift` is None where nothing was compared with the revision before. `backend` is which of
    Paddle's engines has answered, "" where the pod does not say it.
    """

    revision: str
    verdict: str
    samples: int
    paddle_version: str
    device: str
    unequal: str = ""
    recorded: int = 0
    difference: Difference | None = None
    warnings: tuple[str, ...] = ()
    drift: Drift | None = None
    backend: str = ""

    @property
    def has_recorded(self) -> bool:
        """Whether answers were compared with recorded ones, whatever came out."""
        return self.recorded > 0 or self.verdict == "Recorded"


def parse_verification(raw: Mapping[str, Any] | None) -> Verification | None:
    """As `dump_verification` wrote it. Raises KeyError, TypeError or ValueError."""
    if not raw:
        return None
    return Verification(
        revision=str(raw["revision"]),
        verdict=str(raw["verdict"]),
        samples=int(raw.get("samples", 0)),
        paddle_version=str(raw.get("paddleVersion", "")),
        device=str(raw.get("device", "")),
        unequal=str(raw.get("unequal", "")),
        recorded=int(raw.get("recorded", 0)),
        difference=parse_difference(raw.get("largestDifference")),
        warnings=tuple(str(warning) for warning in raw.get("warnings", ())),
        drift=parse_drift(raw.get("drift")),
        backend=str(raw.get("backend", "")),
    )


def parse_drift(raw: Mapping[str, Any] | None) -> Drift | None:
    """Out of a status, or of what a pod says, where `tensors` has the worst first. Raises as above."""
    if not raw:
        return None
    tensors = raw.get("tensors") or ()
    worst = raw.get("worst") or (tensors[0] if tensors else None)
    return Drift(
        samples=str(raw.get("samples", "")),
        asked=int(raw["asked"]),
        different=int(raw["different"]),
        missing=int(raw.get("missing", 0)),
        complete=raw.get("complete") is True,
        reason=str(raw.get("reason", ""))[:500],
        worst=_worst(worst) if worst else None,
    )


def _worst(raw: Mapping[str, Any]) -> Worst:
    index = raw.get("index", "")
    place = index if isinstance(index, str) else f"[{', '.join(str(part) for part in index)}]"
    texts = [str(raw.get(name, ""))[:253] for name in ("sample", "tensor")]
    return Worst(texts[0], texts[1], place[:100], str(raw.get("expected", ""))[:100], str(raw.get("got", ""))[:100])


def parse_difference(raw: Mapping[str, Any] | None) -> Difference | None:
    """Rounded to three digits; JSON has no infinity and leaves it out. Raises KeyError, TypeError or ValueError."""
    if not raw:
        return None
    absolute, relative = (_number(raw.get(name)) for name in ("absolute", "relative"))
    return Difference(absolute, relative, str(raw["sample"])[:253], str(raw["tensor"])[:253])


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        return math.inf
    return float(f"{value:.3g}")


def dump_verification(verification: Verification | None) -> Manifest | None:
    """Its JSON, without empty fields."""
    if verification is None:
        return None
    fields: Manifest = {
        "revision": verification.revision,
        "verdict": verification.verdict,
        "samples": verification.samples,
        "recorded": verification.recorded,
        "paddleVersion": verification.paddle_version,
        "device": verification.device,
    }
    if verification.difference is not None:
        fields["largestDifference"] = _dump_difference(verification.difference)
    if verification.drift is not None:
        fields["drift"] = _dump_drift(verification.drift)
    if verification.backend:
        fields["backend"] = verification.backend
    if verification.warnings:
        fields["warnings"] = list(verification.warnings)
    return fields | ({"unequal": verification.unequal} if verification.unequal else {})


def _dump_difference(difference: Difference) -> Manifest:
    numbers = {"absolute": difference.absolute, "relative": difference.relative}
    finite = {name: value for name, value in numbers.items() if math.isfinite(value)}
    return {**finite, "sample": difference.sample, "tensor": difference.tensor}


def _dump_drift(drift: Drift) -> Manifest:
    fields: Manifest = {
        "samples": drift.samples,
        "asked": drift.asked,
        "different": drift.different,
        "missing": drift.missing,
        "complete": drift.complete,
    }
    if drift.reason:
        fields["reason"] = drift.reason
    if drift.worst is not None:
        fields["worst"] = {name: getattr(drift.worst, name) for name in Worst.__slots__}
    return fields
