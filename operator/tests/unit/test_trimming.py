"""What the mirror leaves out of the objects that it keeps."""

from typing import Any

import pytest

from paddle_serving_operator.constants import DEPLOYMENT, FIELD_MANAGER, PADDLE_SERVICE, POD, SERVICE, Manifest
from paddle_serving_operator.kube.difference import others_fields
from paddle_serving_operator.observe.trimming import trimmed

OURS = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
CONTROLLERS = {
    "manager": "kube-controller-manager",
    "fieldsV1": {"f:metadata": {"f:annotations": {"f:a": {}}}, "f:status": {"f:replicas": {}}},
}
SOMEBODYS = {"manager": "kubectl", "fieldsV1": {"f:metadata": {}, "f:spec": {"f:paused": {}}}}


def manifest(*entries: Manifest, **metadata: Any) -> Manifest:  # noqa: ANN401 - JSON
    return {
        "metadata": {"name": "ocr", "managedFields": [*entries], **metadata},
        "spec": {"nodeName": "node-1", "replicas": 2},
        "status": {"phase": "Running"},
    }


@pytest.mark.parametrize("kind", [DEPLOYMENT, SERVICE])
def test_of_who_set_which_field_only_others_are_kept_who_changed_the_content(kind: Any) -> None:  # noqa: ANN401 - a Kind
    whole = manifest(OURS, CONTROLLERS, SOMEBODYS)
    kept = trimmed(kind, whole)
    assert kept["metadata"] == {"name": "ocr", "managedFields": [SOMEBODYS]}
    assert others_fields({"spec": {}}, kept) == others_fields({"spec": {}}, whole) == ("spec.paused (by kubectl)",)
    assert trimmed(kind, manifest(OURS, CONTROLLERS)) == trimmed(kind, {**whole, "metadata": {"name": "ocr"}})
    assert (kept["spec"], kept["status"]) == (whole["spec"], whole["status"])


def test_of_a_pod_nobody_reads_what_it_runs_nor_who_set_which_field() -> None:
    kept = trimmed(POD, manifest(SOMEBODYS))
    assert kept == {"metadata": {"name": "ocr"}, "spec": {"nodeName": "node-1"}, "status": {"phase": "Running"}}
    assert trimmed(POD, {"metadata": {}, "spec": {"containers": []}}) == {"metadata": {}, "spec": {}}


def test_of_a_pods_volumes_the_images_stay_that_a_node_may_fail_to_mount() -> None:
    image = {"name": "models", "image": {"reference": "models:1"}}
    pod = {"metadata": {}, "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}, image]}}
    assert trimmed(POD, pod)["spec"] == {"volumes": [image]}


def test_what_kubectl_keeps_of_a_paddleservice_a_second_time_is_left_out() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}
    kept = trimmed(PADDLE_SERVICE, manifest(SOMEBODYS, annotations=annotations))
    assert kept["metadata"] == {"name": "ocr", "annotations": {"a": "b"}}
