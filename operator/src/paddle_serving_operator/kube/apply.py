"""Brings the objects of one owner to what they should be: writes only what differs, takes nothing that is another's."""

import logging
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from paddle_serving_operator.constants import (
    ANNOTATION_APPLIED,
    DEPLOYMENT,
    DISRUPTION_BUDGET,
    FIELD_MANAGER,
    HTTP_ROUTE,
    LABEL_MANAGED_BY,
    LABEL_SERVICE,
    PADDLE_SERVICE,
    SERVICE_ACCOUNT,
    Key,
    Kind,
    Manifest,
)
from paddle_serving_operator.desired import names
from paddle_serving_operator.desired.revision import content_hash
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.difference import is_applied, others_fields, restoring
from paddle_serving_operator.kube.errors import Conflict, Forbidden, Invalid, KubeError, NotFound

log = logging.getLogger(__name__)

Live: TypeAlias = Mapping[tuple[Kind, str], Manifest]

CREATED = frozenset({DEPLOYMENT, DISRUPTION_BUDGET})
"""Kinds that are made by a creation, which fails where there is one already: nobody needs to ask before.

What is created belongs to its creator as if by an update, so that a later apply leaves a field that it does not name
any more. Of these kinds no field is ever dropped. Others are asked for, and applied: a ControllerRevision too, whose
data may not change by a byte, while an apply writes its fields in another order than a creation.
"""


class Known(NamedTuple):
    """What is known of objects beside what they look like.

    `absent` do not exist as far as is known, `exact` must be as they are known when they are changed.
    """

    absent: frozenset[tuple[Kind, str]] = frozenset()
    exact: frozenset[tuple[Kind, str]] = frozenset()


NOTHING = Known()

KEEPING: Mapping[Kind, str] = MappingProxyType(
    {
        SERVICE_ACCOUNT: "To use it, name it in spec.pod.serviceAccount.name. ",
        DISRUPTION_BUDGET: "To keep it, set spec.disruption.enabled to false. ",
    }
)
"""What a user can do who wants to keep an object that has the name of one of ours."""

UNKNOWN: Mapping[Kind, str] = MappingProxyType(
    {HTTP_ROUTE: "Install the Gateway API and a Gateway, or set spec.traffic.mode to ReplicaRatio."}
)
"""What a user can do where the cluster does not know a kind that not every cluster has."""


class NameTakenError(Exception):
    """An object of this name belongs to somebody else; the text says which and what to do."""


def apply_all(
    cluster: Cluster, owner: Manifest, desired: Sequence[tuple[Kind, Manifest]], live: Live, known: Known = NOTHING
) -> int:
    """Applies what differs from `live`, in order. Returns the number of writes.

    `owner` is the PaddleService, `live` its objects as they are known; new objects that are not `known` to be absent
    are asked for, so that a stranger of the same name is found. An object that the API server refuses keeps none of the
    others from being applied; its Invalid or Forbidden is raised at the end. Raises NameTakenError before the first
    write, Conflict where something is not as it is known, or what else the cluster raises at once.
    """
    namespace = owner["metadata"]["namespace"]
    complete = []
    for kind, manifest in desired:
        place = kind, manifest["metadata"]["name"]
        found, made = live.get(place), _complete(owner, manifest)
        if found is None and place not in known.absent:
            found = _ours(cluster, kind, made, owner)  # before the first write: nothing is half made next to a stranger
        complete.append((kind, _exactly(made, found) if place in known.exact else made, found))
    writes = 0
    refusals: list[KubeError] = []
    for kind, manifest, found in complete:
        try:
            writes += _bring(cluster, kind, namespace, manifest, found)
        except (Invalid, Forbidden) as error:
            refusals.append(error)
    if refusals:
        raise refusals[0]
    return writes


def mend_all(cluster: Cluster, owner: Manifest, desired: Sequence[tuple[Kind, Manifest]], live: Live) -> int:
    """Applies what differs from `live`, each object by itself: one that cannot be had is logged and left out.

    Returns the number of writes. Raises what the cluster raises where repeating helps.
    """
    writes = 0
    for item in desired:
        try:
            writes += apply_all(cluster, owner, [item], live)
        except (NameTakenError, Invalid, Forbidden) as error:
            log.warning("%s", error, extra={"key": _key_of(owner).path()})
    return writes


def _bring(cluster: Cluster, kind: Kind, namespace: str, manifest: Manifest, known: Manifest | None) -> int:
    """Makes one object what it should be. Returns the number of writes: 0, 1, or 2 where others added something."""
    if known is not None and is_applied(manifest, known):
        return 0
    if known is None and kind in CREATED:
        cluster.create(kind, namespace, manifest)
        return 1
    try:
        stored = cluster.apply(kind, namespace, manifest)
    except NotFound as error:
        if kind not in UNKNOWN:
            raise
        raise Invalid(f"The cluster does not know {kind.plural} of {kind.api_version}. {UNKNOWN[kind]}") from error
    except Invalid:
        found = cluster.get(kind, namespace, manifest["metadata"]["name"]) if known is not None else None
        if found is None:
            raise
        stored = found  # what others added may contradict what is applied beside it: two ports of one name
    if known is None or is_applied(manifest, stored):
        return 1  # nobody can have changed what was just made
    # server-side apply leaves alone what others added: a field that we do not name, an item of a list
    name = manifest["metadata"]["name"]
    first, *more = others_fields(manifest, stored) or ("it differs from what was applied",)
    rest = f" and {len(more)} more" if more else ""
    log.warning("%s %s/%s is put back: %s%s", kind.kind, namespace, name, first, rest)
    cluster.patch(kind, namespace, name, restoring(kind, manifest, stored))
    return 2


def prune(cluster: Cluster, wanted: Collection[tuple[Kind, str]], live: Live) -> int:
    """Deletes the owned objects whose kind and name are not wanted any more. Returns the number of writes."""
    unwanted = [(kind, item["metadata"]) for (kind, name), item in live.items() if (kind, name) not in wanted]
    gone = [(kind, metadata) for kind, metadata in unwanted if "deletionTimestamp" not in metadata]
    for kind, metadata in gone:
        cluster.delete(kind, metadata["namespace"], metadata["name"], metadata["uid"])
    return len(gone)


def owner_reference(owner: Manifest) -> Manifest:
    """Makes the PaddleService the controller: its objects go when it goes, also while no operator runs."""
    return {
        "apiVersion": PADDLE_SERVICE.api_version,
        "kind": PADDLE_SERVICE.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _complete(owner: Manifest, manifest: Manifest) -> Manifest:
    metadata = manifest["metadata"] | {
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [owner_reference(owner)],
    }
    annotations = metadata.get("annotations", {}) | {ANNOTATION_APPLIED: content_hash(manifest)}
    return manifest | {"metadata": metadata | {"annotations": annotations}}


def _exactly(manifest: Manifest, known: Manifest | None) -> Manifest:
    """The manifest that the API server takes only where the object is as it is known."""
    version = known["metadata"].get("resourceVersion") if known is not None else None
    return manifest | {"metadata": manifest["metadata"] | {"resourceVersion": version}} if version else manifest


def _ours(cluster: Cluster, kind: Kind, manifest: Manifest, owner: Manifest) -> Manifest | None:
    """The object that already has this name, None where there is none. Raises for one that is not ours.

    Server-side apply would silently take it over.
    """
    key = _key_of(owner)
    name = manifest["metadata"]["name"]
    found = cluster.get(kind, key.namespace, name)
    if found is None:
        return None
    owners = found["metadata"].get("ownerReferences", ())
    if any(item["uid"] == owner["metadata"]["uid"] for item in owners):
        return found  # someone changed its labels or its owner's field `controller`: applying puts them back
    if not owners and _is_orphan(found, key):
        return found  # made for this name, but its owner was cut off (`--cascade=orphan`, a restore, by hand)
    if "deletionTimestamp" in found["metadata"] or any(
        item["kind"] == PADDLE_SERVICE.kind and item["name"] == key.name for item in owners
    ):
        raise Conflict(
            f"{kind.kind} {key.namespace}/{name} is left over from a deleted PaddleService and will be collected"
        )
    raise NameTakenError(
        f"{kind.kind} {key.namespace}/{name} exists and was not made by {FIELD_MANAGER} for this PaddleService. "
        f"{KEEPING.get(kind, '')}Delete or rename it, or give the PaddleService another name."
    )


def _is_orphan(manifest: Manifest, key: Key) -> bool:
    metadata = manifest["metadata"]
    labels, annotations = metadata.get("labels", {}), metadata.get("annotations", {})
    ours = {LABEL_MANAGED_BY: FIELD_MANAGER, LABEL_SERVICE: names.labels(key.name)[LABEL_SERVICE]}
    return ours.items() <= labels.items() and ANNOTATION_APPLIED in annotations


def _key_of(owner: Manifest) -> Key:
    return Key(owner["metadata"]["namespace"], owner["metadata"]["name"])
