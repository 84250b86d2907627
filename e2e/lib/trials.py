"""Which wrong models are tried under which strategy, in `make e2e` and by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.lib import defects
from e2e.lib.sightings import HOUSE, SIGHTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from e2e.lib.model import Variant
    from e2e.lib.sightings import Sighting

STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    "Canary": {"strategy": "Canary", "steps": [{"weight": 50, "pause": {}}]},
    "BlueGreen": {"strategy": "BlueGreen"},
    "Recreate": {"strategy": "Recreate"},
}
"""Fields of spec.rollout."""


@dataclass(frozen=True, slots=True)
class Group:
    """Defects of one example, tried one after another on one service; `sample` is what its load asks."""

    example: str
    sample: str
    kinds: tuple[Variant, ...]

    def sighting(self, kind: Variant) -> Sighting | None:
        """Where the defect is seen; None where the model cannot even be loaded."""
        return HOUSE if self.example == "uci-housing" else SIGHTINGS.get(kind.__name__)


GROUPS = {
    "files": Group(
        "ocr-rec",
        "hello.json",
        (
            defects.one_weight_changed,
            defects.tensors_swapped,
            defects.weights_rounded_to_half,
            defects.weight_not_a_number,
            defects.params_truncated,
        ),
    ),
    "code": Group(
        "ocr-rec",
        "hello.json",
        (
            defects.channels_swapped,
            defects.pixels_not_scaled,
            defects.resized_by_another_library,
            defects.input_cast_lost,
            defects.characters_shifted,
        ),
    ),
    "requests": Group(
        "ocr-rec",
        "hello.json",
        (defects.answers_not_repeatable, defects.state_kept, defects.requests_mixed_up),
    ),
    "tasks": Group("two-tasks", "1.json", (defects.aliases_swapped,)),
    "house": Group("uci-housing", "house.json", (defects.one_weight_changed,)),
}
"""What is wrong in ocr-rec: its files, its code, or what it does from one request to the next."""

ALWAYS = ("house",)
"""Groups of `make e2e`, under every strategy; the others, which take half an hour, are in `make e2e-by-hand`."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A group under a strategy. `always`: in `make e2e`, too."""

    strategy: str
    group: str

    @property
    def name(self) -> str:
        """As in a test's id."""
        return f"{self.strategy}-{self.group}"

    @property
    def always(self) -> bool:
        """Whether it is part of `make e2e`."""
        return self.group in ALWAYS


def trials() -> Iterator[Trial]:
    """Every group under every strategy."""
    for strategy in STRATEGIES:
        for group in GROUPS:
            yield Trial(strategy, group)
