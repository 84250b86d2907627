import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.observe.pods import (
    diagnose,
    has_dropped,
    has_fetched,
    is_ending,
    is_ready,
    may_answer,
)


def pod(name: str = "ocr-1", **status: object) -> dict[str, Any]:
    return {"metadata": {"namespace": "models", "name": name}, "status": status}


def ended(message: str = "", *, code: int = 1, reason: str = "Error", container: str = "serve") -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return {"name": container, "image": "i", "state": state}


def restarted(message: str, *, state: str = "running") -> dict[str, Any]:
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}} if state == "waiting" else {"running": {}}
    return {"name": "serve", "state": waiting, "lastState": {"terminated": {"exitCode": 3, "message": message}}}


def waiting(reason: str, message: str = "", container: str = "serve") -> dict[str, Any]:
    return {"name": container, "image": "registry/x:1", "state": {"waiting": {"reason": reason, "message": message}}}


READY = [{"type": "Ready", "status": "True"}]
SENTENCE = "hello.json, tensor y, element (0, 1): served 1.0, but Paddle Inference says 2.0"


def unscheduled(message: str) -> list[dict[str, str]]:
    return [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]


@pytest.mark.parametrize(
    ("reason", "terminal", "about_model"),
    [
        ("NotConsistent", True, False),
        ("DigestMismatch", True, True),
        ("ModelInvalid", True, True),
        ("ServiceBroken", True, False),
        ("NotVerifiable", True, False),
        ("InvalidOption", True, False),
        ("ModelUnavailable", False, True),
        ("WorkerCrashLoop", False, False),
    ],
)
def test_the_pods_own_sentence_is_carried_on(reason: str, terminal: bool, about_model: bool) -> None:  # noqa: FBT001
    trouble = diagnose([pod(containerStatuses=[ended(f"{reason}: {SENTENCE}\n")])], None)
    assert trouble is not None
    assert trouble.reason == reason
    assert trouble.message == f"{SENTENCE} (pod ocr-1)"
    assert trouble.terminal is terminal
    assert trouble.about_model is about_model


def test_the_sentence_is_the_same_while_the_kubelet_restarts_the_container() -> None:
    message = f"NotConsistent: {SENTENCE}"
    states = [ended(message, code=3), restarted(message, state="waiting"), restarted(message)]
    assert len({diagnose([pod(containerStatuses=[state])], None) for state in states}) == 1


def test_a_ready_pod_has_no_trouble_whatever_it_went_through() -> None:
    assert diagnose([pod(conditions=READY, containerStatuses=[restarted("NotConsistent: x")])], None) is None


def test_a_message_of_another_program_is_not_taken_for_a_reason() -> None:
    trouble = diagnose([pod(containerStatuses=[ended("RolledOut: all is well", code=7)])], None)
    assert trouble is not None
    assert trouble.reason is Reason.CRASH_LOOPING
    assert "exit code 7" in trouble.message
    assert "`kubectl logs ocr-1 -n models -c serve --previous`" in trouble.message


CLUSTER = [
    (
        pod(containerStatuses=[ended(reason="OOMKilled", code=137)]),
        Reason.OUT_OF_MEMORY,
        "spec.resources.limits.memory",
    ),
    (pod(containerStatuses=[waiting("ErrImagePull")]), Reason.IMAGE_PULL_FAILED, "registry/x:1"),
    (
        pod(containerStatuses=[waiting("ImagePullBackOff")]),
        Reason.IMAGE_PULL_FAILED,
        "`kubectl describe pod ocr-1 -n models`",
    ),
    (pod(containerStatuses=[waiting("CreateContainerConfigError", "non-root")]), Reason.PODS_REFUSED, "non-root"),
    (
        pod(conditions=unscheduled("0/3 nodes are available: 3 Insufficient cpu.")),
        Reason.UNSCHEDULABLE,
        "3 Insufficient cpu.",
    ),
    (
        pod(conditions=unscheduled('0/3 nodes are available: persistentvolumeclaim "models" not found')),
        Reason.VOLUME_MISSING,
        'persistentvolumeclaim "models" not found',
    ),
]


@pytest.mark.parametrize(("broken", "reason", "part"), CLUSTER)
def test_what_the_cluster_says_is_named(broken: dict[str, Any], reason: Reason, part: str) -> None:
    trouble = diagnose([broken], None)
    assert trouble is not None
    assert trouble.reason is reason
    assert part in trouble.message
    assert not trouble.terminal


def test_a_model_image_that_cannot_be_pulled_is_about_the_model() -> None:
    trouble = diagnose([pod(initContainerStatuses=[waiting("ErrImagePull", container="model")])], None)
    assert trouble is not None
    assert trouble.about_model


@pytest.mark.parametrize(
    "said", ['secret "reader" not found', "couldn't find key AWS_SECRET_ACCESS_KEY in Secret default/reader"]
)
def test_a_missing_secret_of_a_store_is_about_the_model(said: str) -> None:
    refused = waiting("CreateContainerConfigError", said, container="fetch")
    trouble = diagnose([pod(initContainerStatuses=[refused])], None)
    assert trouble is not None
    assert trouble.reason is Reason.MODEL_UNAVAILABLE
    assert trouble.about_model
    assert not trouble.terminal
    assert f"{said}. Create it, or correct credentialsSecret in spec.model.source" in trouble.message


def with_mounted_image(**status: Any) -> dict[str, Any]:  # noqa: ANN401 - as the API has it
    volume = {"name": "models", "image": {"reference": "registry/ocr:v2"}}
    return pod(**status) | {"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}, volume]}}


@pytest.mark.parametrize(
    "said",
    [
        'Back-off pulling image "registry/ocr:v2": ErrImagePull: not found',
        'rpc error: failed to pull and unpack image "registry/ocr:v2": not found',
    ],
)
def test_a_mounted_image_that_cannot_be_pulled_is_named_and_is_about_the_model(said: str) -> None:
    trouble = diagnose([with_mounted_image(containerStatuses=[waiting("ImagePullBackOff", said)])], None)
    assert trouble is not None
    assert (trouble.reason, trouble.about_model) == (Reason.IMAGE_PULL_FAILED, True)
    assert trouble.message.startswith("Image registry/ocr:v2 of the model cannot be pulled.")


def test_a_runtime_image_that_cannot_be_pulled_is_not_taken_for_the_models() -> None:
    refused = waiting("ErrImagePull", 'Back-off pulling image "registry/x:1"')
    trouble = diagnose([with_mounted_image(containerStatuses=[refused])], None)
    assert trouble is not None
    assert not trouble.about_model
    assert trouble.message.startswith("Image registry/x:1 of container serve")


# containerd 1.6 to 2.0, and CRI-O before 1.31
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            f'failed to generate container "{"4" * 64}" spec: failed to generate spec: failed to mkdir "": mkdir',
            'failed to generate container spec: failed to generate spec: failed to mkdir ""',
        ),
        ("mount.HostPath is empty", "mount.HostPath is empty"),
    ],
)
def test_a_node_that_cannot_mount_images_is_told_with_what_to_do(said: str, shown: str) -> None:
    refused = waiting("CreateContainerError", said)
    trouble = diagnose([with_mounted_image(containerStatuses=[refused])], None)
    assert trouble is not None
    assert (trouble.reason, trouble.about_model, trouble.terminal) == (Reason.MODEL_UNAVAILABLE, True, False)
    assert shown in trouble.message
    assert "older than containerd 2.1 or CRI-O 1.31" in trouble.message
    assert "set fetch.imageVolumes of the runtime profile to Never" in trouble.message
    other = diagnose([pod(containerStatuses=[refused])], None)
    assert other is not None
    assert "imageVolumes" not in other.message


def test_an_image_that_is_mounted_empty_is_told_with_what_to_do() -> None:
    missing = ended("DigestMismatch: /models/model/MANIFEST.sha256 is missing, expected sha256:0.")
    trouble = diagnose([with_mounted_image(containerStatuses=[missing])], None)
    assert trouble is not None
    assert "looked for at spec.model.source.image.path of image registry/ocr:v2" in trouble.message
    assert "set fetch.imageVolumes" in trouble.message


def test_a_model_image_without_the_package_says_what_cp_said() -> None:
    broken = ended("cp: cannot stat '/model/.': No such file or directory", container="model")
    trouble = diagnose([pod(initContainerStatuses=[broken])], None)
    assert trouble is not None
    assert trouble.reason is Reason.MODEL_UNAVAILABLE
    assert "cannot stat '/model/.'" in trouble.message


def test_pods_that_a_quota_refuses_are_named_by_the_deployment() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: gpu"}
    trouble = diagnose([], {"status": {"conditions": [condition]}})
    assert trouble is not None
    assert trouble.reason is Reason.PODS_REFUSED
    assert "exceeded quota: gpu" in trouble.message


def test_of_several_troubles_the_same_one_is_told_in_any_order() -> None:
    pods = [
        pod("a", containerStatuses=[waiting("ErrImagePull")]),
        pod("b", containerStatuses=[ended("NotConsistent: x", code=3)]),
        pod("c", conditions=unscheduled("no node")),
    ]
    told = {diagnose(order, None) for order in itertools.permutations(pods)}
    assert [trouble.reason for trouble in told if trouble] == [Reason.NOT_CONSISTENT]


def test_pods_that_are_merely_starting_have_no_trouble() -> None:
    starting = pod(
        initContainerStatuses=[ended(code=0, reason="Completed", container="fetch")],
        containerStatuses=[waiting("PodInitializing")],
    )
    assert diagnose([starting, pod("b")], None) is None


def test_the_states_of_a_pod() -> None:
    assert is_ready(pod(conditions=READY))
    assert not is_ready(pod())
    assert is_ending(pod(phase="Failed"))
    assert is_ending({"metadata": {"name": "x", "deletionTimestamp": "now"}})
    assert has_dropped(pod(containerStatuses=[{"name": "serve", "started": True}]))
    assert not has_dropped(pod(containerStatuses=[{"name": "serve", "started": False}]))
    assert has_fetched(pod(initContainerStatuses=[ended(code=0, container="fetch")]))
    assert not has_fetched(pod(initContainerStatuses=[ended(code=1, container="fetch")]))


def test_a_pod_may_answer_until_it_has_ended_or_its_grace_period_is_over() -> None:
    end = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
    told = {"metadata": {"name": "x", "deletionTimestamp": "2026-11-23T04:00:00Z"}, "status": {"phase": "Running"}}
    assert may_answer(pod(phase="Running"), end)
    assert may_answer(pod(), end)
    assert may_answer(told, end - timedelta(seconds=20))
    assert may_answer(told, end + timedelta(seconds=4))
    assert not may_answer(told, end + timedelta(seconds=6))
    assert not may_answer(pod(phase="Failed"), end)
    assert not may_answer(pod(phase="Succeeded"), end)
