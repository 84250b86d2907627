"""The tolerance that a configuration allows, and whether a comparison with it still proves something. Pure."""

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from paddle_serving_runtime.cli.options import MAX_TOLERANCE
from paddle_serving_runtime.consistency import Answer, Tolerance
from paddle_serving_runtime.consistency.looseness import too_loose
from tipc.lines import ConfigError

TOLERANCE, AUTHORS = "tolerance", "author_tolerance"
EXACT = "exact"
ALIKE = 0.75
"""How much of a key must be one of the two names for it to be taken for a slip of the pen."""


def read(path: Path, lines: Sequence[str], after: int) -> dict[str, tuple[float, float]]:
    """`tolerance:1e-3|1e-5` and `author_tolerance:...` (rtol, atol) by name, on lines after the one of that number.

    Other lines mean nothing. Raises ConfigError for a tolerance that proves nothing, a second one, and a misspelt key.
    """
    found: dict[str, tuple[float, float]] = {}
    for number, line in enumerate(lines[after:], start=after + 1):
        key, _, value = (part.strip() for part in line.partition(":"))
        if key in found:
            raise ConfigError(f"{path}:{number}: {key} is there twice. Remove one of the lines.")
        if key in (TOLERANCE, AUTHORS):
            found[key] = _pair(f"{path}:{number}: {key}", key, value)
            continue
        word = re.split(r"[:=\s]", line.strip().lower(), maxsplit=1)[0].replace("-", "_")
        if near := get_close_matches(word, (TOLERANCE, AUTHORS), n=1, cutoff=ALIKE):
            raise ConfigError(f"{path}:{number}: {line.strip()!r} has no effect; write {near[0]}:RTOL|ATOL.")
    return found


def _pair(where: str, name: str, value: str) -> tuple[float, float]:
    try:
        rtol, atol = (float(part) for part in value.split("|"))
    except ValueError:
        raise ConfigError(f"{where} is {value!r}; write {name}:RTOL|ATOL.") from None
    for number in (rtol, atol):
        if not math.isfinite(number) or number < 0:
            raise ConfigError(f"{where} is {value!r}; {number:g} is no difference. Write a number from 0 upwards.")
    if rtol > MAX_TOLERANCE:
        raise ConfigError(
            f"{where} is {value!r}; an RTOL of more than {MAX_TOLERANCE:g} proves nothing. Write a smaller one."
        )
    return rtol, atol


def objection(tolerance: Tolerance, got: Answer, want: Answer) -> str:
    """Why comparing two answers with it proves nothing, as a sentence; empty where it does. It is for floats alone."""
    for name, values in want.items():
        if name not in got or "f" not in (got[name].dtype.kind, values.dtype.kind):
            continue
        if clause := too_loose(tolerance, values, MAX_TOLERANCE):
            used = shown((tolerance.rtol, tolerance.atol))
            return (
                f"the configuration's tolerance {used} proves nothing about the output {name}: {clause}. "
                "Write a smaller one"
            )
    return ""


def shown(tolerance: tuple[float, float] | None) -> str:
    """EXACT, or `rtol|atol`."""
    return "|".join(f"{number:g}" for number in tolerance) if tolerance and any(tolerance) else EXACT
