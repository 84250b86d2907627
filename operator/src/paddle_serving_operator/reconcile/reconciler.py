"""One pass over one PaddleService: read, parse, observe, decide, build, apply, write the status."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.fields import SpecError
from paddle_serving_operator.api.parse import parse_spec
from paddle_serving_operator.api.status import ServiceStatus, parse_status
from paddle_serving_operator.api.types import ServiceSpec
from paddle_serving_operator.constants import PADDLE_SERVICE, Key, Manifest
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import Revision, revision_of
from paddle_serving_operator.kube.apply import NameTakenError, apply_all, prune
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import Forbidden, Invalid
from paddle_serving_operator.observe.reports import Reports
from paddle_serving_operator.observe.snapshot import Snapshot, observation_of, pods_of, take_snapshot
from paddle_serving_operator.reconcile.manifests import desired_objects
from paddle_serving_operator.reconcile.writing import write_status
from paddle_serving_operator.rollout.events import events_between
from paddle_serving_operator.rollout.machine import refused, step
from paddle_serving_operator.rollout.model import Event, Goal, Observation
from paddle_serving_operator.settings import Profile

log = logging.getLogger(__name__)

LATER = timedelta(minutes=1)  # until a person has mended what only a person can
NEVER = timedelta(days=1)  # nothing to wait for; the queue looks again much earlier


class Reconciler:
    """Brings what exists for a PaddleService closer to its spec. Safe for threads, as long as each has its own key."""

    def __init__(self, cluster: Cluster, profiles: Mapping[str, Profile], reports: Reports) -> None:
        self._cluster = cluster
        self._profiles = profiles
        self._reports = reports

    def reconcile(self, key: Key, now: datetime) -> timedelta | None:
        """One pass. Safe to call at any time, any number of times, by several operators at once.

        Returns the time after which to look again at the latest, or None where the PaddleService is gone.
        Raises KubeError for the queue to retry; everything that a user can mend ends in a condition instead.
        """
        resource = self._cluster.get(PADDLE_SERVICE, key.namespace, key.name)
        if resource is None or "deletionTimestamp" in resource["metadata"]:
            self._reports.forget(key)
            return None  # owner references clean up
        snapshot = take_snapshot(self._cluster, key, resource["metadata"]["uid"])
        try:
            spec = parse_spec(key, resource.get("spec"))
            profile = self._profile(key, spec)
        except SpecError as error:
            reason = Reason.UNKNOWN_RUNTIME if isinstance(error, UnknownRuntimeError) else Reason.INVALID_SPEC
            return self._refuse(key, resource, snapshot, (reason, str(error)), now)
        try:
            return self._advance(key, resource, snapshot, spec, revision_of(key.name, spec, profile), now)
        except (NameTakenError, Invalid, Forbidden) as error:
            return self._refuse(key, resource, snapshot, (_reason_of(error), str(error)), now)

    def _advance(
        self, key: Key, resource: Manifest, snapshot: Snapshot, spec: ServiceSpec, revision: Revision, now: datetime
    ) -> timedelta:
        status = parse_status(resource.get("status"))
        seen = self._observe(key, snapshot, status, revision.name, now)
        plan = step(_goal(key, resource, spec, revision), status, seen, now)
        desired = desired_objects(key.name, spec, revision, plan, snapshot.records())
        writes = apply_all(self._cluster, resource, desired.manifests, snapshot.owned)
        writes += prune(self._cluster, desired.wanted, snapshot.owned)
        self._write(key, resource, status, plan.status, plan.events, now)
        if writes:
            log.info("%d writes, phase %s", writes, plan.status.phase, extra={"key": key.path()})
        retry = self._reports.next_attempt(key, revision.name)
        return min(plan.look_again_in or NEVER, max(retry - now, timedelta(seconds=1)) if retry else NEVER)

    def _observe(
        self, key: Key, snapshot: Snapshot, status: ServiceStatus, revision: str, now: datetime
    ) -> Observation:
        known = status.verification
        answers = status.stable is not None and status.stable.revision == revision
        if answers and (known is None or known.revision != revision):  # only now: a slow pod must not delay a rollout
            known = self._reports.verification_of(key, revision, pods_of(snapshot, revision), now) or known
        return observation_of(key, snapshot, known)

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

    def _refuse(
        self, key: Key, resource: Manifest, snapshot: Snapshot, finding: tuple[Reason, str], now: datetime
    ) -> timedelta:
        status = parse_status(resource.get("status"))
        goal = _goal_of_stable(key, resource, status)
        after = refused(status, goal, observation_of(key, snapshot, status.verification), finding, now)
        self._write(key, resource, status, after, events_between(status, after), now)
        return LATER

    def _write(
        self,
        key: Key,
        resource: Manifest,
        before: ServiceStatus,
        after: ServiceStatus,
        events: tuple[Event, ...],
        now: datetime,
    ) -> None:
        selector = names.selector_text(names.pod_selector(key.name, after.stable.revision)) if after.stable else ""
        write_status(self._cluster, resource, before, replace(after, selector=selector), events, now)


class UnknownRuntimeError(SpecError):
    """spec.runtime names no profile of the operator."""


def _reason_of(error: Exception) -> Reason:
    if isinstance(error, NameTakenError):
        return Reason.NAME_TAKEN
    return Reason.FORBIDDEN if isinstance(error, Forbidden) else Reason.INVALID_SPEC


def _goal(key: Key, resource: Manifest, spec: ServiceSpec, revision: Revision) -> Goal:
    return Goal(
        generation=resource["metadata"]["generation"],
        revision=revision.name,
        model_digest=revision.model_digest,
        image=revision.image,
        replicas=spec.replicas,
        progress_deadline=spec.rollout.progress_deadline,
        paused=spec.rollout.paused,
        consistency_required=spec.consistency.required,
        url=names.url(key),
    )


def _goal_of_stable(key: Key, resource: Manifest, status: ServiceStatus) -> Goal:
    """What the revision with the traffic promised, for a spec that cannot be read."""
    stable = status.stable
    replicas = (resource.get("spec") or {}).get("replicas", 1)
    return Goal(
        generation=resource["metadata"]["generation"],
        revision=stable.revision if stable else "",
        model_digest=stable.model_digest if stable else "",
        image=stable.image if stable else "",
        replicas=replicas if isinstance(replicas, int) else 1,
        progress_deadline=timedelta(0),
        paused=True,
        consistency_required=True,
        url=names.url(key),
    )
