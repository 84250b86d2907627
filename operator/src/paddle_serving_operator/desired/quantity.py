"""Quantities of the Kubernetes API, as far as they are compared here."""

import re
from decimal import Decimal

PATTERN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
FACTORS = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P"), start=1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi"), start=1)},
}


def parse_quantity(text: str) -> Decimal | None:
    """The number that a quantity stands for ("500m" is 0.5, "1Ki" is 1024), or None where it is none."""
    match = PATTERN.fullmatch(text)
    if match is None:
        return None
    return Decimal(match[1]) * FACTORS[match[2] or ""]


def smaller(left: str, right: str) -> str:
    """The smaller of two quantities; `left` where they cannot be compared."""
    first, second = parse_quantity(left), parse_quantity(right)
    return right if first is not None and second is not None and second < first else left
