import copy
from typing import Any

import pytest

from paddle_serving_operator.constants import ANNOTATION_APPLIED, DEPLOYMENT, FIELD_MANAGER, SERVICE, Manifest
from paddle_serving_operator.kube.difference import RESTARTED, is_applied, others_fields, restoring

OWNER = {"apiVersion": "v1", "kind": "Owner", "name": "ocr", "uid": "u1", "controller": True}
METADATA: Manifest = {
    "name": "ocr",
    "labels": {"a": "b"},
    "annotations": {ANNOTATION_APPLIED: "1"},
    "ownerReferences": [OWNER],
}
POD: Manifest = {
    "nodeSelector": {"disk": "ssd"},
    "containers": [
        {
            "name": "serve",
            "args": ["serve", "--name", "1"],
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": ""}],
            "resources": {"limits": {"cpu": "1000m", "memory": "1.0001Gi"}},
        }
    ],
    "volumes": [{"name": "run", "emptyDir": {"sizeLimit": "1024Ki"}}],
}
DESIRED: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": METADATA,
    "spec": {
        "replicas": 2,
        "publishNotReadyAddresses": False,
        "selector": {"matchLabels": {"x": "1"}},
        "template": {"spec": POD},
    },
}


def stored(desired: Manifest = DESIRED) -> Manifest:
    """As an API server keeps it: with defaults, other spellings and a version."""
    live = copy.deepcopy(desired)
    live["metadata"] |= {"resourceVersion": "7", "managedFields": [entry(FIELD_MANAGER, {"f:replicas": {}})]}
    live["spec"] |= {"progressDeadlineSeconds": 600}
    live["spec"].pop("publishNotReadyAddresses")
    pod = live["spec"]["template"]["spec"]
    pod["dnsPolicy"] = "ClusterFirst"
    pod["containers"][0]["env"][1].pop("value")
    pod["containers"][0]["resources"]["limits"] = {"cpu": "1", "memory": "1073849198183m"}
    pod["volumes"][0]["emptyDir"]["sizeLimit"] = "1Mi"
    return live


def entry(manager: str, spec: Manifest, **fields: Any) -> Manifest:  # noqa: ANN401 - JSON
    return {"manager": manager, "operation": "Update", "fieldsV1": {"f:spec": spec, **fields}}


def test_defaults_and_spellings_of_the_api_server_are_no_difference() -> None:
    assert is_applied(DESIRED, stored())


def test_labels_annotations_and_owners_of_others_are_theirs() -> None:
    live = stored()
    live["metadata"]["labels"]["tool"] = live["metadata"]["annotations"]["tool"] = "x"
    live["metadata"]["ownerReferences"] = [{"kind": "Other", "uid": "u0"}, OWNER]
    live["metadata"]["managedFields"].append(
        {"manager": "tool", "operation": "Update", "fieldsV1": {"f:metadata": {"f:labels": {"f:tool": {}}}}}
    )
    assert is_applied(DESIRED, live)


def put(path: str, value: object) -> Manifest:
    """The stored object with another value at a path of names and numbers; None removes it."""
    live = stored()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place: Any = live
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return live


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata/labels", {}),
        ("metadata/annotations", {ANNOTATION_APPLIED: "0"}),
        ("metadata/ownerReferences", None),
        ("metadata/ownerReferences/0/controller", False),
        ("metadata/ownerReferences/0/uid", "u2"),
        ("spec/replicas", 3),
        ("spec/publishNotReadyAddresses", True),
        ("spec/selector/matchLabels/y", "2"),
        ("spec/selector/matchExpressions", []),
        ("spec/template/spec/nodeSelector/zone", "a"),
        ("spec/template/spec/containers/0/args/2", "1000m"),
        ("spec/template/spec/containers/0/args/2", "01"),
        ("spec/template/spec/containers/0/env/0/value", "1000m"),
        ("spec/template/spec/containers/0/env", [{"name": "A", "value": "1"}]),
        ("spec/template/spec/containers/0/resources/limits/cpu", "2"),
        ("spec/template/spec/containers/0/resources/limits/ephemeral-storage", "1Gi"),
        ("spec/template/spec/volumes/0/emptyDir/sizeLimit", "2Mi"),
    ],
)
def test_a_value_that_somebody_changed_added_or_removed_is_a_difference(path: str, value: object) -> None:
    assert not is_applied(DESIRED, put(path, value))


def test_a_field_beside_ours_is_known_by_who_set_it() -> None:
    live = stored()
    fields: Manifest = {
        "f:paused": {},
        "f:template": {"f:spec": {"f:containers": {'k:{"name":"extra"}': {".": {}, "f:image": {}}}}},
    }
    live["metadata"]["managedFields"].append(entry("kubectl-edit", fields))
    assert not is_applied(DESIRED, live)
    assert others_fields(DESIRED, live) == (
        "spec.paused (by kubectl-edit)",
        'spec.template.spec.containers.{"name":"extra"}.image (by kubectl-edit)',
    )


def test_a_status_and_a_restart_asked_by_kubectl_are_no_difference() -> None:
    live = stored()
    restart: Manifest = {"f:template": {"f:metadata": {"f:annotations": {f"f:{RESTARTED}": {}}}}}
    status = {"manager": "kube-controller-manager", "fieldsV1": {"f:status": {"f:replicas": {}}}}
    live["metadata"]["managedFields"] += [status, entry("kubectl-rollout", restart)]
    assert is_applied(DESIRED, live)


def test_restoring_names_the_version_and_takes_only_our_fields_from_others() -> None:
    live = stored()
    label: Manifest = {"f:labels": {"f:tool": {}}}
    others = [entry("tool", {"f:paused": {}}, **{"f:metadata": label}), entry("only", {"f:paused": {}})]
    live["metadata"]["managedFields"] += others
    patch = {item["path"]: item["value"] for item in restoring(DEPLOYMENT, DESIRED, live)}
    assert patch["/metadata/resourceVersion"] == "7"
    assert patch["/spec"] == DESIRED["spec"]
    own, tool = patch["/metadata/managedFields"]
    assert own == live["metadata"]["managedFields"][0]
    assert tool["fieldsV1"] == {"f:metadata": label}


def test_restoring_keeps_the_address_of_a_service_and_the_restart_of_a_deployment() -> None:
    service = {"metadata": METADATA, "spec": {"selector": {"x": "1"}}}
    live = {"metadata": METADATA | {"resourceVersion": "7"}, "spec": {"selector": {}, "clusterIP": "10.0.0.1", "z": 1}}
    patch = {item["path"]: item["value"] for item in restoring(SERVICE, service, live)}
    assert patch["/spec"] == {"selector": {"x": "1"}, "clusterIP": "10.0.0.1"}
    restarted = stored()
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD}
    desired = DESIRED | {"spec": DESIRED["spec"] | {"template": template}}
    restarted["spec"]["template"]["metadata"] = {"labels": {"a": "b"}, "annotations": {RESTARTED: "now", "x": "y"}}
    patch = {item["path"]: item["value"] for item in restoring(DEPLOYMENT, desired, restarted)}
    assert patch["/spec"]["template"]["metadata"] == {"labels": {"a": "b"}, "annotations": {RESTARTED: "now"}}
