"""The pods of a service, each with the one word that says what it does."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from paddle_serving_operator.constants import LABEL_REVISION
from paddle_serving_operator.view.raw import Raw, moment_at, object_at, objects_at, text_at, value_at, whole_at


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod. `state` is what kubectl's STATUS says; `restarts` are those of all containers; no `node` yet is ""."""

    name: str
    revision: str
    ready: bool
    state: str
    restarts: int
    node: str
    created: datetime | None


def pods_of(raw: Iterable[Raw]) -> tuple[Pod, ...]:
    """The pods that belong to a revision, by revision and name."""
    found = (_pod(item) for item in raw)
    return tuple(sorted((pod for pod in found if pod.revision), key=lambda pod: (pod.revision, pod.name)))


def _pod(raw: Raw) -> Pod:
    status = object_at(raw, "status")
    containers = (*objects_at(status, "initContainerStatuses"), *objects_at(status, "containerStatuses"))
    conditions = {text_at(item, "type"): text_at(item, "status") for item in objects_at(status, "conditions")}
    return Pod(
        name=text_at(raw, "metadata", "name"),
        revision=text_at(raw, "metadata", "labels", LABEL_REVISION),
        ready=conditions.get("Ready") == "True",
        state=_state(raw, status),
        restarts=sum(whole_at(item, "restartCount") for item in containers),
        node=text_at(raw, "spec", "nodeName"),
        created=moment_at(raw, "metadata", "creationTimestamp"),
    )


def _state(raw: Raw, status: Raw) -> str:
    if text_at(raw, "metadata", "deletionTimestamp"):
        return "Terminating"
    for prefix, field in (("Init:", "initContainerStatuses"), ("", "containerStatuses")):
        for item in objects_at(status, field):
            if (word := _trouble(object_at(item, "state"))) is not None:
                return f"{prefix}{word}"
    return text_at(status, "reason") or text_at(status, "phase") or "Pending"


def _trouble(state: Raw) -> str | None:
    """Why a container does not run; None where it does, or has done its work."""
    waiting, ended = text_at(state, "waiting", "reason"), object_at(state, "terminated")
    if waiting and waiting not in {"PodInitializing", "ContainerCreating"}:
        return waiting
    if ended and value_at(ended, "exitCode") != 0:
        return text_at(ended, "reason") or f"ExitCode:{whole_at(ended, 'exitCode')}"
    return None
