"""More pods under load and no failed request, by the HorizontalPodAutoscaler that `autoscaling` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib.wait import Seen, minutes, wait_for
from e2e.lib.watch import endpoints_of

if TYPE_CHECKING:
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = [pytest.mark.e2e, pytest.mark.by_hand]

# 80 % of the tenth of a core that the example asks for: idle pods take less, the load below takes more of one pod
AUTOSCALING = {"minReplicas": 1, "maxReplicas": 2, "cpuUtilization": 80}


def replicas_become(service: Service, count: int, *, within: float) -> None:
    def look() -> Seen:
        spec = service.resource()["spec"]
        found = service.namespace.find("horizontalpodautoscaler", service.name) or {}
        return Seen(spec["replicas"] == count, f"{spec['replicas']} replicas; {found.get('status')}")

    wait_for(f"spec.replicas {count} of {service.name}", look, within=within)


def test_load_adds_a_pod_and_fails_no_request(given: Given) -> None:
    model = given.model("uci-housing")
    service = given.service("uci-housing", replicas=1, model=model, autoscaling=AUTOSCALING).is_healthy()
    before = service.when.asked("house.json")
    with endpoints_of(given.namespace, service.name) as endpoints:
        endpoints.settles_on(1, within=60)
        with service.under_load("house.json", requests_per_second=150) as load:
            replicas_become(service, 2, within=minutes(5))
            service.then.pods_are_ready(2, within=minutes(3))
            endpoints.settles_on(2, within=60)
            load.sends(500, within=60)
        assert endpoints.fewest() >= 1
    load.saw_only({before})
    assert service.resource()["status"]["phase"] == "Healthy"
