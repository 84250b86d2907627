"""The values of a pipeline response as arrays."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

Answer = Mapping[str, NDArray[Any]]


def values_to_answer(values: Mapping[str, str | NDArray[Any]]) -> Answer:
    """Arrays by name from the values of a response.

    An array stays as it is. A text that is a JSON or Python literal (a number, a string, nested lists of either, the
    repr of an ndarray or of a numpy scalar) becomes an array of int64, float64, bool or str. Any other text becomes
    a 0-d array of str. Nothing is evaluated.
    """
    raise NotImplementedError
