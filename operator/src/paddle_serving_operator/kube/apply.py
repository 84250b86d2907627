"""Brings the objects of one owner to what they should be: writes only what differs, takes nothing that is another's."""

import logging
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from paddle_serving_operator.constants import (
    ANNOTATION_APPLIED,
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
    cluster: Cluster,
    owner: Manifest,
    desired: Sequence[tuple[Kind, Manifest]],
    live: Live,
    absent: Collection[tuple[Kind, str]] = (),
) -> int:
    """Applies what differs from `live`, in order. Returns the number of writes.

    `owner` is the PaddleService, `live` its objects as just read, `absent` what was just asked for and does not exist;
    other new objects are asked for, so that a stranger of the same name is found. An object that the API server refuses
    keeps none of the others from being applied; its Invalid or Forbidden is raised at the end. Raises NameTakenError
    before the first write, or what else the cluster raises at once.
    """
    namespace = owner["metadata"]["namespace"]
    complete = [(kind, _complete(owner, manifest)) for kind, manifest in desired]
    found = [live.get((kind, manifest["metadata"]["name"])) for kind, manifest in complete]
    for (kind, manifest), known in zip(complete, found, strict=True):
        if (
            known is None and (kind, manifest["metadata"]["name"]) not in absent
        ):  # before the first write, so that nothing is half made next to a stranger
            _refuse_strangers(cluster, kind, manifest, owner)
    writes = 0
    refusals: list[KubeError] = []
    for (kind, manifest), known in zip(complete, found, strict=True):
        try:
            writes += _bring(cluster, kind, namespace, manifest, known)
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
    try:
        stored = cluster.apply(kind, namespace, manifest)
    except NotFound as error:
        if kind not in UNKNOWN:
            raise
        raise Invalid(f"The cluster does not know {kind.plural} of {kind.api_version}. {UNKNOWN[kind]}") from error
    except Invalid:
        if known is None:
            raise
        stored = known  # what others added may contradict what is applied beside it: two ports of one name
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


def _refuse_strangers(cluster: Cluster, kind: Kind, manifest: Manifest, owner: Manifest) -> None:
    """Server-side apply would silently take over whatever has this name."""
    key = _key_of(owner)
    name = manifest["metadata"]["name"]
    found = cluster.get(kind, key.namespace, name)
    if found is None:
        return
    owners = found["metadata"].get("ownerReferences", ())
    if any(item["uid"] == owner["metadata"]["uid"] for item in owners):
        return  # ours, but someone changed its labels or its owner's field `controller`: applying puts them back
    if not owners and _is_orphan(found, key):
        return  # made by an operator for this name, but its owner was cut off (`--cascade=orphan`, a restore, by hand)
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
