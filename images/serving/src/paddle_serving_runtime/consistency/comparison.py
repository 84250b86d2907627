"""Two answers, tensor by tensor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency.answer import Answer
from paddle_serving_runtime.consistency.ulp import ulps

Kind = Literal["missing", "unexpected", "dtype", "shape", "value"]
Array = NDArray[Any]


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
class Element:
    """One element of two tensors: the values as text with all their digits, the errors as in Comparison.

    `ulp` are the steps between them in the narrower type, None where that says nothing (see consistency/ulp.py).
    """

    index: tuple[int, ...]
    got: str
    want: str
    absolute: float
    relative: float
    ulp: int | None


@dataclass(frozen=True)
class Comparison:
    """The outcome for one tensor of one sample; `difference` is None where the two sides are equal.

    The errors are taken over all elements: 0 where there is nothing to subtract, inf where only one side is finite.
    The relative error leaves out what the absolute tolerance alone lets pass: a zero's would be infinite.
    `differing` counts the elements that are not equal under the tolerance. `worst` is the differing element with the
    largest absolute error, of all elements where none differs, the first of equals; None where there is no pair.
    """

    sample: str
    tensor: str
    elements: int
    max_absolute_error: float
    max_relative_error: float
    difference: Difference | None
    differing: int = field(default=0, kw_only=True)
    worst: Element | None = field(default=None, kw_only=True)
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
    side within the tolerance and everything else exactly; shapes must agree, of empty sides as far as lists can say
    them. Text is equal or not. Two answers without any tensor are a difference: nothing would have been compared.
    """
    names = [*want, *(name for name in got if name not in want)]
    pairs: Mapping[str, tuple[Array | None, Array | None]] = {name: (got.get(name), want.get(name)) for name in names}
    if not pairs:
        pairs = {"(none)": (None, None)}
    return tuple(_comparison(sample, name, pair, tolerance, (got_name, want_name)) for name, pair in pairs.items())


def describe(comparison: Comparison) -> str:
    """One sentence that names sample, tensor, element, both values and both sides."""
    where = f"Sample {comparison.sample}, tensor {comparison.tensor}"
    difference = comparison.difference
    if difference is None:
        return f"{where}: {comparison.got_name} and {comparison.want_name} are equal."
    got_name, want_name = comparison.got_name, comparison.want_name
    if difference.kind in ("missing", "unexpected"):
        return f"{where}: {got_name} has {difference.got}, but {want_name} has {difference.want}."
    what = "" if difference.kind == "value" else f"{difference.kind} "
    place = f", element {list(difference.element)}" if difference.element else ""
    sentence = (
        f"{where}{place}: {got_name} {_verb(got_name)} {what}{difference.got}, "
        f"but {want_name} {_verb(want_name)} {what}{difference.want}"
    )
    if difference.kind != "value" or comparison.elements == 1:
        return f"{sentence}."
    return (
        f"{sentence}; {comparison.differing} of {comparison.elements} elements differ, largest absolute error "
        f"{comparison.max_absolute_error:.6g}, largest relative error {comparison.max_relative_error:.6g}."
    )


def _verb(side: str) -> str:
    return "is" if side in ("served", "recorded") else "says"


def _comparison(
    sample: str, name: str, pair: tuple[Array | None, Array | None], tolerance: Tolerance, sides: tuple[str, str]
) -> Comparison:
    got, want = pair if tolerance.exact else _with_one_empty_shape(pair)
    elements = (want if want is not None else got if got is not None else np.empty(0)).size
    absolute, relative, differing, worst = 0.0, 0.0, elements, None
    difference = _structural(got, want, tolerance)
    if difference is None and got is not None and want is not None:
        wrong = ~_equal(got, want, tolerance)
        differing = int(np.count_nonzero(wrong))
        errors = _errors(got, want, tolerance.atol)
        absolute, relative = _largest(errors[0]), _largest(errors[1])
        worst = _element(got, want, _worst(wrong, errors[0]), errors) if wrong.size else None
        if differing and worst is not None:
            difference = Difference(worst.index, worst.got, worst.want, "value")
    return Comparison(
        sample, name, elements, absolute, relative, difference,
        differing=differing, worst=worst, got_name=sides[0], want_name=sides[1],
    )  # fmt: skip


def _structural(got: Array | None, want: Array | None, tolerance: Tolerance) -> Difference | None:
    if got is None and want is None:
        return Difference((), "no tensor at all", "none either, so nothing was compared", "missing")
    if got is None:
        return Difference((), "no such tensor", "one", "missing")
    if want is None:
        return Difference((), "this tensor", "none", "unexpected")
    if _type(got, tolerance) != _type(want, tolerance):
        return Difference((), str(got.dtype), str(want.dtype), "dtype")
    if got.shape != want.shape:
        return Difference((), str(list(got.shape)), str(list(want.shape)), "shape")
    return None


def _with_one_empty_shape(pair: tuple[Array | None, Array | None]) -> tuple[Array | None, Array | None]:
    """The pair, two empty sides in one shape: nested lists do not say what there is behind an empty axis."""
    got, want = pair
    if got is None or want is None or got.size or want.size:
        return pair
    short, long = sorted((got.shape, want.shape), key=len)
    return (got.reshape(long), want.reshape(long)) if long[: len(short)] == short else pair


def _type(array: Array, tolerance: Tolerance) -> str:
    """What has to agree: text has no width, and with a tolerance numbers have none either."""
    if array.dtype.kind == "U":
        return "text"
    if not tolerance.exact and array.dtype.kind in "iufc":
        return "number"
    return array.dtype.name


def _equal(got: Array, want: Array, tolerance: Tolerance) -> NDArray[np.bool_]:
    if tolerance.exact or not (_is_inexact(got) or _is_inexact(want)):
        return _bits_equal(got, want)
    with np.errstate(invalid="ignore", over="ignore"):
        limit = tolerance.atol + tolerance.rtol * np.abs(want.astype(_wide(want)))
        near = np.isfinite(limit) & (_distance(got, want) <= limit)
    return np.asarray(near | (got == want) | (_isnan(got) & _isnan(want)))


def _bits_equal(got: Array, want: Array) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = np.asarray(got == want)
    if got.dtype.kind == "c":
        return np.asarray(_bits_equal(got.real, want.real) & _bits_equal(got.imag, want.imag))
    if got.dtype.kind == "f":
        same_sign = np.signbit(got) == np.signbit(want)
        return np.asarray((same & same_sign) | (np.isnan(got) & np.isnan(want)))
    return same


def _errors(got: Array, want: Array, atol: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Absolute and relative error of every element: 0 where equal (or both NaN), inf where only one is finite."""
    if got.dtype.kind not in "iufc" or want.dtype.kind not in "iufc":
        nothing = np.zeros(np.shape(got))
        return nothing, nothing
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        distance = np.asarray(_distance(got, want))
        same = (got == want) | (_isnan(got) & _isnan(want))
        absolute = np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))
        magnitude = np.abs(want.astype(_wide(want)))
        small = (magnitude <= atol) & (absolute <= atol)
        relative = np.where(same | small, 0.0, absolute / magnitude)
        relative = np.where(np.isnan(relative), np.inf, relative)
        return absolute.astype(np.float64), relative.astype(np.float64)


def _distance(got: Array, want: Array) -> Array:
    return np.asarray(np.abs(got.astype(_wide(got)) - want.astype(_wide(want))))


def _wide(array: Array) -> type:
    """A type in which a difference neither overflows nor loses integers of 64 bits (on x86-64)."""
    return np.clongdouble if array.dtype.kind == "c" else np.longdouble


def _isnan(array: Array) -> NDArray[np.bool_]:
    return np.isnan(array) if _is_inexact(array) else np.zeros(array.shape, dtype=np.bool_)


def _is_inexact(array: Array) -> bool:
    return array.dtype.kind in "fc"


def _worst(wrong: NDArray[np.bool_], errors: NDArray[np.float64]) -> tuple[int, ...]:
    """The index of the differing element with the largest error, of all where none differs; the first of equals."""
    flat = int(np.argmax(np.where(wrong, errors, -1.0) if wrong.any() else errors))
    return tuple(int(index) for index in np.unravel_index(flat, wrong.shape))


def _element(
    got: Array, want: Array, index: tuple[int, ...], errors: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Element:
    absolute, relative = (float(each[index]) for each in errors)
    steps = ulps(np.asarray(got[index]), np.asarray(want[index]))
    return Element(index, _text(got[index]), _text(want[index]), absolute, relative, steps)


def _largest(errors: NDArray[np.float64]) -> float:
    return float(errors.max()) if errors.size else 0.0


def _text(value: Any) -> str:  # noqa: ANN401 - a scalar of any dtype
    """All digits: numpy's shortest text that reads back as the same value."""
    if isinstance(value, np.str_):
        return repr(str(value))
    return str(value)
