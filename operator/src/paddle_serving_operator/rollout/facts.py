"""What is seen of a PaddleService's pods, traffic and proofs at one moment. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.verification import Verification


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


NOTHING = RevisionSeen(deployed=False, wanted=0, pods=0, ready=0)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a revision's own metrics show since its pods were first looked at in a step.

    `requests` are counted, `errors` of them failed (HTTP 500 and above), `refused` were called wrong (400 to 499).
    `p99` is in seconds, None where too few requests were timed.
    """

    requests: int
    errors: int
    p99: float | None
    refused: int = 0


@dataclass(frozen=True, slots=True)
class GatewaySeen:
    """How an HTTPRoute divides the traffic between the Services of the stable revision and of the candidate.

    Weights in percent; without a route everything is the stable Service's. `accepted`: the Gateway has taken them.
    `canary`: the revision that the candidate's Service selects. `backed`: the revisions of the pods that are endpoints
    of the stable Service.
    """

    stable_weight: int
    canary_weight: int
    accepted: bool
    canary: str | None
    backed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rival:
    """Another PaddleService that has the turn, or waits for it.

    `name` is namespace/name; `first`: it comes before this one in that order. `failed`: its rollout cannot go on.
    `reason`: of its condition Progressing, where that is not True.
    """

    name: str
    first: bool
    failed: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TurnSeen:
    """The other PaddleServices, for one whose new revision no spec asked for.

    `taken`: those that have the turn. `before`: those that wait for it and come first.
    """

    taken: tuple[Rival, ...] = ()
    before: tuple[Rival, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """The cluster at one moment.

    `traffic`: the revision that the traffic Service selects, None where it selects none, or all of them (`broad`).
    `gateway`: None where the Service alone divides the traffic.
    `serving`: the revisions whose pods are endpoints of any Service of ours. `asked`: the same of the traffic Service
    alone, which is what users ask. `revisions`: every revision that has a Deployment or can be built again.
    `answering`: the revisions of all pods that may still answer a request, those that are told to end included.
    `given_up`: of the revisions among them that have only pods that were told to end, when the grace of the last is
    over; a lost node never tells of it.
    `verification`: what the revision with the traffic proved, or the one before while that is unknown; `candidate`:
    what the wanted revision proved, where that was asked before it has the traffic.
    `budgets`: names of other people's PodDisruptionBudgets over the same pods. `readings`: by revision.
    `unreachable`: the last attempt to ask a pod of the wanted revision failed.
    `pinned`: the revision that the Service of the stable revision selects.
    `turn`: None where the spec itself asks for the wanted revision, which then waits for no other service.
    `batch_differences`: the pods in which an audit of shared runs has found a difference; None where that is unknown.
    """

    traffic: str | None
    serving: frozenset[str]
    asked: frozenset[str]
    revisions: Mapping[str, RevisionSeen]
    verification: Verification | None = None
    candidate: Verification | None = None
    answering: frozenset[str] = frozenset()
    given_up: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    budgets: tuple[str, ...] = ()
    broad: bool = False
    gateway: GatewaySeen | None = None
    readings: Mapping[str, Reading] = field(default_factory=lambda: MappingProxyType({}))
    pinned: str | None = None
    unreachable: bool = False
    turn: TurnSeen | None = None
    batch_differences: tuple[str, ...] | None = None

    @property
    def weights(self) -> Mapping[str, int] | None:
        """Percent of the Gateway's traffic by revision; None without a Gateway."""
        if self.gateway is None:
            return None
        found: dict[str, int] = {}
        for name, weight in (
            (self.pinned, self.gateway.stable_weight),
            (self.gateway.canary, self.gateway.canary_weight),
        ):
            if name is not None and weight > 0:
                found[name] = found.get(name, 0) + weight
        return found

    def of(self, revision: str | None) -> RevisionSeen:
        """A revision as it is seen; one without pods where it is not."""
        return self.revisions.get(revision, NOTHING) if revision else NOTHING
