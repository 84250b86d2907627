"""Where each kind of defect is seen: what its refusal must name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.lib.wait import expect

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Sighting:
    """By which comparison a defect is seen, in which tensor; `samples` where it does not show in all of them."""

    against: str
    tensor: str
    samples: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What the sentence of the refusal says in any case: where it is, and which two are compared."""
        sides = ("served", "Paddle Inference") if self.against == "reference" else ("Paddle Inference", "recorded")
        return ("Sample ", ".json", "tensor ", "element [", *sides)

    def sentence(self, report: Mapping[str, Any]) -> str:
        """The sentence of the refusal, out of the report; a part of it where another attempt may find another place.

        What is compared with the recorded answers is the same in every attempt. Raises AssertionError as `entries`.
        """
        self.entries(report)
        return "element [" if self.against == "reference" else " ".join(report["differences"][0].split())

    def entries(self, report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What a report says of the tensor: for every sample the element, and both values.

        Raises AssertionError where a sample is missing, or where another comparison saw the defect.
        """
        wrong = [entry for entry in report["comparisons"] if not entry["equal"]]
        expect({entry["against"] for entry in wrong} == {self.against}, f"not seen against {self.against}: {wrong}")
        found = [entry for entry in wrong if entry["tensor"] == self.tensor]
        samples = {entry["sample"] for entry in found}
        expect(samples and samples >= set(self.samples), f"{self.tensor} is not wrong in {self.samples}: {wrong}")
        alike = [entry for entry in found if not entry["index"] or entry["expected"] == entry["got"]]
        expect(not alike, f"no element, or twice the same value: {alike}")
        return found


RIGHT_TEXTS = {"hello.json": "'Hello Paddle'", "number.json": "'No. 3141592'", "chinese.json": "'飞桨服务化部署'"}
"""The golden samples of ocr-rec, and what they say, as a report writes it."""

ALL = tuple(RIGHT_TEXTS)
SIGHTINGS = {
    "one_weight_changed": Sighting("recorded", "text", ALL),
    "tensors_swapped": Sighting("recorded", "text", ALL),
    "weights_rounded_to_half": Sighting("recorded", "score", ("number.json",)),
    "weight_not_a_number": Sighting("recorded", "text", ALL),
    "channels_swapped": Sighting("recorded", "score", ("number.json", "chinese.json")),
    "pixels_not_scaled": Sighting("recorded", "text", ALL),
    "resized_by_another_library": Sighting("recorded", "score", ("number.json", "chinese.json")),
    "input_cast_lost": Sighting("recorded", "score", ALL),
    "characters_shifted": Sighting("recorded", "text", ALL),
    "answers_not_repeatable": Sighting("reference", "score"),
    "state_kept": Sighting("reference", "text"),
    "requests_mixed_up": Sighting("reference", "text"),
    "aliases_swapped": Sighting("recorded", "click", ("1.json", "2.json", "3.json")),
}
"""Of every kind that is found by its answers, by its function's name. `params_truncated` gives none."""

HOUSE = Sighting("recorded", "price", ("house.json",))
"""Of one_weight_changed in uci-housing."""

CUT_OFF = ("ocr_rec_server/inference.pdiparams", "tensor 89", "bytes before its end")
"""What the refusal of params_truncated says."""
