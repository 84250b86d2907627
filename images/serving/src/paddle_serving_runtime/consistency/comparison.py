"""Two answers, tensor by tensor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

Answer = Mapping[str, NDArray[Any]]
Kind = Literal["missing", "unexpected", "dtype", "shape", "value"]


@dataclass(frozen=True)
class Tolerance:
    """Numbers are equal where |got - want| <= atol + rtol * |want|; (0, 0) means bit for bit."""

    rtol: float
    atol: float

    @property
    def exact(self) -> bool:
        """Whether this means bit for bit, with dtype."""
        return self.rtol == 0 and self.atol == 0


EXACT = Tolerance(0.0, 0.0)


@dataclass(frozen=True)
class Difference:
    """Where two tensors differ: `element` is the index of the worst element, () for the tensor as a whole.

    `got` and `want` are the two values (or dtypes, or shapes) as text with all their digits.
    """

    element: tuple[int, ...]
    got: str
    want: str
    kind: Kind


@dataclass(frozen=True)
class Comparison:
    """The outcome for one tensor of one sample; `difference` is None where the two sides are equal.

    The errors are taken over all elements, 0 where nothing can be subtracted, inf where only one side is a number.
    `differing` counts the elements that are not equal under the tolerance.
    """

    sample: str
    tensor: str
    elements: int
    max_absolute_error: float
    max_relative_error: float
    difference: Difference | None
    differing: int = 0
    got_name: str = field(default="got", kw_only=True)
    want_name: str = field(default="want", kw_only=True)

    @property
    def equal(self) -> bool:
        """Whether the two sides are equal under the tolerance."""
        return self.difference is None


def compare(
    sample: str, got: Answer, want: Answer, tolerance: Tolerance, got_name: str, want_name: str
) -> tuple[Comparison, ...]:
    """One Comparison for every tensor of either side, in the order of `want`, then what only `got` has.

    Under EXACT dtype, shape and every bit must agree, except that NaN equals NaN of any payload; -0.0 differs from
    0.0. Under a tolerance, numbers are compared by value whatever their width, a comparison with a float on either
    side within the tolerance and everything else exactly; shapes must agree. Text is equal or not.
    """
    raise NotImplementedError


def describe(comparison: Comparison) -> str:
    """One sentence that names sample, tensor, element, both values and both sides."""
    raise NotImplementedError
