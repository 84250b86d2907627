"""Whatever changes under tens of thousands of requests: none fails, none is answered wrongly, no pod is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.changes import CHANGES, Change, under_load
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(minutes(15))]

REQUESTS = 20_000
REQUESTS_PER_SECOND = 300


# the others are part of `make e2e-by-hand`: all nine take a quarter of an hour
ALWAYS = ("promoted", "switched", "drained", "operator_killed")


def parameter(change: Change) -> pytest.ParameterSet:
    return pytest.param(change, id=change.name, marks=() if change.name in ALWAYS else pytest.mark.by_hand)


@pytest.mark.parametrize("change", [parameter(change) for change in CHANGES])
def test_no_request_fails_and_no_answer_is_wrong(given: Given, change: Change) -> None:
    outcome = under_load(given, change, REQUESTS, REQUESTS_PER_SECOND)
    tally = outcome.tally
    assert tally.requests == tally.sent >= REQUESTS
    assert (tally.failed, outcome.wrong, outcome.missing) == (0, 0, ()), str(tally)
    assert outcome.fewest_ready >= change.promised
