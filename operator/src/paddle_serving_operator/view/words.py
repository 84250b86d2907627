"""Values as people read them."""

import json
import re
from datetime import timedelta

from paddle_serving_operator.api.fields import DURATION

DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400


def span(time: timedelta) -> str:
    """A span of time as kubectl writes ages: 90s, 5m30s, 42m, 3h20m, 30h, 3d4h, 100d, 2y40d."""
    seconds = max(0, int(time.total_seconds()))
    for limit, large, small in (
        (2 * MINUTE, 1, 0),
        (10 * MINUTE, MINUTE, 1),
        (3 * HOUR, MINUTE, 0),
        (8 * HOUR, HOUR, MINUTE),
        (2 * DAY, HOUR, 0),
        (8 * DAY, DAY, HOUR),
        (2 * YEAR, DAY, 0),
    ):
        if seconds < limit:
            return _two(seconds, large, small)
    return _two(seconds, YEAR, DAY)


def _two(seconds: int, large: int, small: int) -> str:
    units = {1: "s", MINUTE: "m", HOUR: "h", DAY: "d", YEAR: "y"}
    rest = seconds % large // small if small else 0
    return f"{seconds // large}{units[large]}" + (f"{rest}{units[small]}" if rest else "")


def duration(text: str) -> timedelta | None:
    """The length of a pause such as 1m30s; None where it is none."""
    match = DURATION.fullmatch(text)
    if match is None or not text:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def short(digest: str) -> str:
    """A digest that fits into a table: its algorithm and 12 digits."""
    match = DIGEST.fullmatch(digest)
    return f"{match[1]}…" if match else digest


def number(value: float | None) -> str:
    """A difference; "-" where there is nothing to subtract."""
    return "-" if value is None else f"{value:.3g}"


def json_text(value: object) -> str:
    """A value of JSON on one line, a string without quotes, with all digits."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun."""
    return f"{count} {one if count == 1 else many or one + 's'}"
