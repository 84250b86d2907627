"""Everything that a person may want to know about one PaddleService, out of the objects that the API has of it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from paddle_serving_operator.constants import LABEL_REVISION
from paddle_serving_operator.view.events import Event, events_of
from paddle_serving_operator.view.history import Record, records_of
from paddle_serving_operator.view.pods import Pod, pods_of
from paddle_serving_operator.view.proof import Drift, Report, report_of
from paddle_serving_operator.view.raw import Raw, text_at
from paddle_serving_operator.view.rollout import Rollout, rollout_of
from paddle_serving_operator.view.service import Service, service_of

LATEST_EVENTS = 15

REPORT = "report.json"
"""The key of a report in its ConfigMap."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The JSON of a PaddleService and of what belongs to it; what was not read is empty."""

    service: Raw
    revisions: tuple[Raw, ...] = ()
    reports: tuple[Raw, ...] = ()
    pods: tuple[Raw, ...] = ()
    events: tuple[Raw, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """One PaddleService, whole. `reports` has those that can be read, by revision."""

    service: Service
    rollout: Rollout
    records: tuple[Record, ...] = ()
    pods: tuple[Pod, ...] = ()
    events: tuple[Event, ...] = ()
    reports: dict[str, Report] = field(default_factory=dict)

    @property
    def latest(self) -> tuple[Event, ...]:
        """The newest events, the oldest of them first."""
        return self.events[-LATEST_EVENTS:]

    @property
    def drift(self) -> tuple[str, Drift] | None:
        """A revision, and how far its answers are from those of the one that served: of the report, else the status."""
        candidate, proof = self.rollout.candidate, self.service.proof
        report = self.reports.get(candidate) if candidate else None
        if report is not None and report.proof.drift is not None:
            return candidate, report.proof.drift
        return (proof.revision, proof.drift) if proof is not None and proof.drift is not None else None

    def number_of(self, revision: str) -> int | None:
        """The number of a revision in the history, None where it is not on record."""
        return next((item.number for item in self.records if item.revision == revision), None)


def overview(objects: Objects, now: datetime) -> Overview:
    """What the objects say at `now`."""
    service, rollout = service_of(objects.service), rollout_of(objects.service, now)
    texts = report_texts(objects.reports, service.uid)
    parsed = {revision: read_report(text, revision) for revision, text in texts.items()}
    return Overview(
        service=service,
        rollout=rollout,
        records=records_of(objects.revisions, service.uid, rollout),
        pods=pods_of(objects.pods),
        events=events_of(objects.events, service.uid),
        reports={revision: report for revision, report in parsed.items() if report is not None},
    )


def report_texts(config_maps: Iterable[Raw], owner: str) -> dict[str, str]:
    """The reports of the PaddleService with the uid `owner`, to the byte as the pods gave them, by revision."""
    found: dict[str, str] = {}
    for item in config_maps:
        revision, text = text_at(item, "metadata", "labels", LABEL_REVISION), text_at(item, "data", REPORT)
        owners = item.get("metadata", {}).get("ownerReferences") or ()
        if revision and text and any(one.get("uid") == owner for one in owners):
            found[revision] = text
    return found


def read_report(text: str, revision: str) -> Report | None:
    """The report of a revision's pod; None where it cannot be read."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return report_of(found, revision) if isinstance(found, dict) else None
