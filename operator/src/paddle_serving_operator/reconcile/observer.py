"""What a pass sees of a rollout: the cluster, and what pods tell of themselves outside the passes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from paddle_serving_operator.api.memory import Halted, Shifting
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import Drift, TrafficMode
from paddle_serving_operator.api.verification import Verification, parse_drift
from paddle_serving_operator.constants import CONFIG_MAP, Key
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.report import REPORT, is_intact
from paddle_serving_operator.observe.audits import Audits
from paddle_serving_operator.observe.refused import is_of_refused
from paddle_serving_operator.observe.reports import UNREADABLE, Proof, Reports, parse_report
from paddle_serving_operator.observe.sampling import Sampler
from paddle_serving_operator.observe.snapshot import Snapshot, facts_of, gateway_seen, pods_of
from paddle_serving_operator.rollout.drift import must_ask
from paddle_serving_operator.rollout.facts import Facts, Reading
from paddle_serving_operator.rollout.intent import Intent
from paddle_serving_operator.rollout.plan import holder


class Observer:
    """Sees for several threads, as long as each has its own key."""

    def __init__(self, reports: Reports, sampler: Sampler, audits: Audits) -> None:
        self._reports = reports
        self._sampler = sampler
        self._audits = audits

    def forget(self, key: Key) -> None:
        """Drops what is known about a PaddleService."""
        self._reports.forget(key)
        self._sampler.forget(key)
        self._audits.forget(key)

    def next_attempt(self, key: Key, revision: str) -> datetime | None:
        """When a pod of the revision that could not be asked is asked again; None where none is to be."""
        return self._reports.next_attempt(key, revision)

    def observe(
        self, key: Key, snapshot: Snapshot, status: ServiceStatus, intent: Intent, now: datetime
    ) -> tuple[Facts, dict[str, bytes]]:
        """What is seen, and the reports that are known, by revision. Raises nothing: what cannot be read is unknown."""
        seen = facts_of(key, snapshot, status.verification, now)
        if intent.traffic is TrafficMode.GATEWAY:
            seen = replace(seen, gateway=gateway_seen(key, snapshot))
        known, current = status.verification, holder(intent, status, seen)
        if status.rollout is not None and isinstance(status.rollout.stage, Halted):
            self._reports.forget(key, but=(current or "",))  # whoever starts it again wants it compared again
        proofs: dict[str, Proof | None] = {}
        if current is not None and (_is_unknown(known, current) or not _is_kept(key, snapshot, current)):
            proofs[current] = kept_proof(key, snapshot, current) or self._proof(key, snapshot, current, now)
            known = _verification(proofs[current]) or known
        if current != intent.revision:
            question = intent.drift if must_ask(intent, current) else None
            proofs[intent.revision] = self._proof(key, snapshot, intent.revision, now, question)
        self._reports.forget(key, but=(current or "", intent.revision))
        for name in {current or "", intent.revision} - set(proofs):
            self._reports.rest(key, name)  # else a comparison that failed before would make passes for ever
        seen = replace(
            seen,
            verification=known,
            candidate=_verification(proofs.get(intent.revision)),
            unreachable=self._reports.has_failed(key, intent.revision),
            readings=self._readings(key, snapshot, status, intent, now),
            batch_differences=self._audits.differing(key, snapshot.pods, now),
        )
        return seen, {name: proof.body for name, proof in proofs.items() if proof is not None}

    def _readings(
        self, key: Key, snapshot: Snapshot, status: ServiceStatus, intent: Intent, now: datetime
    ) -> Mapping[str, Reading]:
        rollout = status.rollout
        if intent.analysis is None or rollout is None or not isinstance(rollout.stage, Shifting):
            return {}
        stage = rollout.stage
        step = f"{stage.candidate} {stage.step} {stage.since.isoformat()}"
        pods = {name: pods_of(snapshot, name) for name in (rollout.stable, stage.candidate) if name}
        return self._sampler.readings(key, step, pods, intent.analysis.interval, now)

    def _proof(
        self, key: Key, snapshot: Snapshot, revision: str, now: datetime, question: Drift | None = None
    ) -> Proof | None:
        return self._reports.proof_of(key, revision, pods_of(snapshot, revision), now, question)


def kept_proof(key: Key, snapshot: Snapshot, revision: str) -> Proof | None:
    """What the ConfigMap says that a serving revision proved; None where there is none, or somebody has changed it.

    An operator that ended after a comparison has left it there, and the pods that answer now may know of none. The
    report of a pod that was refused, before another one of the revision was not, is no proof.
    """
    found = snapshot.owned.get((CONFIG_MAP, names.report(key.name, revision)))
    if found is None or not is_intact(key.name, revision, found):
        return None
    body = found["data"][REPORT].encode()
    try:
        report = json.loads(body)
        if is_of_refused(report):
            return None
        drift = parse_drift(report.get("drift"))
        return Proof(replace(parse_report(revision, body), drift=drift), body)
    except UNREADABLE:
        return None


def _is_unknown(known: Verification | None, revision: str) -> bool:
    return known is None or known.revision != revision


def _is_kept(key: Key, snapshot: Snapshot, revision: str) -> bool:
    return (CONFIG_MAP, names.report(key.name, revision)) in snapshot.owned


def _verification(proof: Proof | None) -> Verification | None:
    return proof.verification if proof is not None else None
