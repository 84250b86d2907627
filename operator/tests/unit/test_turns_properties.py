"""Random lives of several services whose profile changed: mirrors that are behind, kills, passes that overlap.

Never do two roll out at once, one that fails holds the others, and whatever happened before, all get through.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from paddle_serving_operator.api.conditions import ConditionType, Reason
from paddle_serving_operator.api.status import Phase, ServiceStatus, dump_status, parse_status
from paddle_serving_operator.api.verbs import VerbName, parse_verb
from paddle_serving_operator.constants import ANNOTATION_VERB, Key, Kind, Manifest
from paddle_serving_operator.observe.reading import Reader
from paddle_serving_operator.observe.turns import turn_seen
from paddle_serving_operator.rollout.facts import Facts
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.move import Plan
from paddle_serving_operator.rollout.plan import next_plan

from .rollouts import NEW, NOT_CONSISTENT, NOW, OLD, STABLE, goal, pods, seen

ENOUGH = 100  # rounds
KEYS = (Key("lab", "a"), Key("lab", "b"), Key("shop", "a"), Key("shop", "b"))
ANY = st.sampled_from(range(len(KEYS)))
EVENTS = st.one_of(
    *[st.tuples(st.just(word), ANY) for word in ("step", "step", "pass", "pass", "pass", "pass")],
    st.tuples(st.just("ready"), ANY),
    st.tuples(st.just("mirror"), st.just(0)),
    st.tuples(st.just("kill"), st.just(0)),
    st.tuples(st.just("pause"), ANY),
    st.tuples(st.just("scale"), ANY),
    st.tuples(st.just("abort"), ANY),
)


@dataclass
class Service:
    """One PaddleService as the API server has it. `ready`: the revisions whose pods get Ready; `under_way`: a pass."""

    status: ServiceStatus = STABLE
    traffic: str = OLD
    wanted: dict[str, int] = field(default_factory=lambda: {OLD: 2})
    ready: set[str] = field(default_factory=lambda: {OLD})
    replicas: int = 2
    paused: bool = False
    broken: bool = False
    verb: str = ""
    version: int = 0
    under_way: tuple[int, Plan | None, Plan] | None = None

    def intent(self) -> Intent:
        verb = parse_verb({ANNOTATION_VERB: self.verb} if self.verb else {})
        return goal(NEW, replicas=self.replicas, paused=self.paused, verb=verb)

    def facts(self) -> Facts:
        trouble = NOT_CONSISTENT if self.broken else None
        found = {
            name: pods(wanted if name in self.ready else 0, wanted, trouble if name == NEW else None)
            for name, wanted in self.wanted.items()
        }
        # the record of a revision stays when its Deployment goes
        records = {name: replace(pods(0, 0), deployed=False) for name in (OLD, NEW)}
        return seen(self.traffic, records | found)

    @property
    def rolls(self) -> bool:
        return {name for name, wanted in self.wanted.items() if wanted} == {OLD, NEW}


class Fleet(Reader):
    """The services, and what the operator's mirror knows of them."""

    def __init__(self) -> None:
        self.services = [Service() for _ in KEYS]
        self.mirror = self.truth()
        self.most = 0

    def truth(self) -> list[Manifest]:
        return [
            {"metadata": {"namespace": key.namespace, "name": key.name}, "status": dump_status(service.status)}
            for key, service in zip(KEYS, self.services, strict=True)
        ]

    @override
    def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        raise NotImplementedError

    @override
    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        return [item for item in self.mirror if not namespace or item["metadata"]["namespace"] == namespace]

    def plan(self, number: int) -> Plan:
        """As a pass makes it: the profile alone asks for the other revision, until that has the traffic."""
        service = self.services[number]
        facts = service.facts()
        follows = service.traffic == OLD and (service.status.rollout is None or service.status.rollout.stable == OLD)
        turn = turn_seen(self, (), KEYS[number]) if follows else None
        return next_plan(service.intent(), service.status, replace(facts, turn=turn), NOW)

    def step(self, number: int) -> None:
        """A pass goes one step on: it reads and plans, it changes the cluster, it writes its status."""
        service = self.services[number]
        if service.under_way is None:
            plan = self.plan(number)
            if set(plan.pods) - set(service.wanted):  # it makes a Deployment: planned again from the API server
                known, self.mirror = self.mirror, self.truth()
                plan = self.plan(number)
                self.mirror = known
            service.under_way = (service.version, plan, plan)
            return
        version, todo, plan = service.under_way
        if todo is not None:
            service.wanted = dict(plan.pods)
            service.traffic = plan.traffic or service.traffic
            service.under_way = (version, None, plan)
        else:
            service.under_way = None
            if version == service.version:  # else it is a conflict
                service.status = parse_status(dump_status(plan.status))
                service.version += 1
        self.most = max(self.most, sum(one.rolls for one in self.services))

    def happen(self, event: tuple[str, int]) -> None:
        word, number = event
        service = self.services[number]
        match word:
            case "step":
                self.step(number)
            case "pass":
                self.run(number)
            case "ready":
                service.ready.add(NEW)
            case "mirror":
                self.mirror = self.truth()
            case "kill":
                for one in self.services:
                    one.under_way = None
                self.mirror = self.truth()
            case "pause":
                service.paused, service.version = not service.paused, service.version + 1
            case "scale":
                service.replicas, service.version = 2 - service.replicas, service.version + 1
            case verb:
                service.verb, service.version = f"{verb} t{service.version}", service.version + 1

    def round(self) -> None:
        """A whole pass over each, the last one first."""
        for number in reversed(range(len(KEYS))):
            self.mirror = self.truth()
            self.run(number)

    def run(self, number: int) -> None:
        """A whole pass, or the rest of one."""
        self.step(number)
        while self.services[number].under_way is not None:
            self.step(number)

    def settle(self) -> None:
        """Everything that can happen by itself happens."""
        self.round()  # also what was under way, which may come to nothing
        before: object = None
        rounds = 0
        while before != self.everything() or any(service.rolls for service in self.services if not service.broken):
            before = self.everything()
            self.round()
            rounds += 1
            assert rounds < ENOUGH, [self.told(number) for number in range(len(KEYS))]

    def everything(self) -> object:
        """What a round may change."""
        return self.truth(), [dict(service.wanted) for service in self.services]

    def told(self, number: int) -> str:
        condition = self.services[number].status.condition(ConditionType.PROGRESSING)
        assert condition is not None
        return f"{condition.reason}: {condition.message}"


def mended(fleet: Fleet) -> None:
    for service in fleet.services:
        service.ready, service.replicas, service.paused, service.broken = {OLD, NEW}, 2, False, False
        service.version += 1
        service.verb = f"{VerbName.RETRY} end{service.version}"


@settings(max_examples=60, deadline=None)
@given(st.lists(EVENTS, max_size=80))
def test_two_never_roll_out_at_once_and_all_get_through_whatever_happened(events: Sequence[tuple[str, int]]) -> None:
    fleet = Fleet()
    for event in events:
        fleet.happen(event)
        assert fleet.most <= 1
    mended(fleet)
    fleet.settle()
    assert fleet.most <= 1
    assert [service.status.phase for service in fleet.services] == [Phase.HEALTHY] * len(KEYS)
    assert {service.traffic for service in fleet.services} == {NEW}
    assert all(service.status.rollout and service.status.rollout.turn is None for service in fleet.services)


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENTS.filter(lambda event: event[0] in {"step", "pass", "mirror", "kill"}), max_size=80))
def test_one_that_fails_holds_all_the_others_and_each_of_them_names_it(events: Sequence[tuple[str, int]]) -> None:
    fleet = Fleet()
    for service in fleet.services:
        service.broken = True
    for event in events:
        fleet.happen(event)
    fleet.settle()
    failed = [number for number, service in enumerate(fleet.services) if service.status.phase is Phase.FAILED]
    assert len(failed) == 1
    for number in {*range(len(KEYS))} - {*failed}:
        assert f"{KEYS[failed[0]].path()} has failed with it ({Reason.NOT_CONSISTENT})" in fleet.told(number)
        assert fleet.services[number].wanted == {OLD: 2}


def test_without_accidents_they_follow_in_the_order_of_their_names() -> None:
    fleet = Fleet()
    finished: list[int] = []
    for service in fleet.services:
        service.ready.add(NEW)
    for _ in range(ENOUGH):
        fleet.round()
        finished += [
            number for number, one in enumerate(fleet.services) if one.wanted == {NEW: 2} and number not in finished
        ]
    assert finished == [0, 1, 2, 3]
