"""The operator's page, turned on as docs/page.md says: who serves, what was refused, and why."""

from __future__ import annotations

import html
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
import requests

from e2e.lib import session
from e2e.lib.defects import one_weight_changed
from e2e.lib.model import bias_raised
from e2e.lib.reader import reader_of, typed_forward
from e2e.lib.wait import Seen, minutes, wait_for
from tools.documents import command

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from e2e.lib.cluster import Cluster, Namespace
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = pytest.mark.e2e

PAGE = f"{session.RELEASE}-page"
FORWARD = command("docs/page.md", "kubectl -n paddle-system port-forward")
ANSWER_SECONDS = 30.0
DRIFT_FORBIDDEN = {"drift": {"mode": "Require"}}


@pytest.fixture
def page(cluster: Cluster, operator: Namespace, tmp_path: Path) -> Iterator[str]:
    """Its address while it is on; afterwards it is off again, and its Service gone."""
    session.install_operator(cluster, "--set", "page.enabled=true")
    try:
        with typed_forward(reader_of(operator, tmp_path), FORWARD, {" 8090": " :8090"}) as address:
            yield address
    finally:
        session.install_operator(cluster)
    assert operator.find("service", PAGE) is None


def test_both_documents_lead_to_it_alike() -> None:
    same = command("charts/paddle-serving-operator/README.md", "kubectl -n paddle-system port-forward")
    assert same.text == FORWARD.text


def text_of(address: str) -> str:
    """What there is to read, with single spaces."""
    response = requests.get(address, timeout=ANSWER_SECONDS)
    assert response.status_code == HTTPStatus.OK, f"{address}: {response.status_code} {response.text}"
    body = response.text[response.text.index("<main") :]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def says(address: str, *parts: str) -> None:
    """Waits until all of these stand on the page: it shows what the operator's watches have told."""

    def look() -> Seen:
        text = text_of(address)
        missing = [part for part in parts if part not in text]
        return Seen(not missing, f"without {missing}: {text}")

    wait_for(address, look, within=60)


def refused(service: Service, reason: str, *parts: str) -> str:
    """Waits until the newest model is refused; returns its revision."""
    service.then.fails(reason, says=parts, within=minutes(2))
    service.then.phase_becomes("Failed", within=minutes(1))
    return service.candidate


def test_it_shows_the_revision_that_serves_and_the_tensors_for_which_others_were_refused(
    given: Given, page: str
) -> None:
    service = given.service("uci-housing", rollout=DRIFT_FORBIDDEN, model=given.model("uci-housing")).is_healthy()
    place = f"services/{given.namespace.name}/{service.name}"
    stable, here = service.revision, f"{page}/{place}"
    assert f'href="./{place}"' in requests.get(page, timeout=ANSWER_SECONDS).text
    says(page, service.name, given.namespace.name, "Healthy", stable, "Recorded")
    says(here, "Healthy", stable, "100%", "1 of 1", "RolledOut", "RolloutStarted Normal", "golden samples agree")

    service.when.model_is_replaced_by(given.model("uci-housing", bias_raised))
    drifted = refused(service, "DriftTooLarge", "house.json", "price")
    values = ("house.json , tensor price , element [0, 0]", "expected 1 8.9011", "got 1 9.9011")
    says(here, "Failed", stable, drifted, "DriftTooLarge Warning", "This revision against the one that serves", *values)
    says(f"{here}/reports/{drifted}", "Differences", "answered differently", *values)

    service.when.model_is_replaced_by(given.model("uci-housing", one_weight_changed))
    wrong = refused(service, "NotConsistent", "house.json", "price")
    why = service.then.condition_becomes("Progressing", "False", "NotConsistent", within=60)
    values = ("house.json , tensor price , element [0, 0]", "expected 1 8.9011", "got 1 9.2153")
    says(here, "Failed", stable, wrong, "Progressing: False NotConsistent", why, "NotConsistent Warning", *values)
    says(f"{here}/reports/{wrong}", "Verdict None", "What is not as it must be", *values)

    assert requests.post(here, timeout=ANSWER_SECONDS).status_code == HTTPStatus.METHOD_NOT_ALLOWED
