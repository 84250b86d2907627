"""Random lives of a PaddleService against a small cluster: whatever happens, in whatever order, the promises hold."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus, dump_status, parse_status
from paddle_serving_operator.constants import Key
from paddle_serving_operator.rollout.facts import Facts, RevisionSeen, Trouble
from paddle_serving_operator.rollout.guards import is_complete
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
REVISIONS = ["a" * 10, "b" * 10, "c" * 10]
BROKEN = Trouble(Reason.NOT_CONSISTENT, "hello.json differs", terminal=True)

OPERATOR = st.tuples(
    st.just("operator"), st.sampled_from(["whole", "whole", "killed after traffic", "killed before status"])
)
EVENTS = st.one_of(
    OPERATOR,
    OPERATOR,
    st.tuples(st.just("all start"), st.none()),
    st.tuples(st.just("settle"), st.none()),
    st.tuples(st.just("rollout"), st.sampled_from(REVISIONS)),
    st.tuples(st.just("spec"), st.sampled_from(REVISIONS)),
    st.tuples(st.just("scale"), st.integers(1, 3)),
    st.tuples(st.just("pause"), st.booleans()),
    st.tuples(st.just("starts"), st.sampled_from(REVISIONS)),
    st.tuples(st.just("fails"), st.sampled_from(REVISIONS)),
    st.tuples(st.just("endpoints follow"), st.none()),
    st.tuples(st.just("pods end"), st.none()),
    st.tuples(st.just("time"), st.integers(1, 900)),
)
GOAL = Intent(
    key=Key("default", "ocr"),
    generation=1,
    revision=REVISIONS[0],
    model_digest="sha256:x",
    image="runtime:1",
    replicas=2,
    progress_deadline=timedelta(minutes=10),
    paused=False,
    consistency_required=True,
    url="http://x",
)


@dataclass
class Cluster:
    """Deployments with ready pods, a Service, endpoints that follow the Service later, and a written status.

    `ending`: revisions without a Deployment whose pods still answer. `reached`: those that requests may have gone to
    since their pods were started. `full`: pods that were asked for when a written status last saw all of them Ready.
    """

    goal: Intent = GOAL
    now: datetime = NOW
    wanted: dict[str, int] = field(default_factory=dict)
    ready: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    traffic: str | None = None
    endpoints: frozenset[str] = frozenset()
    ending: set[str] = field(default_factory=set)
    reached: set[str] = field(default_factory=set)
    full: int = 0
    raw_status: object = None
    failures: list[str] = field(default_factory=list)

    def seen(self) -> Facts:
        revisions = {
            name: RevisionSeen(
                deployed=True,
                wanted=wanted,
                pods=wanted,
                ready=self.ready.get(name, 0),
                trouble=BROKEN if name in self.broken and self.ready.get(name, 0) < wanted else None,
            )
            for name, wanted in self.wanted.items()
        }
        serving = frozenset(name for name in self.endpoints if self.ready.get(name, 0))
        return Facts(self.traffic, serving, serving, revisions, answering=self.alive())

    def alive(self) -> frozenset[str]:
        """Revisions that have a pod."""
        return frozenset(self.ending | {name for name, wanted in self.wanted.items() if wanted})

    def answering(self) -> int:
        """Pods that the endpoints reach."""
        return sum(self.ready.get(name, 0) for name in self.endpoints)

    def apply(self, plan: Plan, seen: Facts, upto: str) -> None:
        """What the operator writes: Deployments, Service, prune, status; it may be killed after any of them."""
        for name, wanted in plan.pods.items():
            self.wanted[name] = wanted
            self.ready[name] = min(self.ready.get(name, 0), wanted)
        if plan.traffic != self.traffic and plan.traffic is not None and not self._verified(plan.traffic, seen):
            self.failures.append(f"traffic to {plan.traffic}, which is not verified")
        self.traffic = plan.traffic
        if upto == "killed after traffic":
            return
        for name in set(self.wanted) - set(plan.revisions):
            if name in self.endpoints and self.ready.get(name, 0):
                self.failures.append(f"{name} was removed while it had requests")
            del self.wanted[name]
            self.ending.add(name)
            self.ready.pop(name, None)
        if upto == "killed before status":
            return
        self.raw_status = dump_status(plan.status)
        ready = seen.revisions[plan.stable].ready if plan.stable and plan.stable in seen.revisions else 0
        self.full = self.goal.replicas if ready >= self.goal.replicas else min(self.full, self.goal.replicas)
        left = self.reached & self.alive() - {plan.traffic}
        if plan.status.phase is Phase.HEALTHY and left:
            self.failures.append(f"Healthy while {left} may answer")

    def _verified(self, revision: str, seen: Facts) -> bool:
        was_serving = revision in seen.serving
        return was_serving or is_complete(seen, revision, self.goal.replicas)

    def happens(self, event: tuple[str, Any]) -> None:
        name, value = event
        getattr(self, name.replace(" ", "_"))(value)

    def spec(self, revision: str) -> None:
        self.goal = replace(self.goal, revision=revision, generation=self.goal.generation + 1)

    def scale(self, replicas: int) -> None:
        self.goal = replace(self.goal, replicas=replicas)

    def pause(self, paused: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        self.goal = replace(self.goal, paused=paused)

    def starts(self, name: str) -> None:
        if name in self.wanted and name not in self.broken:
            self.ready[name] = min(self.wanted[name], self.ready.get(name, 0) + 1)

    def all_start(self, _: object = None) -> None:
        self.ready |= {name: wanted for name, wanted in self.wanted.items() if name not in self.broken}

    def fails(self, name: str) -> None:
        """A candidate breaks, or its cause vanishes."""
        if not self.ready.get(name, 0):
            self.broken ^= {name}

    def endpoints_follow(self, _: object = None) -> None:
        self.endpoints = frozenset({self.traffic} if self.traffic else ())
        self.reached |= self.endpoints

    def pods_end(self, _: object = None) -> None:
        self.reached -= self.ending - set(self.wanted)
        self.ending = set()

    def time(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def rollout(self, revision: str) -> None:
        """Up to the moment where the traffic has just moved."""
        self.spec(revision)
        self.operator("whole")
        self.all_start()
        self.operator("whole")

    def settle(self, _: object = None) -> None:
        for _round in range(5):
            self.operator("whole")
            self.all_start()
            self.endpoints_follow()
            self.pods_end()

    def operator(self, how: str) -> None:
        seen, status = self.seen(), parse_status(self.raw_status)
        plan = next_plan(self.goal, status, seen, self.now)
        assert next_plan(self.goal, status, seen, self.now) == plan
        before = self.answering()
        self.apply(plan, seen, how)
        if self.answering() < min(before, self.goal.replicas):
            self.failures.append(f"{before} pods answered, then {self.answering()}")


# the old revision becomes the candidate for a moment, after the traffic and before the endpoints have left it
OLD, NEW, _ = REVISIONS
BACK_AND_FORTH = [
    ("settle", None),
    ("rollout", NEW),
    ("pause", True),
    ("rollout", OLD),
    ("rollout", NEW),
    ("settle", None),
]


@settings(max_examples=200, deadline=None)
@example(BACK_AND_FORTH)
@given(st.lists(EVENTS, max_size=60))
def test_whatever_happens_no_unverified_revision_gets_traffic_and_no_answering_pod_is_removed(
    events: list[tuple[str, Any]],
) -> None:
    cluster = Cluster()
    for event in events:
        cluster.happens(event)
        assert cluster.failures == []


@settings(max_examples=120, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_whatever_happened_a_sound_revision_ends_up_healthy_and_alone(events: list[tuple[str, Any]]) -> None:
    cluster = Cluster()
    for event in events:
        cluster.happens(event)
    cluster.broken = set()
    cluster.happens(("pause", False))
    for _ in range(8):
        cluster.happens(("operator", "whole"))
        cluster.happens(("endpoints follow", None))
        cluster.happens(("pods end", None))
        for _ in range(3):
            cluster.happens(("starts", cluster.goal.revision))
    status = parse_status(cluster.raw_status)
    assert status.phase is Phase.HEALTHY
    assert cluster.traffic == cluster.goal.revision
    assert set(cluster.wanted) == {cluster.goal.revision}
    ready = status.condition(ConditionType.READY)
    assert ready is not None
    assert ready.status is ConditionStatus.TRUE


@settings(max_examples=120, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_when_nothing_happens_any_more_the_status_comes_to_rest_without_events(
    events: list[tuple[str, Any]],
) -> None:
    cluster = Cluster()
    for event in events:
        cluster.happens(event)
    for _ in range(6):
        cluster.happens(("operator", "whole"))
        cluster.happens(("endpoints follow", None))
        cluster.happens(("pods end", None))
    before, seen = parse_status(cluster.raw_status), cluster.seen()
    plan = next_plan(cluster.goal, before, seen, cluster.now)
    assert plan.status == before
    assert plan.events == ()
    assert plan.traffic == cluster.traffic


@settings(max_examples=120, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_ready_is_never_said_while_promised_pods_are_missing_and_those_that_are_being_added_are_not_promised(
    events: list[tuple[str, Any]],
) -> None:
    cluster = Cluster()
    for event in events:
        cluster.happens(event)
        seen, status = cluster.seen(), parse_status(cluster.raw_status)
        plan = next_plan(cluster.goal, status, seen, cluster.now)
        ready = plan.status.condition(ConditionType.READY)
        assert ready is not None
        if ready.status is ConditionStatus.TRUE:
            assert plan.stable is not None
            promised = min(cluster.full, cluster.goal.replicas) or cluster.goal.replicas
            assert seen.revisions[plan.stable].ready >= promised
        if plan.status.phase is Phase.FAILED:
            progressing = plan.status.condition(ConditionType.PROGRESSING)
            assert progressing is not None
            assert progressing.message


@given(st.sampled_from(REVISIONS), st.integers(0, 3))
def test_every_first_pass_writes_a_status(revision: str, replicas: int) -> None:
    plan = next_plan(
        replace(GOAL, revision=revision, replicas=replicas),
        ServiceStatus(),
        Facts(None, frozenset(), frozenset(), {}),
        NOW,
    )
    assert plan.status.phase is Phase.PENDING
    assert plan.status != ServiceStatus()
