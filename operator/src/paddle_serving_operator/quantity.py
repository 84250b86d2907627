"""Quantities of the Kubernetes API, compared by value: the API server stores them in another spelling than given."""

import math
import re
from fractions import Fraction

# every form of apimachinery's resource.Quantity: a sign, digits with a point at either end, a unit or an exponent;
# as many digits as anybody needs, because Python refuses to read thousands
PATTERN = re.compile(r"([+-]?)([0-9]{1,64}\.?[0-9]{0,64}|\.[0-9]{1,64})(n|u|m|k|[MGTPE]i?|Ki|[eE][+-]?[0-9]{1,3})?")
DECIMAL = {
    unit: Fraction(1000) ** power
    for power, unit in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), start=-3)
}
BINARY = {f"{unit}i": Fraction(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}
FACTORS = DECIMAL | BINARY
SMALLEST = 1000  # parts of one: the API server rounds resources up to a thousandth
LARGEST = 2**63 - 1  # and stores nothing above this


def parse_quantity(text: str) -> Fraction | None:
    """The number that a quantity stands for ("500m" is 1/2, "1Ki" is 1024), or None where it is none."""
    match = PATTERN.fullmatch(text)
    if match is None:
        return None
    sign, number, unit = match[1], Fraction(match[2]), match[3] or ""
    factor = FACTORS.get(unit)
    value = number * (Fraction(10) ** int(unit[1:]) if factor is None else factor)
    rounded = min(Fraction(math.ceil(value * SMALLEST), SMALLEST), Fraction(LARGEST))
    return -rounded if sign == "-" else rounded


def smaller(left: str, right: str) -> str:
    """The smaller of two quantities; `left` where they cannot be compared."""
    first, second = parse_quantity(left), parse_quantity(right)
    return right if first is not None and second is not None and second < first else left
