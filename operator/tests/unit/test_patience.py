"""What a rollout waits for in vain is told as late, and then nothing makes passes any more but news and the resync."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus
from paddle_serving_operator.api.types import Analysis, Drift, DriftMode, DriftSamples
from paddle_serving_operator.constants import LABEL_REVISION, Manifest
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.observe.pods import KILLING
from paddle_serving_operator.observe.snapshot import Snapshot, facts_of
from paddle_serving_operator.reconcile.outcome import Outcome
from paddle_serving_operator.reconcile.queue import POLL, RESYNC, TIMER, Cause, Queue, Timing
from paddle_serving_operator.reconcile.workers import RESYNC_AFTER, Workers
from paddle_serving_operator.recorder import Unrecorded
from paddle_serving_operator.rollout.drift import PATIENCE
from paddle_serving_operator.rollout.facts import Facts, Reading
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.patience import POLLED
from paddle_serving_operator.rollout.plan import next_plan

from .canaries import alone, at_first_step, at_second_step, both, canary, ordered
from .rollouts import KEY, NEW, NEXT, NOW, OLD, ROLLING, STABLE, condition, goal, pods, seen

DEADLINE = timedelta(minutes=10)
NOTHING = timedelta(0)
NEWS = Cause("EndpointSlice", "ocr-1 MODIFIED")
TICK = 0.05
LATE = (Phase.FAILED, Reason.PROGRESS_DEADLINE_EXCEEDED)
DONE = (Phase.HEALTHY, Reason.ROLLED_OUT)


@dataclass
class Waiting:
    """The queue's passes over a rollout of which always the same is seen, with a clock that `live` alone moves."""

    intent: Intent
    status: ServiceStatus
    facts: Facts
    seconds: float = 0.0
    begins: datetime = NOW
    _reason: Reason | None = None

    def __post_init__(self) -> None:
        timing = Timing(lambda: self.seconds, jitter=lambda: 0.0)
        self.queue = Queue(timing)
        self._workers = Workers(self.queue, self._pass, 1, timing, Unrecorded())
        self.queue.add(KEY, NEWS)

    def _pass(self, _key: object, _now: datetime, budget: Budget) -> Outcome:
        now = (self.begins + timedelta(seconds=self.seconds)).replace(microsecond=0)
        plan = next_plan(self.intent, self.status, self.facts, now)
        if plan.status != self.status:
            with budget.spending("patch PaddleService", writes=True):
                self.status = plan.status
        self._reason = condition(plan, ConditionType.PROGRESSING).reason
        return Outcome(str(plan.status.phase), plan.look_again_in, polls=plan.polls)

    def stands(self) -> tuple[Phase | None, Reason | None]:
        """What the last pass said: the phase, and why it is no further."""
        return self.status.phase, self._reason

    def live(self, time: timedelta) -> list[Cause]:
        """Lets so much time pass. Returns why passes were made in it."""
        causes: list[Cause] = []
        for tick in count():
            while (turn := self.queue.take(NOTHING)) is not None:
                causes += turn.causes
                self._workers.work(turn)
            if tick * TICK >= time.total_seconds():
                return causes
            self.seconds += TICK
        raise AssertionError


def waits_for_endpoints() -> Waiting:
    return Waiting(goal(OLD), STABLE, seen(OLD, {OLD: pods(2)}, serving=set()))


def waits_for_the_service() -> Waiting:
    """Promoted, and never seen to be selected."""
    return Waiting(goal(), ROLLING, seen(OLD, {OLD: pods(2), NEW: pods(2)}))


def waits_for_drain() -> Waiting:
    """Pods of the revision before that nobody tells to end."""
    found = replace(seen(NEW, {NEW: pods(2)}), answering=frozenset({OLD, NEW}))
    return Waiting(goal(), ROLLING, found)


def waits_for_drain_before_the_start() -> Waiting:
    found = replace(seen(OLD, {OLD: pods(2)}), answering=frozenset({OLD}))
    return Waiting(goal(capacity_first=True, rollback=False), STABLE, found)


def waits_for_drain_of_a_third() -> Waiting:
    return Waiting(canary(), STABLE, alone(4, 1, answering=frozenset({OLD, NEW, NEXT})))


def waits_for_drift() -> Waiting:
    required = Drift(DriftMode.REQUIRE, 0.0, 0.0, DriftSamples.GOLDEN, 200, 0)
    return Waiting(goal(drift=required), STABLE, seen(OLD, {OLD: pods(2), NEW: pods(2)}))


def waits_for_requests() -> Waiting:
    asked = canary(analysis=Analysis(0.01, 2.0, 100, timedelta(seconds=10)), rollback=False)
    few = {NEW: Reading(7, 0, None)}
    return Waiting(asked, at_first_step(asked), both(3, 1, readings=few))


def waits_to_go_back() -> Waiting:
    """A candidate that is aborted, and whose endpoints never go."""
    hour = NOW + timedelta(hours=1)
    return Waiting(ordered("abort"), at_second_step(), both(4, 1), begins=hour)


WAITS = {
    waits_for_endpoints: Reason.WAITING_FOR_ENDPOINTS,
    waits_for_the_service: Reason.WAITING_FOR_ENDPOINTS,
    waits_for_drain: Reason.WAITING_FOR_DRAIN,
    waits_for_drain_before_the_start: Reason.WAITING_FOR_DRAIN,
    waits_for_drain_of_a_third: Reason.WAITING_FOR_DRAIN,
    waits_for_drift: Reason.WAITING_FOR_DRIFT,
    waits_for_requests: Reason.WAITING_FOR_REQUESTS,
    waits_to_go_back: Reason.ROLLING_BACK,
}


@pytest.mark.parametrize("make", WAITS, ids=lambda make: make.__name__)
def test_a_wait_without_an_end_is_late_after_the_deadline_and_costs_no_pass_from_then_on(
    make: Callable[[], Waiting],
) -> None:
    waiting = make()
    causes = waiting.live(DEADLINE - timedelta(seconds=2))
    assert waiting.stands() == (Phase.PROGRESSING, WAITS[make])
    assert 0 < len(causes) < 70
    waiting.live(timedelta(seconds=4))
    assert waiting.stands() == LATE
    assert waiting.live(5.5 * RESYNC_AFTER) == [RESYNC] * 5
    assert waiting.stands() == LATE


def test_every_wait_that_is_polled_is_tried_here() -> None:
    assert set(WAITS.values()) >= POLLED


def test_news_ends_a_wait_that_was_late() -> None:
    waiting = waits_for_endpoints()
    waiting.live(DEADLINE + timedelta(seconds=2))
    assert waiting.stands() == LATE
    stalled = waiting.status.condition(ConditionType.STALLED)
    assert stalled is not None
    assert "Not within spec.rollout.progressDeadline (600 s): 2 of 2 pods" in stalled.message
    waiting.facts = seen(OLD, {OLD: pods(2)})
    waiting.queue.add(KEY, NEWS)
    assert waiting.live(timedelta(seconds=1)) == [NEWS]
    assert waiting.stands() == DONE
    assert waiting.status.progress_started_at is None


def test_polls_before_the_deadline_back_off() -> None:
    causes = waits_for_endpoints().live(timedelta(minutes=5))
    assert set(causes) == {NEWS, POLL}
    assert len(causes) < 20


def test_pods_that_end_are_not_late_before_their_own_grace_is_over_and_that_moment_makes_a_pass() -> None:
    waiting = waits_for_drain()
    grace = NOW + timedelta(minutes=30)
    waiting.facts = replace(waiting.facts, given_up={OLD: grace})
    causes = waiting.live(timedelta(minutes=30) - timedelta(seconds=1))
    assert TIMER in causes
    assert waiting.stands() == (Phase.PROGRESSING, Reason.WAITING_FOR_DRAIN)
    plan = next_plan(waiting.intent, waiting.status, waiting.facts, grace - timedelta(seconds=7))
    assert plan.look_again_in == timedelta(seconds=7)
    waiting.facts = replace(waiting.facts, answering=frozenset({NEW}), given_up={})
    assert waiting.live(timedelta(seconds=2)) == [TIMER]
    assert waiting.stands() == DONE


def a_pod(revision: str, told: datetime | None = None) -> Manifest:
    """A pod that runs; `told`: the end of the grace that it was given."""
    ends = {"deletionTimestamp": told.strftime("%Y-%m-%dT%H:%M:%SZ")} if told else {}
    metadata = {"name": f"ocr-{revision}", "labels": {LABEL_REVISION: revision}, **ends}
    return {"metadata": metadata, "status": {"phase": "Running"}}


def test_a_revision_is_given_up_with_the_grace_of_its_last_pod_and_not_while_one_runs_on() -> None:
    soon, later = NOW + timedelta(seconds=10), NOW + timedelta(seconds=20)
    snapshot = Snapshot(
        owned={},
        pods=(a_pod(NEW),),
        slices=(),
        ending=(a_pod(OLD, soon), a_pod(OLD, later), a_pod(NEW, soon), a_pod(NEXT, NOW - timedelta(minutes=1))),
    )
    facts = facts_of(KEY, snapshot, None, NOW)
    assert facts.answering == {OLD, NEW}
    assert facts.given_up == {OLD: later + KILLING}
    gone = facts_of(KEY, snapshot, None, facts.given_up[OLD])
    assert gone.answering == {NEW}


def test_the_end_of_the_patience_with_a_comparison_makes_a_pass() -> None:
    reported = Drift(DriftMode.REPORT, 0.0, 0.0, DriftSamples.GOLDEN, 200, 0)
    plan = next_plan(goal(drift=reported), STABLE, seen(OLD, {OLD: pods(2), NEW: pods(2)}), NOW)
    assert (plan.polls, plan.look_again_in) == (True, PATIENCE)


@pytest.mark.parametrize(("ready", "phase"), [(0, Phase.FAILED), (2, Phase.HEALTHY)])
def test_a_pod_that_is_replaced_has_the_deadline_to_become_ready(ready: int, phase: Phase) -> None:
    waiting = Waiting(goal(OLD), STABLE, seen(OLD, {OLD: pods(1)}))
    waiting.live(DEADLINE - timedelta(seconds=2))
    assert waiting.stands()[0] is Phase.PROGRESSING
    if ready:
        waiting.facts = seen(OLD, {OLD: pods(ready)})
        waiting.queue.add(KEY, NEWS)
    waiting.live(timedelta(seconds=4))
    assert waiting.stands()[0] is phase


def test_the_time_for_which_a_person_holds_a_rollout_makes_nothing_late() -> None:
    found = {OLD: pods(2), NEW: pods(2)}
    promoted = next_plan(goal(), ROLLING, seen(OLD, found), NOW)
    held = next_plan(goal(paused=True), promoted.status, seen(OLD, found), NOW)
    hours = NOW + timedelta(hours=5)
    still = next_plan(goal(paused=True), held.status, seen(OLD, found), hours)
    assert still.status == held.status
    waiting = Waiting(goal(), still.status, seen(OLD, found), begins=hours)
    waiting.live(timedelta(seconds=30))
    assert waiting.stands()[0] is Phase.PROGRESSING
    waiting.facts = seen(NEW, found)
    waiting.queue.add(KEY, NEWS)
    waiting.live(timedelta(seconds=1))
    assert waiting.stands() == DONE
