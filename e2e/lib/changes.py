"""What changes while a PaddleService is under load; whatever it is, no request may fail and no answer may be wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from e2e.lib import session
from e2e.lib.cluster import CommandFailed
from e2e.lib.model import bias_raised
from e2e.lib.wait import Seen, minutes, wait_for
from e2e.lib.watch import endpoints_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from e2e.lib.given import Given
    from e2e.lib.load import Load, Tally
    from e2e.lib.service import Service

REPLICAS = 2
CONNECTIONS = 8
OLD, NEW = "18.901152", "19.901152"
ENOUGH = 500


@dataclass(frozen=True, slots=True)
class Scene:
    """A healthy service of two pods with the old model, and the load on it."""

    given: Given
    service: Service
    load: Load

    def new_model(self) -> None:
        """Gives the service the model whose answers are higher by one."""
        self.service.when.model_is_replaced_by(self.given.model("uci-housing", bias_raised))

    def is_held(self) -> None:
        """Waits until the rollout waits for a person."""
        self.service.then.condition_becomes("Progressing", "Unknown", "WaitingForResume", within=minutes(3))

    def is_served_only_by_the_new(self) -> None:
        """Waits until no pod of the old model is left."""
        self.service.is_healthy(within=minutes(5))
        self.service.then.only_one_revision_is_left(within=minutes(2))


def promoted(scene: Scene) -> None:
    """A canary of two steps that goes on by itself."""
    scene.new_model()
    scene.is_served_only_by_the_new()


def aborted(scene: Scene) -> None:
    """A canary that a person stops while it has a share."""
    scene.new_model()
    scene.is_held()
    scene.load.sends(ENOUGH, within=minutes(2))
    scene.service.when.ordered("abort")
    scene.service.then.fails("Aborted", says=("retry",), within=minutes(2))


def rolled_back(scene: Scene) -> None:
    """A canary that its analysis stops: no revision is a hundred times as fast as the one before."""
    scene.new_model()
    scene.service.then.fails("TooSlow", says=("maxLatencyRatio",), within=minutes(5))


def switched(scene: Scene) -> None:
    """All traffic at once from the old pods to as many new ones."""
    promoted(scene)


def scaled(scene: Scene) -> None:
    """A pod more, then one less."""
    for replicas in (3, 2):
        scene.service.when.scaled_to(replicas)
        scene.service.then.pods_are_ready(replicas, within=minutes(3))
        scene.load.sends(ENOUGH, within=minutes(2))


def deleted(scene: Scene) -> None:
    """One pod is deleted and replaced."""
    scene.service.when.pod_is_deleted()
    scene.load.sends(ENOUGH, within=minutes(2))
    scene.service.then.pods_are_ready(2, within=minutes(3))


def drained(scene: Scene) -> None:
    """Every pod is evicted, one when the budget allows it, as a drain of their nodes does."""
    for pod in scene.service.pods():
        _is_evicted(scene.service, pod["metadata"]["name"])
    scene.service.then.pods_are_ready(2, within=minutes(3))


def _is_evicted(service: Service, pod: str) -> None:
    metadata = {"name": pod, "namespace": service.namespace.name}
    eviction = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
    path = f"/api/v1/namespaces/{service.namespace.name}/pods/{pod}/eviction"

    def look() -> Seen:
        try:
            service.namespace.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=eviction)
        except CommandFailed as refusal:
            # the budget's answer to an eviction that would leave too few pods
            if "disruption budget" not in refusal.stderr:
                raise
            return Seen(done=False, what=refusal.stderr.strip())
        return Seen(done=True, what="evicted")

    wait_for(f"eviction of pod {pod}", look, within=minutes(3))


def operator_killed(scene: Scene) -> None:
    """The operator is killed with SIGKILL in the middle of a canary."""
    scene.new_model()
    scene.is_held()
    session.kill_operator(scene.service.namespace.cluster)
    scene.service.when.ordered("promote")
    scene.is_served_only_by_the_new()


def chart_upgraded(scene: Scene) -> None:
    """The operator's chart is upgraded in the middle of a canary."""
    scene.new_model()
    scene.is_held()
    session.install_operator(scene.service.namespace.cluster, "--set", "podAnnotations.e2e/upgraded=yes")
    scene.service.when.ordered("promote")
    scene.is_served_only_by_the_new()


@dataclass(frozen=True, slots=True)
class Change:
    """What is done under load.

    `rollout` is the service's before it, `answers` are those that may come and must, `promised` is the fewest ready
    pods that there may be at any moment.
    """

    perform: Callable[[Scene], None]
    rollout: Mapping[str, Any] = field(default_factory=dict)
    answers: tuple[str, ...] = (OLD, NEW)
    promised: int = 2

    @property
    def name(self) -> str:
        """As in a test's id."""
        return self.perform.__name__


TWO_STEPS = {"strategy": "Canary", "steps": [{"weight": 34, "pause": "2s"}, {"weight": 67, "pause": "2s"}]}
HELD = {"strategy": "Canary", "steps": [{"weight": 34, "pause": {}}]}
JUDGED = {
    "strategy": "Canary",
    "steps": [{"weight": 34, "pause": {}}],
    "analysis": {"maxLatencyRatio": 0.01, "minRequests": 200, "interval": "2s"},
}
CHANGES = (
    Change(promoted, TWO_STEPS),
    Change(aborted, HELD),
    Change(rolled_back, JUDGED),
    Change(switched, {"strategy": "BlueGreen"}),
    Change(scaled, answers=(OLD,)),
    Change(deleted, answers=(OLD,), promised=1),
    Change(drained, answers=(OLD,), promised=1),
    Change(operator_killed, HELD),
    Change(chart_upgraded, HELD),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the load saw, half second by half second, and the fewest pods that were ready at any moment of it."""

    timeline: Sequence[Tally]
    wrong: int
    missing: tuple[str, ...]
    fewest_ready: int

    @property
    def tally(self) -> Tally:
        """The count to the last answer."""
        return self.timeline[-1]


def under_load(given: Given, change: Change, requests: int, requests_per_second: float) -> Outcome:
    """Makes a service, and the change under at least so many requests. Raises AssertionError where it does not end."""
    model = given.model("uci-housing")
    rollout = dict(change.rollout)
    service = given.service("uci-housing", replicas=REPLICAS, model=model, rollout=rollout).is_healthy()
    with endpoints_of(given.namespace, service.name) as endpoints:
        endpoints.settles_on(REPLICAS, within=60)
        with service.under_load("house.json", requests_per_second, connections=CONNECTIONS) as load:
            load.sends(ENOUGH, within=minutes(2))
            change.perform(Scene(given, service, load))
            load.has_sent(requests, within=minutes(2) + 2 * requests / requests_per_second)
        fewest = endpoints.fewest()
    tally = load.report
    wrong = sum(count for text, count in tally.answers.items() if not any(answer in text for answer in change.answers))
    missing = tuple(answer for answer in change.answers if not any(answer in text for text in tally.answers))
    return Outcome(load.timeline, wrong, missing, fewest)
