"""Random lives with steps, verbs and kills: whatever happens, in whatever order, the promises of a canary hold."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from paddle_serving_operator.api.conditions import ConditionStatus, ConditionType, Reason
from paddle_serving_operator.api.memory import Idle, Shifting, Verifying
from paddle_serving_operator.api.status import Phase, dump_status, parse_status
from paddle_serving_operator.api.types import Step
from paddle_serving_operator.api.verbs import VerbName, parse_verb
from paddle_serving_operator.constants import ANNOTATION_VERB
from paddle_serving_operator.rollout import shares
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.memory import Memory
from paddle_serving_operator.rollout.move import Move, Plan, Progress
from paddle_serving_operator.rollout.plan import next_plan
from paddle_serving_operator.rollout.restrain import restrain

from .rollouts import NOW, goal, pods
from .test_rollout_properties import BROKEN, EVENTS, REVISIONS, Cluster

STEPS = (
    (),
    (Step(20, timedelta(0)), Step(60, timedelta(seconds=30))),
    (Step(50, None),),
    (Step(10, timedelta(seconds=5)), Step(50, timedelta(seconds=5)), Step(90, timedelta(seconds=5))),
)
MORE_EVENTS = st.one_of(
    EVENTS,
    st.tuples(st.just("steps"), st.sampled_from(STEPS)),
    st.tuples(st.just("order"), st.sampled_from([*VerbName, "nonsense"])),
    st.tuples(st.just("round"), st.integers(1, 6)),
    st.tuples(st.just("dies"), st.sampled_from(REVISIONS)),
    st.tuples(st.just("rollback"), st.booleans()),
)


@dataclass
class Shared(Cluster):
    """A cluster whose traffic Service may select every pod, and a person who gives orders."""

    broad: bool = False
    pinned: str | None = None
    orders: int = 0

    @override
    def seen(self) -> Facts:
        found = super().seen()
        revisions = {
            name: replace(one, trouble=BROKEN if name in self.broken and one.ready < one.wanted else None)
            for name, one in found.revisions.items()
        }
        serving = frozenset(name for name in self.endpoints if self.ready.get(name, 0))
        return replace(
            found,
            revisions=revisions,
            traffic=None if self.broad else self.traffic,
            broad=self.broad,
            pinned=self.pinned,
            serving=serving,
            asked=serving,
        )

    @override
    def endpoints_follow(self, _: object = None) -> None:
        behind = {name for name, wanted in self.wanted.items() if wanted} if self.broad else {self.traffic}
        self.endpoints = frozenset(name for name in behind if name)
        self.reached |= self.endpoints

    @override
    def apply(self, plan: Plan, seen: Facts, upto: str) -> None:
        holders = [name for name, share in plan.shares.items() if share > 0]
        for name in holders:
            had = seen.broad or name in shares.holders(seen) or name in seen.serving
            if not had and not self.ready.get(name, 0):
                self.failures.append(f"a share to {name}, of which no pod is proved")
        self.broad, self.pinned = len(holders) > 1, plan.stable
        if self.broad and self.alive() - set(holders):
            self.failures.append(f"a Service of every pod reaches {self.alive() - set(holders)} beside {holders}")
        if self.broad:
            self._applied(plan, upto)
            return
        super().apply(plan, seen, upto)

    def _applied(self, plan: Plan, upto: str) -> None:
        for name, wanted in plan.pods.items():
            self.wanted[name] = wanted
            self.ready[name] = min(self.ready.get(name, 0), wanted)
        self.traffic = None
        if upto == "whole":
            self.raw_status = dump_status(plan.status)

    @override
    def _verified(self, revision: str, seen: Facts) -> bool:
        was_selected = seen.broad and revision == seen.pinned  # also where no endpoint has followed yet
        return was_selected or revision in shares.holders(seen) or super()._verified(revision, seen)

    def steps(self, steps: tuple[Step, ...]) -> None:
        self.goal = replace(self.goal, steps=steps)

    def rollback(self, rollback: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        self.goal = replace(self.goal, rollback=rollback)

    def order(self, verb: str) -> None:
        self.orders += 1
        self.goal = replace(self.goal, verb=parse_verb({ANNOTATION_VERB: f"{verb} {self.orders}"}))

    def dies(self, name: str) -> None:
        """A pod that was Ready crashes for good."""
        if self.ready.get(name, 0):
            self.ready[name] -= 1

    def round(self, count: int) -> None:
        for _ in range(count):
            self.operator("whole")
            self.all_start()
            self.endpoints_follow()
            self.now += timedelta(seconds=10)


def lived(events: list[tuple[str, Any]]) -> Shared:
    cluster = Shared(goal=replace(goal(REVISIONS[0]), steps=STEPS[1], surge=1, replicas=3))
    for event in events:
        cluster.happens(event)
        assert cluster.failures == [], event
    return cluster


def test_a_stable_revision_that_lost_a_pod_keeps_what_it_had_when_the_spec_goes_back_to_it() -> None:
    old, new = REVISIONS[:2]
    lived([("rollout", old), ("rollout", new), ("dies", old), ("rollout", old)])


@settings(max_examples=100, deadline=None)
@given(st.lists(MORE_EVENTS, max_size=60))
def test_no_unproved_revision_gets_a_share_no_third_one_is_reached_and_no_answering_pod_is_taken_away(
    events: list[tuple[str, Any]],
) -> None:
    lived(events)


@settings(max_examples=50, deadline=None)
@given(st.lists(MORE_EVENTS, max_size=40))
def test_a_sound_revision_gets_everything_in_the_end_whatever_happened(events: list[tuple[str, Any]]) -> None:
    cluster = lived(events)
    cluster.broken = set()
    cluster.happens(("pause", False))
    for _ in range(40):
        cluster.happens(("round", 1))
        cluster.happens(("pods end", None))
        cluster.happens(("time", 60))
        status = parse_status(cluster.raw_status)
        stage = status.rollout.stage if status.rollout else None
        if isinstance(stage, Idle) and status.phase is Phase.HEALTHY:
            break
        holds = isinstance(stage, Shifting) or (status.rollout is not None and status.rollout.held)
        cluster.happens(("order", "resume" if holds else "retry"))
    assert status.phase is Phase.HEALTHY, status
    assert cluster.traffic == cluster.goal.revision
    assert {name for name, wanted in cluster.wanted.items() if wanted} == {cluster.goal.revision}
    ready = status.condition(ConditionType.READY)
    assert ready is not None
    assert ready.status is ConditionStatus.TRUE


@settings(max_examples=50, deadline=None)
@given(st.lists(MORE_EVENTS, max_size=40))
def test_an_operator_that_is_asked_twice_says_the_same_and_comes_to_rest(events: list[tuple[str, Any]]) -> None:
    cluster = lived(events)
    for _ in range(12):
        cluster.happens(("round", 1))
        cluster.happens(("pods end", None))
    if cluster.broken:
        return  # a crash that comes and goes is news each time
    before, seen = parse_status(cluster.raw_status), cluster.seen()
    plan = next_plan(cluster.goal, before, seen, cluster.now)
    again = next_plan(cluster.goal, plan.status, seen, cluster.now)
    assert (again.shares, again.pods) == (plan.shares, plan.pods)


MOVES: list[tuple[str, Callable[[Move], Move]]] = [
    ("everything to the candidate", lambda move: replace(move, shares={REVISIONS[1]: 100})),
    ("everything to a stranger", lambda move: replace(move, shares={REVISIONS[2]: 100})),
    ("half to the candidate", lambda move: replace(move, shares={REVISIONS[0]: 50, REVISIONS[1]: 50})),
    ("half to a stranger", lambda move: replace(move, shares={REVISIONS[0]: 50, REVISIONS[2]: 50})),
    ("no pods", lambda move: replace(move, pods={})),
    ("no pods of the stable revision", lambda move: replace(move, pods={REVISIONS[1]: 3})),
    ("one pod each", lambda move: replace(move, pods={REVISIONS[0]: 1, REVISIONS[1]: 1})),
    ("nobody is asked", lambda move: replace(move, shares={})),
]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(MOVES),
    st.integers(0, 3),
    st.integers(0, 3),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([Verifying(REVISIONS[1], NOW), Shifting(REVISIONS[1], NOW, 0), Idle()]),
)
def test_a_stage_that_asks_for_what_is_unsafe_does_not_get_it(
    planted: tuple[str, Callable[[Move], Move]],
    stable: int,
    candidate: int,
    third: int,
    broad: bool,  # noqa: FBT001 - drawn by hypothesis
    stage: Any,  # noqa: ANN401 - a stage
) -> None:
    old, new, stranger = REVISIONS
    written = Memory(stable=old, stage=stage)
    ready = {old: stable, new: candidate, stranger: third}
    asked = frozenset(name for name in (old, new) if ready[name]) if broad else frozenset({old} if stable else ())
    facts = Facts(
        traffic=None if broad else old,
        broad=broad,
        serving=asked,
        asked=asked,
        revisions={name: pods(count, 3) for name, count in ready.items()},
        answering=frozenset(name for name, count in ready.items() if count),
        pinned=old,
    )
    intent = goal(new, replicas=3, steps=STEPS[1])
    progress = Progress(ConditionStatus.TRUE, Reason.WAITING_FOR_PODS, "")
    move = planted[1](Move({old: 3, new: 3}, {old: 100}, written, progress))
    safe = restrain(move, intent, written, facts)
    holders = {name for name, share in safe.shares.items() if share > 0}
    assert stranger not in holders
    # a Service that leads to both already is left alone while nobody answers
    assert candidate or new not in holders or (broad and old in holders)
    assert new not in holders or written.candidate == new
    named = {written.stable, written.candidate}  # what somebody else turned a Service to is no promise
    before = sum(ready[name] for name in asked if name in named)
    after = sum(
        min(ready[name], safe.pods.get(name, 0)) for name in holders | (asked if len(holders) > 1 else frozenset())
    )
    assert after >= min(before, 3)
    assert old in safe.pods
    if len(holders) > 1 and not broad:
        assert not third
