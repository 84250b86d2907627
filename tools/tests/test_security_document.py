"""docs/security.md: every defence in its tables has a test, and the test is there."""

import re
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "security.md"
LINK = re.compile(r"\[([^\]]+)\]\((\.\./[^)#]+)\)")
ROWS = [
    line
    for table in re.findall(r"^\| [^\n]*\| proved by \|\n\|[-|]+\n((?:\|.*\n)+)", DOCUMENT.read_text(), re.MULTILINE)
    for line in table.splitlines()
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_a_defence_names_tests_that_exist(row: str) -> None:
    links = LINK.findall(row)
    assert links, "no test is named"
    for words, target in links:
        path = (DOCUMENT.parent / target).resolve()
        assert path.is_file(), target
        if words.startswith("test_") and words != path.stem:
            assert re.search(rf"^(?:async )?def {words}\(", path.read_text(), re.MULTILINE), f"{target} has no {words}"


def test_the_tables_are_found() -> None:
    assert len(ROWS) > 25
