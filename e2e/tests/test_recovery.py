"""What breaks comes back, and a graceful end of a pod costs no request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from e2e.lib.cluster import condition_of
from e2e.lib.session import kill_operator
from e2e.lib.wait import Seen, minutes, wait_for

if TYPE_CHECKING:
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e


def test_deleting_a_pod_of_two_under_load_fails_no_request(given: Given) -> None:
    service = given.service("uci-housing", replicas=2, model=given.model("uci-housing")).is_healthy()
    answer = service.when.asked("house.json")

    with service.under_load("house.json", requests_per_second=20) as load:
        deleted = service.when.pod_is_deleted()
        service.then.pods_are_ready(2, within=minutes(2))
        given.namespace.kubectl("wait", "--for=delete", f"pod/{deleted}", "--timeout=60s", timeout=70)
        load.sends(50, within=60)

    load.saw_only({answer})


def test_a_killed_worker_is_replaced_and_the_pod_stays(given: Given) -> None:
    limits = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "2Gi"}}
    model = given.model("uci-housing")
    service = given.service("uci-housing", model=model, resources=limits, engine={"workers": 2}).is_healthy()
    pod = service.pods()[0]["metadata"]["name"]
    answer = service.when.asked("house.json")

    with service.under_load("house.json", requests_per_second=10) as load:
        killed = service.when.worker_is_killed(pod)
        load.sends(50, within=60)
        seen = load.seen()

    # Its own request gets a 503, nobody else notices: with ten requests a second at most a few were on their way.
    assert seen.failed <= 2, str(seen)
    assert set(load.report.answers) == {answer}
    assert service.when.worker_is_killed(pod) != killed, "the worker was not replaced"
    (same,) = service.pods()
    assert same["metadata"]["name"] == pod
    assert [status["restartCount"] for status in same["status"]["containerStatuses"]] == [0]


def test_a_restart_of_the_operator_changes_nothing_that_runs(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    answer, before = service.when.asked("house.json"), service.pods()[0]["metadata"]["uid"]
    cluster = given.namespace.cluster

    with service.under_load("house.json", requests_per_second=10) as load:
        kill_operator(cluster)
        service.when.scaled_to(2)
        service.then.pods_are_ready(2, within=minutes(2))
        service.is_healthy(within=minutes(1))

    assert before in {pod["metadata"]["uid"] for pod in service.pods()}
    load.saw_only({answer})


def test_what_is_deleted_by_hand_comes_back(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    answer, revision = service.when.asked("house.json"), service.revision
    given.namespace.kubectl("delete", "service", service.name)

    def look() -> Seen:
        found = given.namespace.find("service", service.name)
        return Seen(found is not None, f"service {service.name}: {found}")

    wait_for(f"service {service.name} is back", look, within=60)
    given.namespace.kubectl("delete", "deployment", f"{service.name}-{revision}", "--wait=false")
    service.then.pods_are_ready(1, within=minutes(2))
    service.is_healthy(within=minutes(1), though_failed=True)
    assert condition_of(service.resource(), "Degraded")["status"] == "False"
    assert service.when.asked("house.json") == answer


def test_a_selector_bent_by_somebody_else_is_mended_long_before_the_next_resync(given: Given) -> None:
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    answer, selector = service.when.asked("house.json"), {"spec": {"selector": {"owner": "somebody-else"}}}
    given.namespace.kubectl("patch", "service", service.name, "--type=merge", "-p", json.dumps(selector))

    def look() -> Seen:
        found = given.namespace.find("service", service.name) or {}
        slices = given.namespace.list("endpointslices", f"kubernetes.io/service-name={service.name}")
        endpoints = [endpoint for one in slices for endpoint in one["endpoints"] or ()]
        what = f"{found['spec']['selector']}, endpoints {endpoints}"
        return Seen("owner" not in found["spec"]["selector"] and bool(endpoints), what)

    wait_for("the selector without the other key, and endpoints", look, within=60)
    assert service.when.asked("house.json") == answer
