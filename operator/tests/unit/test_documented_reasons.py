"""docs/troubleshooting.md has a row for every reason of a condition, and none for a reason that there is not."""

import re
from pathlib import Path

from paddle_serving_operator.api.conditions import Reason

PAGE = Path(__file__).parents[3] / "docs" / "troubleshooting.md"
ROW = re.compile(r"^\| `([A-Z][A-Za-z]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def test_every_reason_is_documented_once_with_cause_and_cure() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert sorted(name for name, _, _ in rows) == sorted(reason.value for reason in Reason)
    assert [name for name, cause, cure in rows if not (cause.strip() and cure.strip())] == []
