"""What a revision proved: the summary in the status, and the whole report of its pod."""

from dataclasses import dataclass

from paddle_serving_operator.view.raw import (
    Raw,
    flag_at,
    number_at,
    object_at,
    objects_at,
    text_at,
    texts_at,
    value_at,
    whole_at,
)
from paddle_serving_operator.view.words import counted, json_text, number


@dataclass(frozen=True, slots=True)
class Element:
    """The worst element of a tensor. `index` is "[0, 17]", "" for the tensor as a whole.

    Both values are text with all their digits. The differences are None where there is nothing to subtract, `ulp` (the
    steps between the two in the last place) where it says nothing. `equal`: within the tolerance, None where that is
    not known.
    """

    sample: str
    tensor: str
    index: str
    expected: str
    got: str
    absolute: float | None
    relative: float | None
    ulp: int | None
    equal: bool | None

    @property
    def sentence(self) -> str:
        """Where it is and how far apart the two are."""
        place = f", element {self.index}" if self.index else ""
        values = f": expected {self.expected}, got {self.got}" if self.expected or self.got else ""
        far = f" (absolute {number(self.absolute)}, relative {number(self.relative)})"
        known = self.absolute is not None or self.relative is not None
        return f"sample {self.sample}, tensor {self.tensor}{place}{values}{far if known else ''}"


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a candidate's answers are from those of the revision that serves. `samples`: Golden or Replay.

    `different` and `missing` of the `asked` samples. `worst` has the worst element of every tensor that the report
    names. `reason` says why the comparison is not `complete`. `backend` computed the candidate's answers,
    `stable_backend` the others; empty where that is not known.
    """

    samples: str
    asked: int
    different: int
    missing: int
    rtol: float
    atol: float
    complete: bool
    reason: str
    worst: tuple[Element, ...]
    backend: str
    stable_backend: str

    @property
    def sentence(self) -> str:
        """The counts in words, and what computed where that differs."""
        what = "replayed request" if self.samples == "Replay" else "golden sample"
        lost = f", {self.missing} without an answer" if self.missing else ""
        open_end = "" if self.complete else f"; not complete{': ' + self.reason if self.reason else ''}"
        known = self.backend and self.stable_backend
        by = f"; {self.backend} has computed, {self.stable_backend} in the revision that serves" if known else ""
        engines = by if self.backend != self.stable_backend else ""
        return f"{self.different} of {counted(self.asked, what)} answered differently{lost}{open_end}{engines}"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the pods of `revision` proved. `verdict`: Recorded, EngineOnly or None; `unequal`: a sample that differs."""

    revision: str
    verdict: str
    samples: int
    recorded: int
    paddle_version: str
    device: str
    backend: str
    largest: Element | None
    unequal: str
    warnings: tuple[str, ...]
    drift: Drift | None

    @property
    def computed_by(self) -> str:
        """Paddle's version, the device and which of Paddle's engines, as far as they are known."""
        engine = f", backend {self.backend}" if self.backend else ""
        return f"{self.paddle_version} on {self.device}{engine}" if self.paddle_version else ""

    @property
    def sentence(self) -> str:
        """What was proved, in words."""
        against = {"Recorded": "Paddle Inference and the recorded answers", "EngineOnly": "Paddle Inference"}
        if self.unequal:
            return f"sample {self.unequal} differs; it serves because consistency.required is false"
        if self.verdict not in against:
            return "nothing was proved"
        few = f" ({self.recorded} of them have one)" if 0 < self.recorded < self.samples else ""
        agree = "agrees" if self.samples == 1 else "agree"
        return f"{counted(self.samples, 'golden sample')} {agree} with {against[self.verdict]}{few}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One tensor of one sample, compared with the `reference` or the `recorded` answer.

    `differing` of its `elements` are not equal. `worst` is None where there is no element to show.
    """

    sample: str
    tensor: str
    against: str
    elements: int
    differing: int
    absolute: float | None
    relative: float | None
    equal: bool
    worst: Element | None


@dataclass(frozen=True, slots=True)
class Report:
    """What a pod of a revision says it proved, whole. `signed`: it has a signature, which nobody checked here.

    `differences` are sentences about what is not as it must be. `omitted` comparisons were left out for their size.
    """

    proof: Proof
    model_digest: str
    golden_digest: str
    image_digest: str
    runtime_version: str
    processor: str
    signed: bool
    differences: tuple[str, ...]
    omitted: int
    comparisons: tuple[Comparison, ...]

    def apart(self, against: str = "") -> tuple[Element, ...]:
        """The worst element of every comparison whose sides are not the same; of one side, or ("") of both."""
        return tuple(
            item.worst
            for item in self.comparisons
            if item.worst and (item.absolute != 0 or not item.equal) and against in {"", item.against}
        )


def proof_of(raw: Raw, revision: str = "") -> Proof | None:
    """The proof in a status or in a report; None where there is none."""
    if not raw:
        return None
    return Proof(
        revision=revision or text_at(raw, "revision"),
        verdict=text_at(raw, "verdict"),
        samples=whole_at(raw, "samples"),
        recorded=whole_at(raw, "recorded"),
        paddle_version=text_at(raw, "paddleVersion"),
        device=text_at(raw, "device"),
        backend=text_at(raw, "backend"),
        largest=_element(object_at(raw, "largestDifference")),
        unequal=text_at(raw, "unequal"),
        warnings=texts_at(raw, "warnings"),
        drift=_drift(object_at(raw, "drift")),
    )


def report_of(raw: Raw, revision: str) -> Report | None:
    """A report, as the pod answers it; None where it is none."""
    proof = proof_of(raw, revision)
    if proof is None or not proof.verdict:
        return None
    return Report(
        proof=proof,
        model_digest=text_at(raw, "modelDigest"),
        golden_digest=text_at(raw, "goldenDigest"),
        image_digest=text_at(raw, "imageDigest"),
        runtime_version=text_at(raw, "runtimeVersion"),
        processor=text_at(raw, "processor"),
        signed=bool(text_at(raw, "signature", "value")),
        differences=texts_at(raw, "differences"),
        omitted=whole_at(raw, "counts", "omitted"),
        comparisons=tuple(_comparison(item) for item in objects_at(raw, "comparisons")),
    )


def _comparison(raw: Raw) -> Comparison:
    return Comparison(
        sample=text_at(raw, "sample"),
        tensor=text_at(raw, "tensor"),
        against=text_at(raw, "against"),
        elements=whole_at(raw, "elements"),
        differing=whole_at(raw, "differing"),
        absolute=number_at(raw, "maxAbsoluteError"),
        relative=number_at(raw, "maxRelativeError"),
        equal=flag_at(raw, "equal"),
        worst=_element(raw) if "expected" in raw else None,
    )


def _drift(raw: Raw) -> Drift | None:
    if not raw:
        return None
    named = (*objects_at(raw, "tensors"), *([object_at(raw, "worst")] if object_at(raw, "worst") else []))
    return Drift(
        samples=text_at(raw, "samples"),
        asked=whole_at(raw, "asked"),
        different=whole_at(raw, "different"),
        missing=whole_at(raw, "missing"),
        rtol=number_at(raw, "rtol") or 0.0,
        atol=number_at(raw, "atol") or 0.0,
        complete=flag_at(raw, "complete"),
        reason=text_at(raw, "reason"),
        worst=tuple(found for item in named if (found := _element(item)) is not None),
        backend=text_at(raw, "backend"),
        stable_backend=text_at(raw, "stableBackend"),
    )


def _element(raw: Raw) -> Element | None:
    if not raw:
        return None
    index, ulp, equal = (value_at(raw, field) for field in ("index", "ulp", "equal"))
    return Element(
        sample=text_at(raw, "sample"),
        tensor=text_at(raw, "tensor"),
        index="" if index in (None, []) else json_text(index),
        expected=_value(raw, "expected"),
        got=_value(raw, "got"),
        absolute=number_at(raw, "absolute"),
        relative=number_at(raw, "relative"),
        ulp=ulp if isinstance(ulp, int) else None,
        equal=equal if isinstance(equal, bool) else None,
    )


def _value(raw: Raw, field: str) -> str:
    found = value_at(raw, field)
    return "" if found is None else json_text(found)
