"""A PaddleService's status as values, from and to JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from paddle_serving_operator.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import RolloutStatus, dump_rollout, dump_time, parse_rollout, parse_time
from paddle_serving_operator.api.verification import Verification, dump_verification, parse_verification
from paddle_serving_operator.constants import Manifest

Raw: TypeAlias = Mapping[str, Any]


class Phase(StrEnum):
    """Where the rollout of the newest spec stands."""

    PENDING = "Pending"
    PROGRESSING = "Progressing"
    HEALTHY = "Healthy"
    FAILED = "Failed"
    INVALID = "Invalid"


@dataclass(frozen=True, slots=True)
class Track:
    """One revision in the status. `weight` is its share of the traffic in percent."""

    revision: str
    model_digest: str
    image: str
    replicas: int
    ready_replicas: int
    weight: int


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The whole status. Equal values mean that there is nothing to write.

    `promised_replicas`: pods of the revision with the traffic when last all of them were Ready; fewer are a loss.
    `progress_replicas`: the most Ready pods since `progress_started_at`. `leaving`: revisions that had the traffic and
    whose pods have not ended. `rollout` is None in a status of a version that had no steps. `step`: "1/3" while a
    candidate goes through its steps, and after one was stopped in them.
    """

    observed_generation: int = 0
    phase: Phase | None = None
    conditions: tuple[Condition, ...] = ()
    stable: Track | None = None
    canary: Track | None = None
    rollout: RolloutStatus | None = None
    step: str = ""
    verification: Verification | None = None
    leaving: tuple[str, ...] = ()
    promised_replicas: int = 0
    progress_started_at: datetime | None = None
    progress_replicas: int = 0
    url: str = ""
    replicas: int = 0
    ready_replicas: int = 0
    selector: str = ""

    def condition(self, kind: ConditionType) -> Condition | None:
        """The condition of this type, if it was ever found."""
        return next((condition for condition in self.conditions if condition.type is kind), None)


def parse_status(raw: object) -> ServiceStatus:
    """The status as it was written last. Only the operator writes it; what cannot be read counts as never written."""
    if not isinstance(raw, Mapping):
        return ServiceStatus()
    try:
        return ServiceStatus(
            observed_generation=int(raw.get("observedGeneration", 0)),
            phase=Phase(raw["phase"]) if raw.get("phase") else None,
            conditions=tuple(_condition(item) for item in raw.get("conditions", ())),
            stable=_track(raw.get("stable")),
            canary=_track(raw.get("canary")),
            rollout=parse_rollout(raw.get("rollout")),
            step=str(raw.get("step", "")),
            verification=parse_verification(raw.get("verification")),
            leaving=tuple(str(name) for name in raw.get("leaving", ())),
            promised_replicas=int(raw.get("promisedReplicas", 0)),
            progress_started_at=parse_time(raw["progressStartedAt"]) if raw.get("progressStartedAt") else None,
            progress_replicas=int(raw.get("progressReplicas", 0)),
            url=str(raw.get("url", "")),
            replicas=int(raw.get("replicas", 0)),
            ready_replicas=int(raw.get("readyReplicas", 0)),
            selector=str(raw.get("selector", "")),
        )
    except (KeyError, TypeError, ValueError):
        return _what_can_be_saved(raw)


def _what_can_be_saved(raw: Raw) -> ServiceStatus:
    """Which revision has the traffic matters more than anything else in a status of another version."""
    try:
        return ServiceStatus(stable=_track(raw.get("stable")), canary=_track(raw.get("canary")))
    except (KeyError, TypeError, ValueError):
        return ServiceStatus()


def _condition(raw: Raw) -> Condition:
    return Condition(
        type=ConditionType(raw["type"]),
        status=ConditionStatus(raw["status"]),
        reason=Reason(raw["reason"]),
        message=str(raw["message"]),
        last_transition_time=parse_time(raw["lastTransitionTime"]),
        observed_generation=int(raw.get("observedGeneration", 0)),
    )


def _track(raw: Raw | None) -> Track | None:
    if not raw:
        return None
    return Track(
        revision=str(raw["revision"]),
        model_digest=str(raw.get("modelDigest", "")),
        image=str(raw.get("image", "")),
        replicas=int(raw.get("replicas", 0)),
        ready_replicas=int(raw.get("readyReplicas", 0)),
        weight=int(raw.get("weight", 0)),
    )


def dump_status(status: ServiceStatus) -> Manifest:
    """The JSON of a status, without empty fields."""
    fields = {
        "observedGeneration": status.observed_generation,
        "phase": status.phase.value if status.phase else None,
        "conditions": [_dump_condition(condition) for condition in status.conditions],
        "stable": _dump_track(status.stable),
        "canary": _dump_track(status.canary),
        "rollout": dump_rollout(status.rollout),
        "step": status.step or None,
        "verification": dump_verification(status.verification),
        "leaving": list(status.leaving) or None,
        "promisedReplicas": status.promised_replicas or None,
        "progressStartedAt": dump_time(status.progress_started_at),
        "progressReplicas": status.progress_replicas or None,
        "url": status.url or None,
        "replicas": status.replicas,
        "readyReplicas": status.ready_replicas,
        "selector": status.selector or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _dump_condition(condition: Condition) -> Manifest:
    return {
        "type": condition.type.value,
        "status": condition.status.value,
        "reason": condition.reason.value,
        "message": condition.message,
        "lastTransitionTime": dump_time(condition.last_transition_time),
        "observedGeneration": condition.observed_generation,
    }


def _dump_track(track: Track | None) -> Manifest | None:
    if track is None:
        return None
    return {
        "revision": track.revision,
        "modelDigest": track.model_digest,
        "image": track.image,
        "replicas": track.replicas,
        "readyReplicas": track.ready_replicas,
        "weight": track.weight,
    }
