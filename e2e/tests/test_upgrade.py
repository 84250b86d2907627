"""From another checkout's version to this one and back, while requests come.

By hand, because it needs that checkout's images on the cluster, under a version of their own in its images/images.yaml:

    make -C CHECKOUT images IMAGES="paddle-serving-operator paddle-serving-runtime"
    UPGRADE_FROM=CHECKOUT pytest -m by_hand e2e/tests/test_upgrade.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.lib import session
from e2e.lib.wait import Seen, minutes, wait_for
from images.catalogue import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.lib.cluster import Cluster
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.by_hand]


@pytest.fixture
def installed_before(cluster: Cluster) -> Iterator[None]:
    """The operator of the other checkout, in the place of this one's."""
    checkout = os.environ.get("UPGRADE_FROM", "")
    if not checkout:
        pytest.skip("UPGRADE_FROM names no checkout to upgrade from")
    images = read(Path(checkout) / "images" / "images.yaml")
    chart = Path(checkout) / "charts" / "paddle-serving-operator"
    session.remove_operator(cluster)
    session.namespace_is_gone(cluster.namespace(session.OPERATOR_NAMESPACE))
    session.install_operator(cluster, chart=chart, image_of=lambda name: images[name].reference)
    yield
    session.install_operator(cluster)


def moves_on_from(service: Service, revision: str) -> str:
    """Waits until another revision has all traffic; returns it."""

    def look() -> Seen:
        return Seen(service.revision != revision, str(service.resource()["status"]))

    wait_for(f"another revision than {revision}", look, within=minutes(3))
    service.is_healthy()
    return service.revision


@pytest.mark.usefixtures("installed_before")
def test_an_upgrade_and_its_rollback_cost_no_request_and_change_no_answer(given: Given, cluster: Cluster) -> None:
    service = given.service("uci-housing", replicas=2, model=given.model("uci-housing")).is_healthy()
    answer, before = service.when.asked("house.json"), service.revision
    with service.under_load("house.json", requests_per_second=50) as load:
        session.install_operator(cluster)
        after = moves_on_from(service, before)
        load.sends(100, within=60)
        cluster.helm("rollback", session.RELEASE, "--namespace", session.OPERATOR_NAMESPACE, "--wait")
        assert moves_on_from(service, after) == before
        load.sends(100, within=60)
    load.saw_only({answer})
