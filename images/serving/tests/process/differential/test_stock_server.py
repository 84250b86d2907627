"""The direct engine answers as Paddle Serving's own pipeline server does, but for what is declared to differ."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import json_format

from images.serving.tests.process.differential import corpus
from images.serving.tests.process.differential.conftest import NAMES, Both
from images.serving.tests.process.differential.corpus import Case
from images.serving.tests.process.differential.differences import DIFFERENCES, JSON_ONLY, UNASKED, differing
from images.serving.tests.process.differential.number_cases import ENCODED, NUMBERS
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

CASES = (*NUMBERS, *ENCODED, *corpus.CASES)
DOCUMENT = Path(__file__).parents[5] / "docs" / "compatibility.md"


def as_message(case: Case) -> bytes | None:
    """The Request message for a body in JSON, None where it stands for none."""
    try:
        return bytes(
            json_format.Parse(case.body, MESSAGES["Request"](), ignore_unknown_fields=True).SerializeToString()
        )
    except (json_format.ParseError, UnicodeDecodeError):
        return None


def ask(address: str, message: bytes) -> Any:  # noqa: ANN401 - a protobuf message
    with grpc.insecure_channel(address) as channel:
        return MESSAGES["Response"].FromString(channel.unary_unary(PIPELINE_INFERENCE)(message, timeout=60))


def of(response: Any, field: str) -> Any:  # noqa: ANN401 - protobuf messages
    """A field in a form that compares."""
    value = getattr(response, field)
    return value if isinstance(value, int | str) else list(value)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_answer_is_the_stock_servers_but_for_the_declared_differences(
    servers: Mapping[str, Both], case: Case
) -> None:
    both = servers[case.service]
    path = case.path or f"/{NAMES[case.service]}/prediction"
    headers = {"Content-Encoding": case.content_encoding} if case.content_encoding else {}
    stock, here = both.stock.post(path, case.body, headers), both.here(path, case.body, headers)
    explained = {part for name in case.differences for part in DIFFERENCES[name].explains}
    found = differing(stock, here)
    both_answers = f"stock: {stock}\nhere: {here}"
    assert found <= explained, both_answers
    for name in case.differences:
        assert found & DIFFERENCES[name].explains, f"{name} is declared, but does not show\n{both_answers}"


MESSAGES_OF_CASES = [(case, message) for case in CASES if (message := as_message(case)) is not None]


@pytest.mark.parametrize(("case", "message"), MESSAGES_OF_CASES, ids=lambda value: getattr(value, "name", ""))
def test_the_grpc_answer_is_the_stock_servers_but_for_the_declared_differences(
    servers: Mapping[str, Both], case: Case, message: bytes
) -> None:
    both = servers[case.service]
    stock, here = ask(both.stock.rpc, message), ask(both.direct.grpc, message)
    found = {field.name for field in stock.DESCRIPTOR.fields if of(stock, field.name) != of(here, field.name)}
    declared = set(case.differences) - JSON_ONLY
    explained = {part for name in declared for part in DIFFERENCES[name].explains}
    if stock.err_no == here.err_no != 0:
        explained |= DIFFERENCES["error-text"].explains
    assert found <= explained, f"stock: {stock}\nhere: {here}"


def test_every_declared_difference_shows_in_a_case() -> None:
    assert {name for case in CASES for name in case.differences} == set(DIFFERENCES)


def test_the_document_has_a_row_for_each_difference_and_no_other() -> None:
    _, _, section = DOCUMENT.read_text().partition("## Requests and answers")
    rows = re.findall(r"^\| `([a-z0-9-]+)` \|", section.partition("\n## ")[0], re.MULTILINE)
    assert sorted(rows) == sorted([*DIFFERENCES, *UNASKED])


def test_every_row_of_the_document_has_an_id_of_its_own_and_says_all() -> None:
    rows = [line.split("|")[1:-1] for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    ids = [row[0].strip() for row in rows]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"`[a-z0-9-]+`", name) for name in ids)
    assert [row[0] for row in rows if len(row) != 5] == []
    assert [row[0] for row in rows if not all(cell.strip() for cell in row[1:])] == []
