"""What may differ between the servers: an id for each row of docs/compatibility.md, and the fields that it explains."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from images.serving.tests.process.differential.conftest import Answer

STATUS, FORM, BYTES = "status", "form", "bytes"
FIELDS = ("err_no", "err_msg", "key", "value", "tensors")


@dataclass(frozen=True)
class Difference:
    """`explains` are the fields of an answer that it may change."""

    explains: frozenset[str]


def of(*parts: str) -> Difference:
    return Difference(frozenset(parts))


JSON_ONLY = frozenset(
    {
        *("http-status", "gateway-error", "json-escapes", "json-strict", "bool-as-number", "model-name"),
        "content-encoding",
    }
)
"""Differences of the JSON form, which a gRPC message cannot show."""

ANSWERS = ("err_no", "err_msg", "key", "value")
DIFFERENCES: Mapping[str, Difference] = {
    "http-status": of(STATUS),
    "error-text": of("err_msg"),
    "gateway-error": of(FORM),
    "profile": of("key", "value"),
    "json-escapes": of(BYTES),
    "json-strict": of(STATUS, *ANSWERS),
    "proto-json": of(STATUS, *ANSWERS),
    "tensor-strict": of(STATUS, *ANSWERS),
    "bool-as-number": of(STATUS, FORM),
    "error-code-0": of("err_no"),
    "type-error-code": of("err_no"),
    "key-as-text": of(*ANSWERS),
    "content-encoding": of(STATUS, FORM, *ANSWERS),
    "stray-lod": of(STATUS, *ANSWERS),
    "whole-outputs": of("value"),
    "old-postprocess": of(*ANSWERS),
    "model-name": of(*ANSWERS),
}


UNASKED = frozenset({"object-tensors"})
"""Rows of the document that no request to the stock server shows: it would make more than data of what it is sent.

That the tensors are refused here is tested with the runtime alone.
"""


def differing(stock: Answer, here: Answer) -> set[str]:
    """The parts in which two answers differ."""
    status = {STATUS} if stock.status != here.status else set()
    theirs, ours = fields_of(stock.body), fields_of(here.body)
    if theirs is None or ours is None:
        return status | {FORM}
    parts = {field for field in FIELDS if theirs[field] != ours[field]}
    return status | parts or ({BYTES} if stock.body != here.body else set())


def fields_of(body: bytes) -> dict[str, Any] | None:
    """The fields of a pipeline response, None for anything else."""
    try:
        message = json.loads(body)
    except ValueError:
        return None
    return message if isinstance(message, dict) and tuple(message) == FIELDS else None
