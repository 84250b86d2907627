"""Conditions of a PaddleService's status and the words that explain them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class ConditionType(StrEnum):
    """Ready and Degraded speak of the revision with the traffic, the others of the newest spec's revision."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    CONSISTENT = "Consistent"
    MODEL_AVAILABLE = "ModelAvailable"
    DEGRADED = "Degraded"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why a condition is as it is. Programs depend on these words; documentation explains each."""

    # what the runtime says when it ends (the reasons of its termination messages)
    DIGEST_MISMATCH = "DigestMismatch"
    MODEL_UNAVAILABLE = "ModelUnavailable"
    MODEL_INVALID = "ModelInvalid"
    SERVICE_BROKEN = "ServiceBroken"
    NOT_CONSISTENT = "NotConsistent"
    NOT_VERIFIABLE = "NotVerifiable"
    WORKER_CRASH_LOOP = "WorkerCrashLoop"
    INVALID_OPTION = "InvalidOption"
    # what the cluster says
    IMAGE_PULL_FAILED = "ImagePullFailed"
    UNSCHEDULABLE = "Unschedulable"
    VOLUME_MISSING = "VolumeMissing"
    OUT_OF_MEMORY = "OutOfMemory"
    CRASH_LOOPING = "CrashLooping"
    PODS_REFUSED = "PodsRefused"
    FORBIDDEN = "Forbidden"
    # what the spec says
    INVALID_SPEC = "InvalidSpec"
    UNKNOWN_RUNTIME = "UnknownRuntime"
    NAME_TAKEN = "NameTaken"
    PAUSED = "Paused"
    SCALED_TO_ZERO = "ScaledToZero"
    NOT_REQUIRED = "NotRequired"
    # how far the rollout is
    WAITING_FOR_PODS = "WaitingForPods"
    WAITING_FOR_ENDPOINTS = "WaitingForEndpoints"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    ROLLED_OUT = "RolledOut"
    AVAILABLE = "Available"
    GOLDEN_ANSWERS_MATCH = "GoldenAnswersMatch"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition. `last_transition_time` is when `status` last changed, in UTC, whole seconds."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str
    last_transition_time: datetime
    observed_generation: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition before it is known when it last changed."""

    type: ConditionType
    status: ConditionStatus
    reason: Reason
    message: str


def set_conditions(
    old: Iterable[Condition], findings: Iterable[Finding], generation: int, now: datetime
) -> tuple[Condition, ...]:
    """The conditions after these findings, in the order of ConditionType.

    The time of a condition moves only when its status flips. Conditions without a finding stay as they are.
    """
    conditions = {condition.type: condition for condition in old}
    for finding in findings:
        before = conditions.get(finding.type)
        flipped = before is None or before.status != finding.status
        conditions[finding.type] = Condition(
            type=finding.type,
            status=finding.status,
            reason=finding.reason,
            message=finding.message,
            last_transition_time=now if before is None or flipped else before.last_transition_time,
            observed_generation=generation,
        )
    return tuple(conditions[kind] for kind in ConditionType if kind in conditions)


def relabel(condition: Condition, generation: int) -> Condition:
    """The same condition, found again for another generation of the spec."""
    return replace(condition, observed_generation=generation)
