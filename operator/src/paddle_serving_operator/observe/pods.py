"""From the pods' own status to one Trouble: why a revision is not Ready, in the words of whoever knows best."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from typing_extensions import override

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.constants import MODELS_VOLUME
from paddle_serving_operator.rollout.facts import NOTHING, Facts, Trouble

Raw: TypeAlias = Mapping[str, Any]

KILLING = timedelta(seconds=6)  # between the end of a pod's grace period and the last of its processes

TERMINATION_MESSAGE = re.compile(r"([A-Z][A-Za-z]+): (.+)", re.DOTALL)
TERMINAL = frozenset(
    {
        Reason.NOT_CONSISTENT,
        Reason.DIGEST_MISMATCH,
        Reason.MODEL_INVALID,
        Reason.SERVICE_BROKEN,
        Reason.NOT_VERIFIABLE,
        Reason.INVALID_OPTION,
    }
)
MODEL_REASONS = frozenset(
    {Reason.DIGEST_MISMATCH, Reason.MODEL_UNAVAILABLE, Reason.MODEL_INVALID, Reason.VOLUME_MISSING}
)
SAID_BY_RUNTIME = TERMINAL | {Reason.MODEL_UNAVAILABLE, Reason.WORKER_CRASH_LOOP}
NO_PACKAGE = "MANIFEST.sha256 is missing"
PULL_FAILURES = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "ImageInspectError",
    }
)
REFUSALS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"})
# A runtime numbers every attempt to make a container, and the status would change with each.
NUMBER = re.compile(r' "?[0-9a-f]{64}"?')
OLD_RUNTIME = (
    "Where the node's container runtime is older than containerd 2.1 or CRI-O 1.31, it cannot mount images: set "
    "fetch.imageVolumes of the runtime profile to Never in the operator's chart"
)
# Several pods may say different things; what needs a person comes first, what may pass by itself last.
ORDER = (
    *sorted(TERMINAL),
    Reason.MODEL_UNAVAILABLE,
    Reason.VOLUME_MISSING,
    Reason.IMAGE_PULL_FAILED,
    Reason.PODS_REFUSED,
    Reason.OUT_OF_MEMORY,
    Reason.WORKER_CRASH_LOOP,
    Reason.CRASH_LOOPING,
    Reason.UNSCHEDULABLE,
)
RANK = {reason: rank for rank, reason in enumerate(ORDER)}


def diagnose(pods: Iterable[Raw], deployment: Raw | None) -> Trouble | None:
    """The most telling trouble of a revision's pods, or None.

    `pods` are the revision's pods that are not ending, as JSON; Ready ones have no trouble. The same pods in another
    order give the same answer.
    """
    troubles = [trouble for pod in pods if not is_ready(pod) for trouble in _of_pod(pod)]
    if deployment is not None:
        troubles += _of_deployment(deployment)
    return min(troubles, key=lambda trouble: (RANK[trouble.reason], trouble.message), default=None)


def is_ready(pod: Raw) -> bool:
    """Whether the kubelet calls the pod Ready, which means that it has proved its golden answers."""
    conditions = pod.get("status", {}).get("conditions", ())
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def is_ending(pod: Raw) -> bool:
    """Whether the pod is being deleted or has ended for good (evicted, node lost); its Deployment replaces it."""
    return "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}


def may_answer(pod: Raw, now: datetime) -> bool:
    """Whether a process of the pod may still answer: it runs, or was told to end and its grace period is not over.

    A node that is lost never lets its pods go, so their deadline counts: `deletionTimestamp` is the end of the period.
    """
    if pod.get("status", {}).get("phase") in {"Failed", "Succeeded"}:
        return False
    until = given_up_at(pod)
    return until is None or now < until


def given_up_at(pod: Raw) -> datetime | None:
    """When no process of a pod that was told to end can answer any more; None where nobody has told it."""
    until = pod["metadata"].get("deletionTimestamp")
    return datetime.strptime(until, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + KILLING if until else None


def has_dropped(pod: Raw) -> bool:
    """Whether the pod was Ready and is not any more: its start-up probe passes only after the golden answers."""
    return not is_ready(pod) and any(
        status.get("started") for status in pod.get("status", {}).get("containerStatuses", ())
    )


def has_fetched(pod: Raw) -> bool:
    """Whether the pod's package is there, with the right digest."""
    statuses = pod.get("status", {}).get("initContainerStatuses", ())
    ends = [status["state"].get("terminated") for status in statuses if status["name"] == "fetch"]
    return any(end is not None and end.get("exitCode") == 0 for end in ends)


def without_account(seen: Facts, revision: str, account: str) -> Facts:
    """The observation with the trouble that the revision's account (namespace/name) does not exist."""
    text = f"ServiceAccount {account} does not exist, so no pod can be made. Create it, or correct"
    found = seen.revisions.get(revision, NOTHING)
    if found.trouble is not None and found.trouble.terminal:
        return seen
    trouble = _trouble(Reason.ACCOUNT_MISSING, f"{text} spec.pod.serviceAccount.name.")
    return replace(seen, revisions=dict(seen.revisions) | {revision: replace(found, trouble=trouble)})


class PodName(NamedTuple):
    """Namespace and name of a pod; as text its name."""

    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        return self.name


def _of_pod(pod: Raw) -> Iterator[Trouble]:
    status, metadata = pod.get("status", {}), pod["metadata"]
    name = PodName(metadata["namespace"], metadata["name"])
    for condition in status.get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield _unscheduled(name, str(condition.get("message", "")))
    for container in (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())):
        if trouble := _of_container(name, container, _mounted_image(pod)):
            yield trouble


def _mounted_image(pod: Raw) -> str:
    """The model image that the pod has as a volume; "" where it has none."""
    volumes = pod.get("spec", {}).get("volumes", ())
    found = (volume["image"] for volume in volumes if volume["name"] == MODELS_VOLUME and "image" in volume)
    return next((str(image.get("reference", "")) for image in found), "")


def _unscheduled(pod: PodName, message: str) -> Trouble:
    if "persistentvolumeclaim" in message and "not found" in message:
        return _trouble(
            Reason.VOLUME_MISSING,
            f"{message}. Create the claim or correct spec.model.source.pvc.claimName (pod {pod}).",
        )
    advice = "Lower spec.resources, change spec.pod's constraints or add nodes"
    return _trouble(Reason.UNSCHEDULABLE, f"No node takes pod {pod}: {message.rstrip('.')}. {advice}.")


def _of_container(pod: PodName, container: Raw, mounted: str) -> Trouble | None:
    """`mounted` is the model image that the pod has as a volume, or ""."""
    name, state = container["name"], container.get("state", {})
    waiting = state.get("waiting", {}).get("reason", "")
    said = str(state.get("waiting", {}).get("message", ""))
    if waiting in PULL_FAILURES:
        # the kubelet's own message changes with every attempt, and so would the status
        of_volume = bool(mounted) and mounted in said
        what = f"{mounted} of the model" if of_volume else f"{container.get('image', '')} of container {name}"
        advice = f"`kubectl describe pod {pod} -n {pod.namespace}` shows the registry's answer."
        about_model = of_volume or name == "model"
        text = f"Image {what} cannot be pulled. {advice}"
        return Trouble(Reason.IMAGE_PULL_FAILED, text, terminal=False, about_model=about_model)
    if waiting in REFUSALS:
        message = NUMBER.sub("", said or waiting).rstrip(".")
        if mounted:
            text = f"The node does not start container {name} with image {mounted} mounted: {message}. {OLD_RUNTIME}"
            return _trouble(Reason.MODEL_UNAVAILABLE, f"{text} (pod {pod}).")
        if name == "fetch" and "secret" in message.lower():
            text = f"No keys for the model's store: {message}. Create it, or correct"
            return _trouble(Reason.MODEL_UNAVAILABLE, f"{text} credentialsSecret in spec.model.source (pod {pod}).")
        advice = f"`kubectl describe pod {pod} -n {pod.namespace}` shows more."
        return _trouble(Reason.PODS_REFUSED, f"The node refuses container {name}: {message}. {advice}")
    ended = state.get("terminated") or container.get("lastState", {}).get("terminated")
    if ended is None or (ended.get("exitCode") == 0 and name != "serve"):
        return None
    return _ended(pod, name, ended, mounted)


def _ended(pod: PodName, container: str, ended: Raw, mounted: str) -> Trouble:
    said = TERMINATION_MESSAGE.match(str(ended.get("message", "")).strip())
    if said is not None and said[1] in SAID_BY_RUNTIME:
        text = said[2].strip()
        if mounted and NO_PACKAGE in text:
            text += f" It is looked for at spec.model.source.image.path of image {mounted}. {OLD_RUNTIME}."
        return _trouble(Reason(said[1]), f"{text} (pod {pod})")
    if container == "model":
        cause = str(ended.get("message", "")).strip() or f"exit code {ended.get('exitCode')}"
        advice = "Correct spec.model.source.image; the image needs `cp` and readable files"
        return _trouble(Reason.MODEL_UNAVAILABLE, f"The model image cannot be copied: {cause}. {advice} (pod {pod}).")
    if ended.get("reason") == "OOMKilled":
        advice = "Raise spec.resources.limits.memory or lower spec.engine.workers"
        return _trouble(
            Reason.OUT_OF_MEMORY, f"Container {container} of pod {pod} used more memory than its limit. {advice}."
        )
    text = f"Container {container} of pod {pod} ended with exit code {ended.get('exitCode')}."
    command = f"`kubectl logs {pod} -n {pod.namespace} -c {container} --previous`"
    return _trouble(Reason.CRASH_LOOPING, f"{text} {command} shows why.")


def _of_deployment(deployment: Raw) -> Iterator[Trouble]:
    for condition in deployment.get("status", {}).get("conditions", ()):
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            message = str(condition.get("message", "")).rstrip(".")
            advice = "Change spec.resources, or the quota, LimitRange, PriorityClass or policy that it names"
            yield _trouble(Reason.PODS_REFUSED, f"The cluster refuses the pods: {message}. {advice}.")


def _trouble(reason: Reason, message: str) -> Trouble:
    return Trouble(reason, message, terminal=reason in TERMINAL, about_model=reason in MODEL_REASONS)
