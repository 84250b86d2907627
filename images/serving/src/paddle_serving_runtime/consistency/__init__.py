"""Comparison of answers: pure, numpy only."""

from paddle_serving_runtime.consistency.answer import Answer, values_to_answer
from paddle_serving_runtime.consistency.comparison import (
    EXACT,
    Comparison,
    Difference,
    Element,
    Tolerance,
    compare,
    describe,
)

__all__ = [
    "EXACT",
    "Answer",
    "Comparison",
    "Difference",
    "Element",
    "Tolerance",
    "compare",
    "describe",
    "values_to_answer",
]
