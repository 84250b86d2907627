"""Random lives in which packages have recorded answers or none: those that have are never replaced unasked."""

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from paddle_serving_operator.api.status import parse_status
from paddle_serving_operator.api.types import Require
from paddle_serving_operator.api.verification import Verification
from paddle_serving_operator.rollout.evidence import must_know
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.move import Plan

from .test_rollout_properties import EVENTS, REVISIONS, Cluster

MORE_EVENTS = st.one_of(
    EVENTS,
    st.tuples(st.just("require"), st.sampled_from([Require.AUTO, Require.AUTO, Require.ENGINE_ONLY])),
    st.tuples(st.just("reports"), st.booleans()),
)


@dataclass
class Recording(Cluster):
    """A cluster in which the operator reads reports, as long as it can reach the pods."""

    recorded: frozenset[str] = frozenset()
    reachable: bool = True
    told: dict[str, Verification] = field(default_factory=dict)

    @override
    def seen(self) -> Facts:
        status, found = parse_status(self.raw_status), super().seen()
        known, stable = status.verification, status.stable.revision if status.stable else None
        if stable is not None and (known is None or known.revision != stable):
            known = self.report(stable) or known
        candidate = self.report(self.goal.revision) if must_know(self.goal, known, stable) else None
        return replace(found, verification=known, candidate=candidate)

    def report(self, revision: str) -> Verification | None:
        if self.reachable and self.ready.get(revision, 0):
            recorded = 3 * (revision in self.recorded)
            verdict = "Recorded" if recorded else "EngineOnly"
            self.told[revision] = Verification(revision, verdict, 3, "3.3.1", "cpu", recorded=recorded)
        return self.told.get(revision)

    @override
    def apply(self, plan: Plan, seen: Facts, upto: str) -> None:
        before, after = seen.verification, plan.traffic
        moves = self.traffic is not None and after not in {None, self.traffic}
        known = before is not None and before.revision == self.traffic and before.has_recorded
        if moves and known and after not in self.recorded and self.goal.require is Require.AUTO:
            self.failures.append(f"traffic from {self.traffic}, which has recorded answers, to {after}")
        super().apply(plan, seen, upto)

    def require(self, require: Require) -> None:
        self.goal = replace(self.goal, require=require)

    def reports(self, reachable: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        self.reachable = reachable


RECORDED = st.frozensets(st.sampled_from(REVISIONS[1:]))


@settings(max_examples=200, deadline=None)
@given(RECORDED, st.lists(MORE_EVENTS, max_size=60))
def test_traffic_never_goes_from_recorded_answers_to_none_unasked(
    recorded: frozenset[str], events: list[tuple[str, Any]]
) -> None:
    cluster = Recording(recorded=recorded | {REVISIONS[0]})
    cluster.happens(("settle", None))
    for event in events:
        cluster.happens(event)
        assert cluster.failures == []


@settings(max_examples=100, deadline=None)
@given(RECORDED, st.lists(MORE_EVENTS, max_size=40))
def test_a_sound_revision_that_may_take_the_traffic_gets_it_in_the_end(
    recorded: frozenset[str], events: list[tuple[str, Any]]
) -> None:
    cluster = Recording(recorded=recorded | {REVISIONS[0]})
    cluster.happens(("settle", None))
    for event in events:
        cluster.happens(event)
    cluster.broken = set()
    for event in (("pause", False), ("reports", True)):
        cluster.happens(event)
    if cluster.goal.revision not in cluster.recorded:
        cluster.happens(("require", Require.ENGINE_ONLY))
    for _ in range(8):
        cluster.happens(("operator", "whole"))
        cluster.happens(("endpoints follow", None))
        cluster.happens(("all start", None))
    assert cluster.traffic == cluster.goal.revision
