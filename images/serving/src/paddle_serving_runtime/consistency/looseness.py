"""Whether a tolerance still proves something about the values that it is applied to."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from paddle_serving_runtime.consistency.comparison import Tolerance

NOISE = 1e-5
"""An absolute difference that is always allowed: what is left of a zero after a few operations in float32."""


def too_loose(tolerance: Tolerance, values: NDArray[Any], limit: float) -> str:
    """Why comparing `values` with this tolerance proves nothing, as a clause; empty where it does.

    `limit` is the largest relative difference that may pass: rtol itself, and atol as a share of the largest finite
    magnitude in `values`. A tensor of zeros alone has no magnitude of its own, and counts as if it had a one.
    """
    if tolerance.rtol > limit:
        return f"rtol {tolerance.rtol:g} is more than {limit:g}"
    magnitude = _magnitude(values)
    if tolerance.atol > max(limit * magnitude, NOISE):
        return f"atol {tolerance.atol:g} is more than {limit:g} of the largest value, {magnitude:g}"
    return ""


def _magnitude(values: NDArray[Any]) -> float:
    if values.dtype.kind not in "iufc":
        return 1.0
    wide = np.abs(values.astype(np.clongdouble if values.dtype.kind == "c" else np.longdouble))
    finite = wide[np.isfinite(wide)]
    return float(finite.max()) or 1.0 if finite.size else 1.0
