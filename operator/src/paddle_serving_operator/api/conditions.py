"""Conditions of a PaddleService's status and the words that explain them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ConditionType(StrEnum):
    """Ready, Degraded and Evictable speak of the revision with the traffic, the others of the newest spec's revision.

    Batching speaks of every Ready pod, and is there from the first difference on that an audit of shared runs finds.
    Reconciling and Stalled are what kstatus reads (Helm 4's --wait, Flux): it takes Ready=True alone for done.
    """

    READY = "Ready"
    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    CONSISTENT = "Consistent"
    MODEL_AVAILABLE = "ModelAvailable"
    DEGRADED = "Degraded"
    EVICTABLE = "Evictable"
    BATCHING = "Batching"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


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
    ACCOUNT_MISSING = "AccountMissing"
    SEVERAL_BUDGETS = "SeveralBudgets"
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
    WAITING_FOR_DRAIN = "WaitingForDrain"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    ROLLED_OUT = "RolledOut"
    AVAILABLE = "Available"
    WAITING_FOR_TURN = "WaitingForTurn"
    WAITING_FOR_REPORT = "WaitingForReport"
    RECORDED_ANSWERS_MISSING = "RecordedAnswersMissing"
    ROLLOUT_STARTED = "RolloutStarted"
    PODS_LOST = "PodsLost"
    NOT_PROVED_YET = "NotProvedYet"
    NOT_FETCHED_YET = "NotFetchedYet"
    WAITING_FOR_DRIFT = "WaitingForDrift"
    DRIFT_TOO_LARGE = "DriftTooLarge"
    SHIFTING_TRAFFIC = "ShiftingTraffic"
    STEP_PAUSE = "StepPause"
    WAITING_FOR_RESUME = "WaitingForResume"
    WAITING_FOR_REQUESTS = "WaitingForRequests"
    TOO_MANY_ERRORS = "TooManyErrors"
    TOO_SLOW = "TooSlow"
    ROLLING_BACK = "RollingBack"
    SUPERSEDED = "Superseded"
    ABORTED = "Aborted"
    VERB_OBEYED = "VerbObeyed"
    VERB_REFUSED = "VerbRefused"
    GOLDEN_ANSWERS_MATCH = "GoldenAnswersMatch"
    # what pods find out while they serve
    BATCH_DIFFERENCE = "BatchDifference"
    BATCHES_AGREE = "BatchesAgree"


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
