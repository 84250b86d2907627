from fractions import Fraction

import pytest

from paddle_serving_operator.quantity import parse_quantity, smaller


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0.1", "100m"),
        ("1000m", "1"),
        ("1e3", "1k"),
        ("1E3", "1000"),
        ("1.0001Gi", "1073849198183m"),
        ("0.5Gi", "512Mi"),
        ("1024Ki", "1Mi"),
        ("1.5", "1500m"),
        (".5", "500m"),
        ("2.", "2"),
        ("+1", "1"),
        ("1024Pi", "1Ei"),
        ("1e-3", "1m"),
        ("1000n", "1u"),
        ("1000000000.0", "1G"),
        ("0.00049", "1m"),
        ("10000000Ti", "9223372036854775807"),
    ],
)
def test_two_spellings_of_one_quantity_are_equal(written: str, stored: str) -> None:
    assert parse_quantity(written) == parse_quantity(stored) is not None


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1_000", "NaN", "1e", "0x10", "1Kib", "\u0661", "1" * 5000])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert parse_quantity(text) is None


def test_a_value_is_in_whole_units() -> None:
    assert parse_quantity("500m") == Fraction(1, 2)
    assert parse_quantity("1Ki") == 1024
    assert parse_quantity("-1") == -1


def test_the_smaller_of_two_is_found_across_units() -> None:
    assert smaller("1Gi", "1G") == "1G"
    assert smaller("100m", "0.2") == "100m"
    assert smaller("what", "1") == "what"
