"""Removing things: what serves goes on serving without the operator, and nothing is left behind or stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.lib import session
from e2e.lib.wait import Seen, minutes, wait_for

if TYPE_CHECKING:
    from e2e.lib.cluster import Cluster
    from e2e.lib.given import Given

pytestmark = pytest.mark.e2e

OURS = "app.kubernetes.io/managed-by=paddle-serving-operator"


def left_with_label(cluster: Cluster, label: str, namespace: str = "") -> list[str]:
    """`kind/name` of every object of every kind with the label, in one namespace or in all and outside of them."""
    where = ("-n", namespace) if namespace else ("--all-namespaces",)
    scope = ("--namespaced=true",) if namespace else ()
    kinds = cluster.kubectl("api-resources", "--verbs=list", "-o", "name", *scope).split()
    kinds = [kind for kind in kinds if not kind.startswith(("events", "componentstatuses"))]
    return cluster.kubectl("get", ",".join(kinds), *where, "-l", label, "--ignore-not-found", "-o", "name").split()


def test_deleting_a_service_takes_everything_of_it_along(given: Given) -> None:
    namespace = given.namespace
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    assert left_with_label(namespace.cluster, OURS, namespace.name)

    service.when.deleted()

    def look() -> Seen:
        left = left_with_label(namespace.cluster, OURS, namespace.name)
        return Seen(not left, ", ".join(left))

    wait_for("nothing left of the PaddleService", look, within=minutes(1))


def test_without_the_operator_pods_go_on_serving_and_namespaces_can_be_deleted(given: Given) -> None:
    namespace, cluster = given.namespace, given.namespace.cluster
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    answer, pods = service.when.asked("house.json"), [pod["metadata"]["uid"] for pod in service.pods()]
    try:
        with service.under_load("house.json", requests_per_second=10) as load:
            cluster.helm("uninstall", session.RELEASE, "--namespace", session.OPERATOR_NAMESPACE, "--wait")
            load.sends(50, within=60)
        load.saw_only({answer})
        assert [pod["metadata"]["uid"] for pod in service.pods()] == pods
        assert service.resource()["status"]["phase"] == "Healthy"
        kept = left_with_label(cluster, f"app.kubernetes.io/instance={session.RELEASE}")
        assert kept == [f"customresourcedefinition.apiextensions.k8s.io/{session.CRD}"]

        service.when.deleted()
        wait_for("the PaddleService is gone", lambda: _gone(given, service.name), within=60)
        given.service("uci-housing", name="left-alone")
        session.delete_namespace(namespace)
        session.namespace_is_gone(namespace)
        # Leaves the namespace for the fixture and for a dump.
        cluster.create_namespace(namespace.name, session.NAMESPACE_LABELS)
    finally:
        session.install_operator(cluster)


def test_an_operator_that_comes_back_takes_up_what_changed_meanwhile(given: Given) -> None:
    cluster = given.namespace.cluster
    service = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    kept = service.pods()[0]["metadata"]["uid"]
    try:
        cluster.helm("uninstall", session.RELEASE, "--namespace", session.OPERATOR_NAMESPACE, "--wait")
        service.when.scaled_to(2)
    finally:
        session.install_operator(cluster)
    service.then.pods_are_ready(2, within=minutes(2))
    service.is_healthy(within=minutes(1))
    assert kept in {pod["metadata"]["uid"] for pod in service.pods()}


def test_an_operator_for_one_namespace_leaves_the_others_alone(given: Given, cluster: Cluster) -> None:
    inside = given.service("uci-housing", model=given.model("uci-housing")).is_healthy()
    with session.temporary_namespace(cluster, "test_not-watched") as elsewhere:
        try:
            cluster.helm("uninstall", session.RELEASE, "--namespace", session.OPERATOR_NAMESPACE, "--wait")
            watched = f"watchNamespaces={{{given.namespace.name}}}"
            session.install_operator(cluster, "--set", "rbac.scope=Namespaced", "--set", watched)
            elsewhere.apply(inside.manifest)
            inside.when.scaled_to(2)
            inside.then.pods_are_ready(2, within=minutes(2))
            inside.is_healthy(within=minutes(1))
            # the API server itself writes a status when the object is made
            assert elsewhere.list("paddleservices")[0]["status"]["observedGeneration"] == 0
        finally:
            session.install_operator(cluster)


def _gone(given: Given, name: str) -> Seen:
    found = given.namespace.find("paddleservice", name)
    return Seen(found is None, str(found))
