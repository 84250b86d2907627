"""What the state machine of a rollout reads and says. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.status import ServiceStatus, Verification


@dataclass(frozen=True, slots=True)
class Goal:
    """What the spec asks of a rollout. `revision` is the revision of the newest spec."""

    generation: int
    revision: str
    model_digest: str
    image: str
    replicas: int
    progress_deadline: timedelta
    paused: bool
    consistency_required: bool
    url: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why pods are not Ready. `message` is a sentence for the user; `terminal`: waiting alone will not help."""

    reason: Reason
    message: str
    terminal: bool
    about_model: bool = False


@dataclass(frozen=True, slots=True)
class RevisionSeen:
    """One revision as it is in the cluster.

    `deployed`: its Deployment exists. `wanted`: replicas of the Deployment's spec. `pods`: pods that are not ending.
    `ready`: those that are Ready, by the pods themselves and by the Deployment. `dropped`: pods that had proved their
    golden answers and are not Ready any more. `fetched`: a pod has fetched the package and verified its digest.
    """

    deployed: bool
    wanted: int
    pods: int
    ready: int
    dropped: int = 0
    fetched: bool = False
    trouble: Trouble | None = None
    model_digest: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """The cluster at one moment.

    `traffic`: the revision that the traffic Service selects, None where it selects none. `serving`: the revisions whose
    pods are endpoints of any Service of ours. `revisions`: every revision that has a Deployment or can be built again.
    """

    traffic: str | None
    serving: frozenset[str]
    revisions: Mapping[str, RevisionSeen]
    verification: Verification | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the user should find in the events of the object."""

    warning: bool
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be now.

    `revisions`: those whose Deployments exist, each with the spec's replicas; all others go. `traffic` and `stable`:
    what the two Services select, None for nothing. `look_again_in` None: only an event can change anything.
    """

    revisions: tuple[str, ...]
    traffic: str | None
    stable: str | None
    status: ServiceStatus
    look_again_in: timedelta | None = None
    events: tuple[Event, ...] = field(default=())
