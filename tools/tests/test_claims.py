"""Every command that a document shows is executed by a test, or checked by one that says why it is not executed."""

import re

from tools.claims import claims, documents, gone, not_executed_ones, unclaimed
from tools.documents import ROOT, fenced

MOST_NOT_EXECUTED = 42
INDENTED = re.compile(
    r"^\n {4,}(\$ |(?:make|kubectl|helm|docker|pip|python3?|curl|grpcurl|paddle-serving-runtime) )", re.MULTILINE
)


def test_every_command_of_every_document_is_claimed_by_a_test() -> None:
    """`python -m tools.claims` prints the same."""
    assert unclaimed(documents(), [claim for claim in claims() if not list(gone([claim]))]) == []


def test_every_claim_is_of_a_command_that_its_document_has() -> None:
    assert list(gone(claims())) == []


def test_few_commands_are_not_executed() -> None:
    assert len(not_executed_ones(claims())) <= MOST_NOT_EXECUTED


def test_no_command_is_hidden_from_the_tests_by_how_it_stands_there() -> None:
    hidden = []
    for name in documents():
        text = (ROOT / name).read_text(encoding="utf-8")
        hidden += [f"{name}: ```{language}" for _, language, _, _ in fenced(text) if language in {"bash", "shell"}]
        hidden += [f"{name}: {found[0].strip()}" for found in INDENTED.finditer(text)]
    assert hidden == []
