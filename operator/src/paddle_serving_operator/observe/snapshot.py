"""Reads everything that one PaddleService has in the cluster, and turns it into what the state machine looks at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from paddle_serving_operator.api.verification import Verification
from paddle_serving_operator.constants import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    ENDPOINT_SLICE,
    HTTP_ROUTE,
    LABEL_REVISION,
    LABEL_SERVICE_NAME,
    OWNED_KINDS,
    POD,
    SERVICE,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import Revision, parse_revision
from paddle_serving_operator.observe.budgets import budgets_over
from paddle_serving_operator.observe.pods import (
    diagnose,
    given_up_at,
    has_dropped,
    has_fetched,
    is_ending,
    is_ready,
    may_answer,
)
from paddle_serving_operator.observe.reading import Reader
from paddle_serving_operator.rollout.facts import Facts, GatewaySeen, RevisionSeen
from paddle_serving_operator.rollout.shares import WHOLE


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What exists for one PaddleService. `owned` are objects whose controller it is; pods have other owners.

    `pods` are not ending, `ending` are. `budgets` are all other PodDisruptionBudgets of the namespace. `remembered` are
    the records as the last pass left them; they win over those that exist, which somebody may have deleted or changed.
    """

    owned: Mapping[tuple[Kind, str], Manifest]
    pods: tuple[Manifest, ...]
    slices: tuple[Manifest, ...]
    ending: tuple[Manifest, ...] = ()
    budgets: tuple[Manifest, ...] = ()
    remembered: Mapping[str, tuple[Revision, int]] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> Iterator[Manifest]:
        """The owned objects of one kind."""
        return (manifest for (found, _), manifest in self.owned.items() if found == kind)

    def records(self) -> dict[str, tuple[Revision, int]]:
        """Every recorded revision and its number, by name."""
        found = {}
        for record in self.of_kind(CONTROLLER_REVISION):
            name = record["metadata"]["labels"].get(LABEL_REVISION, "")
            if revision := parse_revision(name, record):
                found[name] = (revision, int(record.get("revision", 0)))
        return found | dict(self.remembered)


def take_snapshot(reader: Reader, key: Key, uid: str) -> Snapshot:
    """Seven lists by label. Raises what the reader raises."""
    selector = names.service_selector(key.name)
    found = [
        (kind, manifest)
        for kind in OWNED_KINDS
        # other people's budgets have labels of their own, and select the same pods all the same
        for manifest in reader.list(kind, key.namespace, "" if kind == DISRUPTION_BUDGET else selector)
    ]
    mine = [(kind, manifest) for kind, manifest in found if is_controlled_by(manifest, uid)]
    pods = reader.list(POD, key.namespace, selector)
    return Snapshot(
        owned={(kind, manifest["metadata"]["name"]): manifest for kind, manifest in mine},
        pods=tuple(pod for pod in pods if not is_ending(pod)),
        ending=tuple(pod for pod in pods if is_ending(pod)),
        budgets=tuple(
            manifest for kind, manifest in found if kind == DISRUPTION_BUDGET and not is_controlled_by(manifest, uid)
        ),
        # the endpoint controller copies the labels of a Service to its slices
        slices=tuple(reader.list(ENDPOINT_SLICE, key.namespace, selector)),
    )


def is_controlled_by(manifest: Manifest, uid: str) -> bool:
    """Whether the object's controller has this uid."""
    return any(
        owner.get("controller") and owner["uid"] == uid for owner in manifest["metadata"].get("ownerReferences", ())
    )


def facts_of(
    key: Key,
    snapshot: Snapshot,
    verification: Verification | None,
    now: datetime,
) -> Facts:
    """The snapshot as the state machine sees it at this moment."""
    selector = _selector(snapshot, names.traffic_service(key.name))
    records = snapshot.records()
    deployments = {item["metadata"]["labels"].get(LABEL_REVISION, ""): item for item in snapshot.of_kind(DEPLOYMENT)}
    ends = _ends(snapshot, now)
    return Facts(
        traffic=_selected(selector),
        broad=selector == names.broad_selector(key.name),
        pinned=_selected(_selector(snapshot, names.stable_service(key.name))),
        serving=_behind(snapshot, snapshot.slices),
        asked=_behind(snapshot, [item for item in snapshot.slices if _is_of(item, names.traffic_service(key.name))]),
        revisions={
            name: _revision_seen(name, deployments.get(name), snapshot, records.get(name))
            for name in (*deployments, *records)
            if names.is_revision(name)
        },
        verification=verification,
        answering=frozenset(ends),
        given_up={name: max(moments) for name, found in ends.items() if (moments := _all_known(found))},
        budgets=budgets_over(deployments.values(), snapshot.budgets),
    )


def _ends(snapshot: Snapshot, now: datetime) -> dict[str, list[datetime | None]]:
    """Of every revision with pods that may still answer, when each of them is given up; None for those that run on."""
    found: dict[str, list[datetime | None]] = {}
    for pod in (*snapshot.pods, *snapshot.ending):
        if may_answer(pod, now):
            found.setdefault(pod["metadata"].get("labels", {}).get(LABEL_REVISION, ""), []).append(given_up_at(pod))
    return found


def _all_known(moments: Iterable[datetime | None]) -> list[datetime]:
    """The moments, where there is one of each pod; else none."""
    found = [*moments]
    known = [moment for moment in found if moment is not None]
    return known if len(known) == len(found) else []


def gateway_seen(key: Key, snapshot: Snapshot) -> GatewaySeen:
    """How the HTTPRoute divides the traffic; without one everything is the stable Service's."""
    route = snapshot.owned.get((HTTP_ROUTE, names.traffic_service(key.name)))
    canary = _selected(_selector(snapshot, names.canary_service(key.name)))
    backed = _behind(snapshot, [item for item in snapshot.slices if _is_of(item, names.stable_service(key.name))])
    if route is None:
        return GatewaySeen(WHOLE, 0, accepted=False, canary=canary, backed=backed)
    backends = [backend for rule in route["spec"].get("rules") or () for backend in rule.get("backendRefs") or ()]
    weights = {backend["name"]: int(backend.get("weight", 1)) for backend in backends}
    return GatewaySeen(
        weights.get(names.stable_service(key.name), 0),
        weights.get(names.canary_service(key.name), 0),
        accepted=_is_accepted(route),
        canary=canary,
        backed=backed,
    )


def _is_accepted(route: Manifest) -> bool:
    """Whether every Gateway that the route names has taken it as it is now, and finds the Services in it."""
    namespace = route["metadata"].get("namespace", "")
    told: dict[object, list[bool]] = {}
    for item in (route.get("status") or {}).get("parents") or ():
        told.setdefault(_parent(item.get("parentRef") or {}, namespace), []).append(_takes(item, route))
    asked = [_parent(item, namespace) for item in route["spec"].get("parentRefs") or ()]
    return bool(asked) and all(name in told and all(told[name]) for name in asked)


def _parent(reference: Manifest, namespace: str) -> tuple[object, ...]:
    """What tells a parent of a route from others; of the namespace of the route, where it names none."""
    return (
        reference.get("name"),
        reference.get("namespace") or namespace,
        *map(reference.get, ("sectionName", "port")),
    )


def _takes(parent: Manifest, route: Manifest) -> bool:
    """Whether a Gateway says of this generation that it is accepted, and nothing against its Services."""
    generation = route["metadata"].get("generation", 0)
    said: dict[object, bool] = {
        item.get("type"): item.get("status") == "True"
        for item in parent.get("conditions") or ()
        if item.get("observedGeneration", 0) >= generation
    }
    return said.get("Accepted", False) and said.get("ResolvedRefs", True)


def _selector(snapshot: Snapshot, service: str) -> Manifest:
    found = snapshot.owned.get((SERVICE, service))
    return dict(found["spec"].get("selector") or {}) if found else {}


def _selected(selector: Manifest) -> str | None:
    revision = str(selector.get(LABEL_REVISION, ""))
    return revision if names.is_revision(revision) else None


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


def _is_of(endpoint_slice: Manifest, service: str) -> bool:
    """Whether the slice is of this Service."""
    found: bool = endpoint_slice["metadata"].get("labels", {}).get(LABEL_SERVICE_NAME) == service
    return found


def _behind(snapshot: Snapshot, slices: Iterable[Manifest]) -> frozenset[str]:
    """Revisions of the pods that these endpoints still send requests to; pods that are gone or ending do not count."""
    revisions = {
        pod["metadata"]["name"]: pod["metadata"].get("labels", {}).get(LABEL_REVISION, "") for pod in snapshot.pods
    }
    found = set()
    for item in slices:
        for endpoint in item.get("endpoints") or ():
            target = endpoint.get("targetRef") or {}
            if endpoint.get("conditions", {}).get("serving", True) and target.get("kind") == "Pod":
                found.add(revisions.get(target["name"], ""))
    return frozenset(found - {""})
