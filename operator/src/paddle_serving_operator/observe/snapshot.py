"""Reads everything that one PaddleService has in the cluster, and turns it into what the state machine looks at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from paddle_serving_operator.api.status import Verification
from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    LABEL_REVISION,
    OWNED_KINDS,
    POD,
    SERVICE,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import Revision, parse_revision
from paddle_serving_operator.rollout.diagnosis import diagnose, has_dropped, has_fetched, is_ending, is_ready
from paddle_serving_operator.rollout.model import Observation, RevisionSeen


class Reader(Protocol):
    """Lists objects; raises what the implementation calls Unavailable or Forbidden."""

    def list(self, kind: Kind, namespace: str, selector: str) -> list[Manifest]:
        """The objects of a kind that a label selector matches."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What exists for one PaddleService. `owned` are objects whose controller it is; pods have other owners."""

    owned: Mapping[tuple[Kind, str], Manifest]
    pods: tuple[Manifest, ...]
    slices: tuple[Manifest, ...]

    def of_kind(self, kind: Kind) -> Iterator[Manifest]:
        """The owned objects of one kind."""
        return (manifest for (found, _), manifest in self.owned.items() if found == kind)

    def records(self) -> dict[str, tuple[Revision, int]]:
        """Every recorded revision and its number, by name."""
        found = {}
        for record in self.of_kind(CONTROLLER_REVISION):
            name = record["metadata"]["labels"].get(LABEL_REVISION, "")
            if revision := parse_revision(name, record.get("data")):
                found[name] = (revision, int(record.get("revision", 0)))
        return found


def take_snapshot(reader: Reader, key: Key, uid: str) -> Snapshot:
    """Seven lists by label. Raises what the reader raises."""
    selector = names.service_selector(key.name)
    owned = {
        (kind, manifest["metadata"]["name"]): manifest
        for kind in OWNED_KINDS
        for manifest in reader.list(kind, key.namespace, selector)
        if is_controlled_by(manifest, uid)
    }
    return Snapshot(
        owned=owned,
        pods=tuple(pod for pod in reader.list(POD, key.namespace, selector) if not is_ending(pod)),
        # the endpoint controller copies the labels of a Service to its slices
        slices=tuple(reader.list(ENDPOINT_SLICE, key.namespace, selector)),
    )


def is_controlled_by(manifest: Manifest, uid: str) -> bool:
    """Whether the object's controller has this uid."""
    return any(
        owner.get("controller") and owner["uid"] == uid for owner in manifest["metadata"].get("ownerReferences", ())
    )


def observation_of(key: Key, snapshot: Snapshot, verification: Verification | None) -> Observation:
    """The snapshot as the state machine sees it."""
    service = snapshot.owned.get((SERVICE, names.traffic_service(key.name)))
    selected = service["spec"].get("selector", {}).get(LABEL_REVISION, "") if service else ""
    records = snapshot.records()
    deployments = {item["metadata"]["labels"].get(LABEL_REVISION, ""): item for item in snapshot.of_kind(DEPLOYMENT)}
    return Observation(
        traffic=selected if names.is_revision(selected) else None,
        serving=_serving(snapshot),
        revisions={
            name: _revision_seen(name, deployments.get(name), snapshot, records.get(name))
            for name in (*deployments, *records)
            if names.is_revision(name)
        },
        verification=verification,
    )


def pods_of(snapshot: Snapshot, revision: str) -> list[Manifest]:
    """The pods of a revision that are not ending."""
    return [pod for pod in snapshot.pods if pod["metadata"].get("labels", {}).get(LABEL_REVISION) == revision]


def _revision_seen(
    name: str, deployment: Manifest | None, snapshot: Snapshot, record: tuple[Revision, int] | None
) -> RevisionSeen:
    pods = pods_of(snapshot, name)
    status = deployment.get("status", {}) if deployment else {}
    current = deployment is not None and status.get("observedGeneration", 0) >= deployment["metadata"].get(
        "generation", 0
    )
    # The pods alone could be of a deleted PaddleService of this name; the Deployment alone lags behind a crash.
    ready = min(sum(1 for pod in pods if is_ready(pod)), int(status.get("readyReplicas", 0)) if current else 0)
    return RevisionSeen(
        deployed=deployment is not None,
        wanted=int(deployment["spec"].get("replicas", 1)) if deployment else 0,
        pods=len(pods),
        ready=ready,
        dropped=sum(1 for pod in pods if has_dropped(pod)),
        fetched=any(has_fetched(pod) for pod in pods),
        trouble=diagnose(pods, deployment),
        model_digest=record[0].model_digest if record else "",
        image=record[0].image if record else "",
    )


def _serving(snapshot: Snapshot) -> frozenset[str]:
    """Revisions of the pods that endpoints still send requests to; pods that are gone or ending do not count."""
    revisions = {
        pod["metadata"]["name"]: pod["metadata"].get("labels", {}).get(LABEL_REVISION, "") for pod in snapshot.pods
    }
    found = set()
    for item in snapshot.slices:
        for endpoint in item.get("endpoints") or ():
            target = endpoint.get("targetRef") or {}
            if endpoint.get("conditions", {}).get("serving", True) and target.get("kind") == "Pod":
                found.add(revisions.get(target["name"], ""))
    return frozenset(found - {""})
