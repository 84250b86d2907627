"""What was proved, as text."""

from collections.abc import Iterable

from paddle_serving_operator.plugin.text import pairs, table
from paddle_serving_operator.view.proof import Element, Proof
from paddle_serving_operator.view.words import number


def proof_lines(proof: Proof, indent: str = "") -> str:
    """The summary, a line for each fact."""
    return pairs(
        (
            ("Revision", proof.revision),
            ("Verdict", f"{proof.verdict}: {proof.sentence}"),
            ("Farthest from recorded", proof.largest.sentence if proof.largest else ""),
            ("Drift", proof.drift.sentence if proof.drift else ""),
            ("Paddle", proof.computed_by),
            *(("Warning", warning) for warning in proof.warnings),
        ),
        indent,
    )


def elements_table(elements: Iterable[Element], indent: str = "") -> str:
    """The elements with both values."""
    head = ("SAMPLE", "TENSOR", "ELEMENT", "EXPECTED", "GOT", "ABSOLUTE", "RELATIVE")
    rows = (
        (item.sample, item.tensor, item.index, item.expected, item.got, number(item.absolute), number(item.relative))
        for item in elements
    )
    return table(head, rows, indent)
