"""One pass over one PaddleService: read, parse, observe, decide, build, apply, write the status."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.fields import SpecError
from paddle_serving_operator.api.memory import Promoting, candidate_of
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.status import ServiceStatus, parse_status
from paddle_serving_operator.api.types import ServiceSpec, TrafficMode
from paddle_serving_operator.api.upkeep import parse_upkeep
from paddle_serving_operator.api.verbs import parse_verb
from paddle_serving_operator.constants import (
    DISRUPTION_BUDGET,
    HTTP_ROUTE,
    PADDLE_SERVICE,
    SERVICE,
    SERVICE_ACCOUNT,
    Key,
    Manifest,
)
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.build import Existing, desired_objects
from paddle_serving_operator.desired.revision import Revision, is_profiles, revision_of
from paddle_serving_operator.kube.apply import NameTakenError, apply_all, mend_all, prune
from paddle_serving_operator.kube.budget import Budget
from paddle_serving_operator.kube.cluster import ApiServer
from paddle_serving_operator.kube.errors import Forbidden, Invalid, KubeError
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.observe.pods import without_account
from paddle_serving_operator.observe.snapshot import (
    Snapshot,
    facts_of,
    is_controlled_by,
    pods_of,
    take_snapshot,
)
from paddle_serving_operator.observe.turns import turn_seen
from paddle_serving_operator.reconcile.history import History
from paddle_serving_operator.reconcile.holding import goal_of_stable, held_objects, upkeep_that_is
from paddle_serving_operator.reconcile.image_volumes import ImageVolumes
from paddle_serving_operator.reconcile.intents import intent_of
from paddle_serving_operator.reconcile.observer import Observer
from paddle_serving_operator.reconcile.one_pass import Pass, ReadAgainError, from_mirror
from paddle_serving_operator.reconcile.outcome import GONE, Outcome
from paddle_serving_operator.reconcile.refusals import Refusals
from paddle_serving_operator.reconcile.tally import Tally
from paddle_serving_operator.reconcile.writing import write_status
from paddle_serving_operator.rollout.events import events_between
from paddle_serving_operator.rollout.facts import TurnSeen
from paddle_serving_operator.rollout.move import Event, Plan
from paddle_serving_operator.rollout.patience import earliest
from paddle_serving_operator.rollout.plan import holder, next_plan, refused, unseen
from paddle_serving_operator.rollout.shares import WHOLE
from paddle_serving_operator.settings import Profile, Settings

log = logging.getLogger(__name__)

LATER = timedelta(minutes=1)  # an object that is in the way may go, a right or a quota may come, and nobody tells
SOON = timedelta(seconds=10)  # rights may come back at any time, and nobody tells


class Asked(NamedTuple):
    """What is asked for, and the revision that comes of it."""

    spec: ServiceSpec
    profile: Profile
    revision: Revision


class Reconciler:
    """Brings what exists for a PaddleService closer to its spec. Safe for threads, as long as each has its own key."""

    def __init__(
        self,
        server: ApiServer,
        mirror: Mirror,
        settings: Settings,
        observer: Observer,
        tally: Tally,
    ) -> None:
        self._server = server
        self._mirror = mirror
        self._profiles = settings.profiles
        self._namespaces = settings.namespaces
        self._observer = observer
        self._tally = tally
        self._history = History()
        self._refusals = Refusals()
        self._image_volumes = ImageVolumes()

    def reconcile(self, key: Key, now: datetime, budget: Budget) -> Outcome:
        """One pass. Safe to call at any time, any number of times, by several operators at once.

        Raises KubeError for the queue to retry; everything that a user can mend ends in a condition instead.
        """
        this = from_mirror(key, now, self._server, self._mirror, budget)
        try:
            return self._pass(this)
        except ReadAgainError as error:
            log.debug("asking the API server first: %s", error, extra={"key": key.path()})
            return self._pass(this.afresh())

    def _pass(self, this: Pass) -> Outcome:
        key = this.key
        resource = this.reader.get(PADDLE_SERVICE, key.namespace, key.name)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            self._observer.forget(key)
            self._history.forget(key)
            self._refusals.forget(key)
            self._tally.forget(key)
            return GONE  # owner references clean up
        uid = resource["metadata"]["uid"]
        try:
            snapshot = take_snapshot(this.reader, key, uid)
        except Forbidden as error:
            return self._tell_unseen(this, resource, error)
        snapshot = replace(snapshot, remembered=self._history.records_of(key, uid))
        try:
            spec = parse_spec(key, resource.get("spec"))
            profile = self._profile(key, spec)
        except SpecError as error:
            return self._refuse(this, resource, snapshot, error)
        try:
            profile = self._image_volumes.within_reach(this.cluster, key.namespace, spec, profile)
            revision = revision_of(key.name, spec, profile, resource["spec"])
            # every route has this Service beside it, also one that is to go
            routed = (SERVICE, names.canary_service(key.name)) in snapshot.owned
            if routed or spec.traffic.mode is TrafficMode.GATEWAY:
                snapshot = self._with_route(this, snapshot, uid)
            return self._advance(this, resource, snapshot, Asked(spec, profile, revision))
        except (NameTakenError, Invalid, Forbidden) as error:
            return self._refuse(this, resource, snapshot, error)

    def _with_route(self, this: Pass, snapshot: Snapshot, uid: str) -> Snapshot:
        """Also the HTTPRoute, whose kind not every cluster has: it is read only where it is asked for."""
        name = names.traffic_service(this.key.name)
        route = this.reader.get(HTTP_ROUTE, this.key.namespace, name)
        if route is None or not is_controlled_by(route, uid):
            return snapshot
        return replace(snapshot, owned={**snapshot.owned, (HTTP_ROUTE, name): route})

    def _advance(self, this: Pass, resource: Manifest, snapshot: Snapshot, asked: Asked) -> Outcome:
        key, now = this.key, this.now
        spec, _, revision = asked
        status = parse_status(resource.get("status"))
        intent = intent_of(key, resource, spec, revision)
        seen, proofs = self._observer.observe(key, snapshot, status, intent, now)
        refused_pods = pods_of(snapshot, revision.name)
        if report := self._refusals.report_of(this.cluster, key, revision.name, refused_pods):
            proofs = {revision.name: report} | proofs
        account = spec.pod.account.name
        missing = bool(account) and this.reader.get(SERVICE_ACCOUNT, key.namespace, account) is None
        if missing:
            seen = without_account(seen, revision.name, f"{key.namespace}/{account}")
        seen = replace(seen, turn=self._turn(this, snapshot, holder(intent, status, seen), asked))
        plan = next_plan(intent, status, seen, now)
        existing = Existing(snapshot.records(), snapshot.owned, proofs, seen, missing)
        desired = desired_objects(key.name, spec, revision, plan, existing)
        known = this.allow(resource, snapshot.owned, desired.manifests, desired.wanted)
        with this.carrying_out():
            writes = apply_all(this.cluster, resource, desired.manifests, snapshot.owned, known)
        prune(this.cluster, desired.wanted, snapshot.owned)
        self._history.remember(key, resource["metadata"]["uid"], desired.records)
        if not (writes and _gives_first_traffic(status, plan)):
            self._write(this, resource, status, plan.status, plan.events)
        named = {revision.name, plan.stable or revision.name}
        # one that was due and was not made is not asked for any more, or is under way and will tell
        attempts = [due - now for name in named if (due := self._observer.next_attempt(key, name)) and due > now]
        return Outcome(_phase(plan.status), earliest(plan.look_again_in, *attempts), polls=plan.polls)

    def _turn(self, this: Pass, snapshot: Snapshot, stable: str | None, asked: Asked) -> TurnSeen | None:
        """The other services, where this one's new revision comes from its profile alone."""
        record = snapshot.records().get(stable or "")
        spec, profile, goal = asked
        if record is None or not is_profiles(this.key, record[0], goal, spec.runtime, profile):
            return None
        return turn_seen(this.reader, self._namespaces, this.key)

    def _profile(self, key: Key, spec: ServiceSpec) -> Profile:
        profile = self._profiles.get(spec.runtime)
        if profile is None:
            known = ", ".join(sorted(self._profiles))
            raise UnknownRuntimeError(
                key,
                "spec.runtime",
                f"is {spec.runtime!r}. Use one of {known}, or add a profile to the operator's chart.",
            )
        return profile

    def _refuse(self, this: Pass, resource: Manifest, snapshot: Snapshot, error: Exception) -> Outcome:
        """Tells why the newest spec is not used, and looks after the revision that serves."""
        key = this.key
        status = parse_status(resource.get("status"))
        seen = facts_of(key, snapshot, status.verification, this.now)
        intent = goal_of_stable(key, resource, status)
        current = holder(intent, status, seen) or None
        upkeep = parse_upkeep(key, resource.get("spec"), upkeep_that_is(key, snapshot, current))
        if not isinstance(error, KubeError):  # else everything was tried already, and traffic may have moved
            held = held_objects(key.name, upkeep, current, snapshot, seen)
            this.allow(resource, snapshot.owned, held, snapshot.owned)
            mend_all(this.cluster, resource, held, snapshot.owned)
        # an operator that has started since knows no other record than those that still exist
        self._history.remember(key, resource["metadata"]["uid"], snapshot.records())
        budgeted = (DISRUPTION_BUDGET, names.disruption_budget(key.name)) in snapshot.owned
        intent = replace(intent, replicas=upkeep.replicas, budgeted=budgeted)
        after = refused(status, intent, seen, (_reason_of(error), str(error)), this.now)
        self._write(this, resource, status, after, events_between(status, after))
        # of a spec that is mended a watch tells, of a new profile the operator's own start
        return Outcome(_phase(after), None if isinstance(error, SpecError) else LATER)

    def _tell_unseen(self, this: Pass, resource: Manifest, error: Forbidden) -> Outcome:
        status = parse_status(resource.get("status"))
        after = unseen(status, resource["metadata"]["generation"], (Reason.FORBIDDEN, str(error)), this.now)
        self._write(this, resource, status, after, events_between(status, after))
        return Outcome(_phase(after), SOON)

    def _write(
        self,
        this: Pass,
        resource: Manifest,
        before: ServiceStatus,
        after: ServiceStatus,
        events: tuple[Event, ...],
    ) -> None:
        selector = names.selector_text(_answering(this.key, after)) if after.stable else ""
        written = replace(after, selector=selector)
        if written != before:
            write_status(this.cluster, resource, before, written, events, this.now)
            self._tally.wrote(this.key, before, written, this.now)
            self._tally.told(parse_verb(resource["metadata"].get("annotations")), events)


def _gives_first_traffic(before: ServiceStatus, plan: Plan) -> bool:
    """Whether a candidate gets the traffic that nobody had so far; the pass that does it leaves telling to the next.

    Endpoints follow within tens of milliseconds, and a poll within a fifth of a second, so that one status tells both.
    An operator that ends before finds what the Service selects.
    """
    old, new = before.rollout, plan.status.rollout
    if old is None or new is None or old.stable is not None or not plan.polls:
        return False
    return isinstance(new.stage, Promoting) and candidate_of(old.stage) == new.stage.candidate


def _phase(status: ServiceStatus) -> str:
    return status.phase.value if status.phase else ""


def _answering(key: Key, status: ServiceStatus) -> dict[str, str]:
    """Selects the pods that `status.replicas` counts, for autoscalers."""
    stable, canary = status.stable, status.canary
    if stable is None or (canary is not None and 0 < canary.weight < WHOLE):
        return names.broad_selector(key.name)
    return names.pod_selector(key.name, stable.revision)


class UnknownRuntimeError(SpecError):
    """spec.runtime names no profile of the operator."""


def _reason_of(error: Exception) -> Reason:
    if isinstance(error, NameTakenError):
        return Reason.NAME_TAKEN
    if isinstance(error, UnknownRuntimeError):
        return Reason.UNKNOWN_RUNTIME
    return Reason.FORBIDDEN if isinstance(error, Forbidden) else Reason.INVALID_SPEC
