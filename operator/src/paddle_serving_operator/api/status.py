"""A PaddleService's status as values, from and to JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from paddle_serving_operator.api.conditions import Condition, ConditionStatus, ConditionType, Reason
from paddle_serving_operator.constants import Manifest

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
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
class Verification:
    """What the pods of a revision proved. `verdict` is Recorded, EngineOnly or None; `samples` counts golden samples.

    `unequal` names the first sample that differed (only where consistency is not required), else it is "".
    """

    revision: str
    verdict: str
    samples: int
    paddle_version: str
    device: str
    unequal: str = ""


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The whole status. Equal values mean that there is nothing to write."""

    observed_generation: int = 0
    phase: Phase | None = None
    conditions: tuple[Condition, ...] = ()
    stable: Track | None = None
    canary: Track | None = None
    verification: Verification | None = None
    progress_started_at: datetime | None = None
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
            verification=_verification(raw.get("verification")),
            progress_started_at=_time(raw["progressStartedAt"]) if raw.get("progressStartedAt") else None,
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
        last_transition_time=_time(raw["lastTransitionTime"]),
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


def _verification(raw: Raw | None) -> Verification | None:
    if not raw:
        return None
    return Verification(
        revision=str(raw["revision"]),
        verdict=str(raw["verdict"]),
        samples=int(raw.get("samples", 0)),
        paddle_version=str(raw.get("paddleVersion", "")),
        device=str(raw.get("device", "")),
        unequal=str(raw.get("unequal", "")),
    )


def _time(text: str) -> datetime:
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)


def dump_status(status: ServiceStatus) -> Manifest:
    """The JSON of a status, without empty fields."""
    fields = {
        "observedGeneration": status.observed_generation,
        "phase": status.phase.value if status.phase else None,
        "conditions": [_dump_condition(condition) for condition in status.conditions],
        "stable": _dump_track(status.stable),
        "canary": _dump_track(status.canary),
        "verification": _dump_verification(status.verification),
        "progressStartedAt": status.progress_started_at.strftime(TIME_FORMAT) if status.progress_started_at else None,
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
        "lastTransitionTime": condition.last_transition_time.strftime(TIME_FORMAT),
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


def _dump_verification(verification: Verification | None) -> Manifest | None:
    if verification is None:
        return None
    fields = {
        "revision": verification.revision,
        "verdict": verification.verdict,
        "samples": verification.samples,
        "paddleVersion": verification.paddle_version,
        "device": verification.device,
    }
    return fields | ({"unequal": verification.unequal} if verification.unequal else {})
