"""The operator's role beside the calls that it made while all of these tests ran."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.lib import audit
from e2e.rights import Right

if TYPE_CHECKING:
    from e2e.lib.cluster import Cluster
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

STARTED = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
"""When the tests were collected: the log of an older session, and of an older role, is not this one's."""

ELSEWHERE = frozenset(
    {
        Right("serving.paddlepaddle.org", "paddleservices/finalizers", "update"),
        *(Right("autoscaling", "horizontalpodautoscalers", verb) for verb in ("create", "delete", "get", "patch")),
        *(Right("", kind, "delete") for kind in ("configmaps", "serviceaccounts", "services")),
        Right("apps", "controllerrevisions", "delete"),
        Right("policy", "poddisruptionbudgets", "delete"),
    }
)
"""Asked for in operator/tests/integration/test_audit.py, where every right of the role is: there services lose parts of
themselves and scale. Nobody here sees the first, which an admission plugin asks for."""

GATEWAY = "gateway.networking.k8s.io"
"""Without a Gateway API nobody asks for a route; the same test does."""


def test_the_operator_asks_for_what_its_role_gives_and_the_role_gives_nothing_that_it_never_asks_for(
    given: Given, request: pytest.FixtureRequest
) -> None:
    """Runs after all others (e2e/conftest.py). Alone, it cannot tell what is never asked for, and does not."""
    cluster: Cluster = given.namespace.cluster
    given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    lines = audit.noted(cluster)
    if lines is None:
        pytest.skip("this cluster keeps no audit log: it is not e2e/kind's, or was made before it kept one")
    asked, role = audit.asked(lines, STARTED), audit.given()
    assert Right("apps", "deployments", "create") in asked.rights
    assert sorted(asked.forbidden) == []
    assert sorted(asked.rights - role - every_account(asked.rights)) == []
    if whole(request.session):
        unused = {right for right in role - asked.rights - ELSEWHERE if right.group != GATEWAY}
        assert sorted(unused) == []


def every_account(rights: frozenset[Right]) -> frozenset[Right]:
    """What every account may ask for: its own rights."""
    return frozenset(right for right in rights if right.group in {"authorization.k8s.io", "authentication.k8s.io"})


def whole(session: pytest.Session) -> bool:
    """Whether every file of this folder runs."""
    return {path.name for path in Path(__file__).parent.glob("test_*.py")} <= {item.path.name for item in session.items}
