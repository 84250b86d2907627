import copy
from collections.abc import Sequence
from typing import Any

import pytest

from paddle_serving_operator.constants import (
    ANNOTATION_APPLIED,
    DEPLOYMENT,
    FIELD_MANAGER,
    HTTP_ROUTE,
    LABEL_MANAGED_BY,
    LABEL_SERVICE,
    SERVICE,
    Kind,
    Manifest,
)
from paddle_serving_operator.kube.apply import Known, NameTakenError, apply_all, mend_all, prune
from paddle_serving_operator.kube.errors import Conflict, Invalid, NotFound

OWNER: Manifest = {"metadata": {"namespace": "default", "name": "ocr", "uid": "u1"}}


class Recorder:
    """A Cluster that keeps what is applied, as an API server would: with defaults, other spellings, and a status."""

    def __init__(self) -> None:
        self.live: dict[tuple[Kind, str], Manifest] = {}
        self.writes: list[str] = []
        self.patches: list[Sequence[Manifest]] = []
        self.refuses: set[Kind] = set()
        self.lacks: set[Kind] = set()

    def get(self, kind: Kind, _namespace: str, name: str) -> Manifest | None:
        return self.live.get((kind, name))

    def list(self, _kind: Kind, _namespace: str, _selector: str) -> list[Manifest]:
        raise AssertionError

    def apply(self, kind: Kind, _namespace: str, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        if kind in self.refuses:
            raise Invalid(f"{name} is refused")
        if kind in self.lacks:
            raise NotFound("the server could not find the requested resource")
        self.writes.append(f"apply {kind.kind} {name}")
        version = manifest["metadata"].get("resourceVersion")
        if version and version != self.live[kind, name]["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        return self._stored(kind, manifest)

    def _stored(self, kind: Kind, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        stored = {key: value for key, value in copy.deepcopy(manifest).items() if key not in {"apiVersion", "kind"}}
        metadata = stored["metadata"] | {"uid": f"uid-{name}", "resourceVersion": "1"}
        self.live[kind, name] = stored | {"metadata": metadata, "status": {}}
        return self.live[kind, name]

    def apply_status(self, _kind: Kind, _namespace: str, _manifest: Manifest) -> Manifest:
        raise AssertionError

    def patch(self, kind: Kind, _namespace: str, name: str, operations: Sequence[Manifest]) -> Manifest:
        self.writes.append(f"patch {kind.kind} {name}")
        self.patches.append(operations)
        return self.live[kind, name]

    def create(self, kind: Kind, _namespace: str, manifest: Manifest) -> Manifest:
        name = manifest["metadata"]["name"]
        if (kind, name) in self.live:
            raise Conflict(f"{name} already exists")
        self.writes.append(f"create {kind.kind} {name}")
        return self._stored(kind, manifest)

    def dry_run(self, _kind: Kind, _namespace: str, _manifest: Manifest) -> Manifest:
        raise AssertionError

    def delete(self, kind: Kind, _namespace: str, name: str, uid: str) -> None:
        assert uid == f"uid-{name}"
        self.writes.append(f"delete {kind.kind} {name}")
        del self.live[kind, name]

    def log(self, _namespace: str, _pod: str, _container: str, *, previous: bool) -> str:
        raise AssertionError(f"nobody applies by a log, previous {previous}")


def service(**spec: object) -> tuple[Kind, Manifest]:
    metadata = {"name": "ocr", "labels": {"a": "b"}}
    return SERVICE, {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"selector": {"x": "1"}, **spec},
    }


@pytest.fixture
def cluster() -> Recorder:
    return Recorder()


def test_the_second_time_nothing_is_written(cluster: Recorder) -> None:
    assert apply_all(cluster, OWNER, [service()], cluster.live) == 1
    assert apply_all(cluster, OWNER, [service()], cluster.live) == 0


def test_an_object_carries_its_owner(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service()], cluster.live)
    owner = cluster.live[SERVICE, "ocr"]["metadata"]["ownerReferences"][0]
    assert owner["uid"] == "u1"
    assert owner["controller"] is True


def test_a_changed_manifest_is_written(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service()], cluster.live)
    assert apply_all(cluster, OWNER, [service(selector={"x": "2"})], cluster.live) == 1


def test_a_field_that_was_dropped_from_the_manifest_is_written(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service(type="ClusterIP")], cluster.live)
    assert apply_all(cluster, OWNER, [service()], cluster.live) == 1


def test_a_field_that_somebody_changed_is_put_back(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service()], cluster.live)
    cluster.live[SERVICE, "ocr"]["spec"]["selector"]["x"] = "by hand"
    assert apply_all(cluster, OWNER, [service()], cluster.live) == 1


def test_defaults_and_spellings_of_the_api_server_are_no_difference(cluster: Recorder) -> None:
    manifest = service(
        limits={"cpu": "1000m", "memory": "1024Mi"}, publishNotReadyAddresses=False, empty="", ports=[{"port": 80}]
    )
    apply_all(cluster, OWNER, [manifest], cluster.live)
    spec = cluster.live[SERVICE, "ocr"]["spec"]
    spec |= {
        "limits": {"cpu": "1", "memory": "1Gi"},
        "clusterIP": "10.0.0.1",
        "ports": [{"port": 80, "protocol": "TCP"}],
    }
    del spec["publishNotReadyAddresses"], spec["empty"]
    assert apply_all(cluster, OWNER, [manifest], cluster.live) == 0


@pytest.mark.parametrize("change", [{"limits": {"cpu": "2"}}, {"ports": []}, {"ports": [{"port": 81}]}])
def test_another_value_is_a_difference(cluster: Recorder, change: dict[str, Any]) -> None:
    manifest = service(limits={"cpu": "1"}, ports=[{"port": 80}])
    apply_all(cluster, OWNER, [manifest], cluster.live)
    cluster.live[SERVICE, "ocr"]["spec"] |= change
    assert apply_all(cluster, OWNER, [manifest], cluster.live) == 1


def test_what_server_side_apply_cannot_take_back_is_restored(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service(ports=[{"port": 80}])], cluster.live)
    cluster.live[SERVICE, "ocr"]["metadata"]["managedFields"] = [
        {"manager": "kubectl-edit", "fieldsV1": {"f:spec": {"f:externalIPs": {}}}}
    ]
    live = dict(cluster.live)

    def apply(kind: Kind, _namespace: str, manifest: Manifest) -> Manifest:
        return live[kind, manifest["metadata"]["name"]]  # it leaves what it does not name

    cluster.apply = apply  # type: ignore[method-assign]
    assert apply_all(cluster, OWNER, [service(ports=[{"port": 80}])], live) == 2
    assert cluster.writes[-1] == "patch Service ocr"


def test_what_was_added_may_contradict_what_is_applied(cluster: Recorder) -> None:
    desired = [service(ports=[{"port": 80, "name": "http"}])]
    apply_all(cluster, OWNER, desired, cluster.live)
    cluster.live[SERVICE, "ocr"]["spec"]["ports"] = [{"port": 81, "name": "http"}]
    cluster.refuses = {SERVICE}
    assert apply_all(cluster, OWNER, desired, dict(cluster.live)) == 2
    assert {item["path"] for item in cluster.patches[0]} >= {"/spec", "/metadata/resourceVersion"}


def test_an_object_that_is_refused_keeps_none_of_the_others_from_being_applied(cluster: Recorder) -> None:
    cluster.refuses = {SERVICE}
    deployment = (DEPLOYMENT, {"kind": "Deployment", "metadata": {"name": "ocr-1"}, "spec": {}})
    with pytest.raises(Invalid, match="refused"):
        apply_all(cluster, OWNER, [service(), deployment], {})
    assert (DEPLOYMENT, "ocr-1") in cluster.live


def test_a_kind_that_the_cluster_does_not_know_is_a_mistake_of_the_spec_and_no_outage(cluster: Recorder) -> None:
    cluster.lacks = {HTTP_ROUTE}
    route = HTTP_ROUTE, {**service()[1], "apiVersion": HTTP_ROUTE.api_version, "kind": HTTP_ROUTE.kind}
    with pytest.raises(Invalid, match=r"does not know httproutes .* Install the Gateway API .* ReplicaRatio"):
        apply_all(cluster, OWNER, [route, service()], {})
    assert cluster.writes == ["apply Service ocr"]
    cluster.live.clear()
    cluster.lacks = {SERVICE}  # whose namespace is gone
    with pytest.raises(NotFound):
        apply_all(cluster, OWNER, [service()], {})


def test_mending_leaves_out_what_belongs_to_somebody_else(cluster: Recorder) -> None:
    cluster.live[SERVICE, "ocr"] = {"metadata": {"name": "ocr", "uid": "foreign"}}
    deployment = (DEPLOYMENT, {"kind": "Deployment", "metadata": {"name": "ocr-1"}, "spec": {}})
    assert mend_all(cluster, OWNER, [service(), deployment], {}) == 1
    assert cluster.writes == ["create Deployment ocr-1"]


def test_an_object_of_ours_whose_owner_was_cut_off_is_taken_back(cluster: Recorder) -> None:
    labels = {LABEL_MANAGED_BY: FIELD_MANAGER, LABEL_SERVICE: "ocr"}
    metadata = {"name": "ocr", "uid": "x", "labels": labels, "annotations": {ANNOTATION_APPLIED: "1"}}
    cluster.live[SERVICE, "ocr"] = {"metadata": metadata}
    assert apply_all(cluster, OWNER, [service()], {}) == 1


@pytest.mark.parametrize("lost", [LABEL_MANAGED_BY, LABEL_SERVICE])
def test_without_our_labels_it_is_somebody_elses(cluster: Recorder, lost: str) -> None:
    labels = {LABEL_MANAGED_BY: FIELD_MANAGER, LABEL_SERVICE: "ocr"} | {lost: "another"}
    metadata = {"name": "ocr", "uid": "x", "labels": labels, "annotations": {ANNOTATION_APPLIED: "1"}}
    cluster.live[SERVICE, "ocr"] = {"metadata": metadata}
    with pytest.raises(NameTakenError):
        apply_all(cluster, OWNER, [service()], {})


def test_an_object_of_somebody_else_is_left_alone_with_a_sentence(cluster: Recorder) -> None:
    cluster.live[SERVICE, "ocr"] = {"metadata": {"name": "ocr", "uid": "foreign"}}
    with pytest.raises(NameTakenError, match=r"Service default/ocr exists and was not made by .* Delete or rename it"):
        apply_all(cluster, OWNER, [service()], {})
    assert cluster.writes == []


def test_what_a_deleted_namesake_left_is_waited_for(cluster: Recorder) -> None:
    owner = {"kind": "PaddleService", "name": "ocr", "uid": "u0", "controller": True}
    cluster.live[SERVICE, "ocr"] = {"metadata": {"name": "ocr", "uid": "x", "ownerReferences": [owner]}}
    with pytest.raises(Conflict, match="left over"):
        apply_all(cluster, OWNER, [service()], {})


DEPLOYED = DEPLOYMENT, {"kind": "Deployment", "metadata": {"name": "ocr-1"}, "spec": {}}


def test_what_is_known_to_be_absent_is_created_without_a_question_and_found_out_where_it_is_not(
    cluster: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Known(absent=frozenset({(DEPLOYMENT, "ocr-1")}))
    monkeypatch.setattr(cluster, "get", None)
    assert apply_all(cluster, OWNER, [DEPLOYED], {}, asked) == 1
    with pytest.raises(Conflict, match="already exists"):
        apply_all(cluster, OWNER, [DEPLOYED], {}, asked)
    assert cluster.writes == ["create Deployment ocr-1"]


def test_an_object_of_ours_that_lost_its_labels_is_applied_and_not_created(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [DEPLOYED], {})
    cluster.live[DEPLOYMENT, "ocr-1"]["metadata"]["annotations"] = {}
    assert apply_all(cluster, OWNER, [DEPLOYED], {}) == 1
    assert cluster.writes == ["create Deployment ocr-1", "apply Deployment ocr-1"]


def test_what_must_be_as_it_is_known_is_not_changed_where_it_is_not(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service()], {})
    exact = Known(exact=frozenset({(SERVICE, "ocr")}))
    known = {place: copy.deepcopy(found) for place, found in cluster.live.items()}
    cluster.live[SERVICE, "ocr"]["metadata"]["resourceVersion"] = "2"
    with pytest.raises(Conflict, match="has been modified"):
        apply_all(cluster, OWNER, [service(selector={"x": "2"})], known, exact)
    assert apply_all(cluster, OWNER, [service(selector={"x": "2"})], cluster.live, exact) == 1


def test_what_nobody_wants_is_deleted_once(cluster: Recorder) -> None:
    for name in ("old", "new", "ending"):
        metadata = {"name": name, "namespace": "default", "uid": f"uid-{name}"}
        cluster.live[DEPLOYMENT, name] = {"metadata": metadata}
    cluster.live[DEPLOYMENT, "ending"]["metadata"]["deletionTimestamp"] = "now"
    assert prune(cluster, {(DEPLOYMENT, "new")}, dict(cluster.live)) == 1
    assert cluster.writes == ["delete Deployment old"]


def test_the_annotation_is_a_hash_of_the_manifest_alone(cluster: Recorder) -> None:
    apply_all(cluster, OWNER, [service()], {})
    first = cluster.live[SERVICE, "ocr"]["metadata"]["annotations"][ANNOTATION_APPLIED]
    cluster.live.clear()
    apply_all(cluster, {"metadata": OWNER["metadata"] | {"uid": "u2"}}, [service()], {})
    assert cluster.live[SERVICE, "ocr"]["metadata"]["annotations"][ANNOTATION_APPLIED] == first
