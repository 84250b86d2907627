"""The direct engine answers as Paddle Serving's own pipeline server does, but for what is declared to differ."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from images.serving.tests.differential.conftest import NAMES, Both
from images.serving.tests.differential.corpus import CASES, Case
from images.serving.tests.differential.differences import DIFFERENCES, differing

DOCUMENT = Path(__file__).parents[4] / "docs" / "compatibility.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_the_stock_servers_but_for_the_declared_differences(
    servers: Mapping[str, Both], case: Case
) -> None:
    both = servers[case.service]
    path = case.path or f"/{NAMES[case.service]}/prediction"
    stock, here = both.stock.post(path, case.body), both.here(path, case.body)
    explained = {part for name in case.differences for part in DIFFERENCES[name].explains}
    found = differing(stock, here)
    both_answers = f"stock: {stock}\nhere: {here}"
    assert found <= explained, both_answers
    for name in case.differences:
        assert found & DIFFERENCES[name].explains, f"{name} is declared, but does not show\n{both_answers}"


def test_every_declared_difference_shows_in_a_case() -> None:
    assert {name for case in CASES for name in case.differences} == set(DIFFERENCES)


def test_the_document_has_a_row_for_each_difference_and_no_other() -> None:
    _, _, section = DOCUMENT.read_text().partition("## Requests and answers")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert sorted(rows) == sorted(DIFFERENCES)
