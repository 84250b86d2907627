"""What a revision proved, as the page shows it: pictures of the differences, and the values at the worst elements."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from paddle_serving_operator.page.heat import Heat, compared, drifted, heat
from paddle_serving_operator.view.proof import Comparison, Drift, Element, Proof, Report
from paddle_serving_operator.view.words import counted

SIDES = (
    ("reference", "Served answers against Paddle Inference"),
    ("recorded", "Paddle Inference against the recorded answers"),
)
DRIFT = "This revision against the one that serves"


@dataclass(frozen=True, slots=True)
class Panel:
    """One side of the comparison. Where there is no picture, the sentence says why.

    `elements`: the worst one of every tensor that differs, those beyond what may be first, then the farthest.
    """

    title: str
    sentence: str
    picture: Heat | None
    elements: tuple[Element, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a revision. `report` is None where its pod has not answered one, or it cannot be read."""

    revision: str
    proof: Proof | None
    report: Report | None
    panels: tuple[Panel, ...]

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Those of the report."""
        return self.report.comparisons if self.report else ()


def evidence(revision: str, summary: Proof | None, report: Report | None) -> Evidence:
    """Of a revision, out of its report; what the status says of it where there is no report."""
    proof = report.proof if report else summary if summary and summary.revision == revision else None
    drift = proof.drift if proof else None
    sides = tuple(_side(report, against, title) for against, title in SIDES) if report else ()
    return Evidence(
        revision=revision,
        proof=proof,
        report=report,
        panels=(*sides, *((_drift(drift),) if drift else ())),
    )


def _side(report: Report, against: str, title: str) -> Panel:
    points = compared(report.comparisons, against)
    if not points:
        return Panel(title, "Nothing was compared.", None)
    picture = heat(f"heat-{against}", title, points)
    sentence = "" if picture else f"{counted(len(points), 'tensor')}, all the same, bit for bit."
    return Panel(title, sentence, picture, _worst_first(report.apart(against)))


def _drift(drift: Drift) -> Panel:
    points = drifted(drift.worst)
    if not points:
        same = drift.complete and not drift.different
        sentence = "Every tensor is the same, bit for bit." if same else "The report names no tensor."
        return Panel(DRIFT, sentence, None)
    picture = heat("heat-drift", DRIFT, points)
    return Panel(
        DRIFT, "" if picture else "Every tensor that is named is the same.", picture, _worst_first(drift.worst)
    )


def _worst_first(elements: Iterable[Element]) -> tuple[Element, ...]:
    def order(item: Element) -> tuple[bool, float]:
        far = item.relative if item.relative is not None else item.absolute
        return item.equal is not False, -(math.inf if far is None else far)

    return tuple(sorted(elements, key=order))
