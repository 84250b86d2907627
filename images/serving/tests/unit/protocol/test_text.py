"""Text as numbers: what a plain model takes by key."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.protocol.numbers import from_text

FLOATS = ["float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_a_float_is_the_nearest_to_its_text(dtype: str, data: st.DataObject) -> None:
    numbers = data.draw(st.lists(st.floats(width=np.dtype(dtype).itemsize * 8, allow_nan=False), min_size=1))  # type: ignore[arg-type] # 16, 32 or 64
    names = {math.inf: "Infinity", -math.inf: "-Infinity"}
    written = ", ".join(names.get(number, repr(number)) for number in numbers)
    assert from_text(written, np.dtype(dtype)).tobytes() == np.array(numbers, dtype).tobytes()


@pytest.mark.parametrize(
    ("written", "dtype", "values"),
    [
        ("1,2,3", "int64", [1, 2, 3]),
        (" [1,\r\n +2,\t-3 ] ", "int8", [1, 2, -3]),
        ("007", "int64", [7]),
        ("1.,.5,-2e-3,1E2,7", "float64", [1.0, 0.5, -0.002, 100.0, 7.0]),
        ("NaN, Infinity,-Infinity,1", "float32", [math.nan, math.inf, -math.inf, 1.0]),
        ("1.5,2", "complex64", [1.5 + 0j, 2 + 0j]),
    ],
)
def test_text_is_numbers_in_decimal_digits(written: str, dtype: str, values: list[object]) -> None:
    array = from_text(written, np.dtype(dtype))
    np.testing.assert_array_equal(array, np.array(values, dtype), strict=True)
    assert array.flags.writeable


OTHER_TEXTS = ["", "[]", ",", "1,", ",1", "1,,2", "[1", "1]", "[[1]]", "1;2", "1 2", '"1"', "--1", "1e"]
OTHER_SPACES = ["1\u00a0", "\u30001"]


@pytest.mark.parametrize("dtype", ["int64", "float32", "complex64", "bool"])
@pytest.mark.parametrize("written", [*OTHER_TEXTS, *OTHER_SPACES])
def test_any_other_text_is_refused(written: str, dtype: str) -> None:
    with pytest.raises(ValueError, match="the text is not a list of numbers separated by commas"):
        from_text(written, np.dtype(dtype))


@pytest.mark.parametrize(
    ("written", "dtype"),
    [
        ("9" * 5000, "int64"),
        ("1,NaN", "int64"),
        ("1e400", "float64"),
        ("1e400,NaN", "float64"),
        ("65520", "float16"),
        ("1e39", "complex64"),
        ("256", "uint8"),
        ("2", "bool"),
    ],
)
def test_a_number_in_text_that_does_not_fit_is_refused_by_type(written: str, dtype: str) -> None:
    with pytest.raises(ValueError, match=f"a number does not fit {dtype}"):
        from_text(written, np.dtype(dtype))
