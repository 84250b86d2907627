from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDEST = 4
"""Bytes. Text and JSON numbers are read as float64 whatever computed them, so a step of float64 says nothing."""


def ulps(got: NDArray[Any], want: NDArray[Any]) -> int | None:
    """The steps between two scalars (0-d arrays) in units in the last place of the narrower type; 0.0 is -0.0.

    None where that says nothing: without a float16 or float32 on either side, and where a value is not finite in it.
    """
    floats = [side.dtype for side in (got, want) if side.dtype.kind == "f"]
    if not floats or not all(side.dtype.kind in "iuf" for side in (got, want)):
        return None
    narrow = min(floats, key=lambda dtype: dtype.itemsize)
    if narrow.itemsize > _WIDEST:
        return None
    with np.errstate(over="ignore"):
        sides = got.astype(narrow), want.astype(narrow)
    if not all(np.isfinite(side) for side in sides):
        return None
    return abs(_position(sides[0]) - _position(sides[1]))


def _position(value: NDArray[Any]) -> int:
    """The number of a float on the line of all floats of its type: its bits, negative where its sign is."""
    bits = int(value.view(f"u{value.dtype.itemsize}"))
    sign = 1 << (8 * value.dtype.itemsize - 1)
    return -(bits - sign) if bits & sign else bits
