"""A PaddleService as people ask for it: who answers, how far its newest spec is, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from paddle_serving_operator.view.proof import Proof, proof_of
from paddle_serving_operator.view.raw import Raw, moment_at, object_at, objects_at, text_at, value_at, whole_at


class Role(StrEnum):
    """What a revision is for its service."""

    STABLE = "stable"
    CANARY = "canary"


class Outcome(StrEnum):
    """What has become of the newest spec."""

    OPEN = "open"
    HEALTHY = "healthy"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Track:
    """A revision that has pods now. `weight`: its share of the traffic in percent; `ready` of `pods` answer."""

    role: Role
    revision: str
    model_digest: str
    image: str
    pods: int
    ready: int
    weight: int


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the status; `since` is when it last changed between True, False and Unknown."""

    type: str
    status: str
    reason: str
    message: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Service:
    """A PaddleService. `generation` counts changes of its spec, `observed_generation` is the one the status speaks of.

    `phase` is "" before the operator has seen it. `wanted` pods are asked for. `step` is "1/3" while a canary is on
    its way. `heard` is the token of the verb that was obeyed last.
    """

    namespace: str
    name: str
    uid: str
    created: datetime | None
    generation: int
    observed_generation: int
    phase: str
    step: str
    url: str
    wanted: int
    stable: Track | None
    canary: Track | None
    conditions: tuple[Condition, ...]
    proof: Proof | None
    heard: str

    @property
    def observed(self) -> bool:
        """Whether the status speaks of the newest spec."""
        return self.observed_generation >= self.generation

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The revisions that have pods now."""
        return tuple(track for track in (self.stable, self.canary) if track is not None)

    @property
    def outcome(self) -> Outcome:
        """What has become of the newest spec; a status of an earlier one says nothing about it."""
        if not self.observed:
            return Outcome.OPEN
        known = {"Healthy": Outcome.HEALTHY, "Failed": Outcome.FAILED, "Invalid": Outcome.FAILED}
        return known.get(self.phase, Outcome.OPEN)

    @property
    def explanation(self) -> str:
        """The reason and sentence of the newest spec's progress, "" where nothing is known."""
        if not self.observed:
            return f"The operator has not looked at generation {self.generation} of the spec yet."
        found = self.condition("Progressing")
        return f"{found.reason}: {found.message}" if found else ""

    @property
    def line(self) -> str:
        """Phase, step, shares, pods and explanation, without what changes with the clock alone."""
        step = f" step {self.step}" if self.step else ""
        tracks = "".join(
            f" {track.role} {track.revision} {track.weight}% ({track.ready}/{track.pods} pods ready)"
            for track in self.tracks
        )
        return f"{self.shown_phase}{step}{tracks} {self.explanation}".rstrip()

    @property
    def shown_phase(self) -> str:
        """The phase of the newest spec."""
        return (self.phase if self.observed else "") or "Pending"

    def condition(self, kind: str) -> Condition | None:
        """The condition of this type, None where it was never found."""
        return next((item for item in self.conditions if item.type == kind), None)


def service_of(raw: Raw) -> Service:
    """What the JSON of a PaddleService says."""
    metadata, status = object_at(raw, "metadata"), object_at(raw, "status")
    wanted = value_at(raw, "spec", "replicas")
    return Service(
        namespace=text_at(metadata, "namespace"),
        name=text_at(metadata, "name"),
        uid=text_at(metadata, "uid"),
        created=moment_at(metadata, "creationTimestamp"),
        generation=whole_at(metadata, "generation"),
        observed_generation=whole_at(status, "observedGeneration"),
        phase=text_at(status, "phase"),
        step=text_at(status, "step"),
        url=text_at(status, "url"),
        wanted=wanted if isinstance(wanted, int) else 1,
        stable=_track(Role.STABLE, object_at(status, "stable")),
        canary=_track(Role.CANARY, object_at(status, "canary")),
        conditions=tuple(_condition(item) for item in objects_at(status, "conditions")),
        proof=proof_of(object_at(status, "verification")),
        heard=text_at(status, "rollout", "heard"),
    )


def services_of(raw: Iterable[Raw]) -> tuple[Service, ...]:
    """The services of a list, by namespace and name."""
    return tuple(sorted((service_of(item) for item in raw), key=lambda service: (service.namespace, service.name)))


def _track(role: Role, raw: Raw) -> Track | None:
    if not text_at(raw, "revision"):
        return None
    return Track(
        role=role,
        revision=text_at(raw, "revision"),
        model_digest=text_at(raw, "modelDigest"),
        image=text_at(raw, "image"),
        pods=whole_at(raw, "replicas"),
        ready=whole_at(raw, "readyReplicas"),
        weight=whole_at(raw, "weight"),
    )


def _condition(raw: Raw) -> Condition:
    return Condition(
        type=text_at(raw, "type"),
        status=text_at(raw, "status"),
        reason=text_at(raw, "reason"),
        message=text_at(raw, "message"),
        since=moment_at(raw, "lastTransitionTime"),
    )
