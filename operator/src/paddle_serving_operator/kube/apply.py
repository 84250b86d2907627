"""Brings the objects of one owner to what they should be: writes only what differs, takes nothing that is another's."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

from paddle_serving_operator.constants import ANNOTATION_APPLIED, FIELD_MANAGER, PADDLE_SERVICE, Key, Kind, Manifest
from paddle_serving_operator.desired.quantity import parse_quantity
from paddle_serving_operator.desired.revision import content_hash
from paddle_serving_operator.kube.cluster import Cluster
from paddle_serving_operator.kube.errors import Conflict

Live: TypeAlias = Mapping[tuple[Kind, str], Manifest]


class NameTakenError(Exception):
    """An object of this name belongs to somebody else; the text says which and what to do."""


def apply_all(cluster: Cluster, owner: Manifest, desired: Sequence[tuple[Kind, Manifest]], live: Live) -> int:
    """Applies what differs from `live`, in order. Returns the number of writes.

    `owner` is the PaddleService, `live` its objects as just read. Raises NameTakenError, or what the cluster raises.
    """
    namespace = owner["metadata"]["namespace"]
    complete = [(kind, _complete(owner, manifest)) for kind, manifest in desired]
    found = [live.get((kind, manifest["metadata"]["name"])) for kind, manifest in complete]
    for (kind, manifest), known in zip(complete, found, strict=True):
        if known is None:  # before the first write, so that nothing is half made next to a stranger
            _refuse_strangers(cluster, kind, manifest, owner)
    writes = 0
    for (kind, manifest), known in zip(complete, found, strict=True):
        if known is None or not is_applied(manifest, known):
            cluster.apply(kind, namespace, manifest)
            writes += 1
    return writes


def prune(cluster: Cluster, wanted: Collection[tuple[Kind, str]], live: Live) -> int:
    """Deletes the owned objects whose kind and name are not wanted any more. Returns the number of writes."""
    unwanted = [(kind, item["metadata"]) for (kind, name), item in live.items() if (kind, name) not in wanted]
    gone = [(kind, metadata) for kind, metadata in unwanted if "deletionTimestamp" not in metadata]
    for kind, metadata in gone:
        cluster.delete(kind, metadata["namespace"], metadata["name"], metadata["uid"])
    return len(gone)


def is_applied(desired: Manifest, live: Manifest) -> bool:
    """Whether the live object is what was applied, and nobody changed a field of it since.

    The annotation tells fields that were dropped from the manifest; the comparison tells changes by others.
    """
    applied = live["metadata"].get("annotations", {}).get(ANNOTATION_APPLIED)
    content = {
        name: value for name, value in desired.items() if name not in {"apiVersion", "kind"}
    }  # items of a list have neither
    return bool(applied == desired["metadata"]["annotations"][ANNOTATION_APPLIED] and _within(content, live))


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
    key = Key(owner["metadata"]["namespace"], owner["metadata"]["name"])
    name = manifest["metadata"]["name"]
    found = cluster.get(kind, key.namespace, name)
    if found is None:
        return
    owners = found["metadata"].get("ownerReferences", ())
    if any(item["uid"] == owner["metadata"]["uid"] and item.get("controller") for item in owners):
        return  # ours, but someone removed its labels: applying puts them back
    if "deletionTimestamp" in found["metadata"] or any(
        item["kind"] == PADDLE_SERVICE.kind and item["name"] == key.name for item in owners
    ):
        raise Conflict(
            f"{kind.kind} {key.namespace}/{name} is left over from a deleted PaddleService and will be collected"
        )
    raise NameTakenError(
        f"{kind.kind} {key.namespace}/{name} exists and was not made by {FIELD_MANAGER} for this PaddleService. "
        "Delete or rename it, or give the PaddleService another name."
    )


def _within(desired: Any, live: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether every field of `desired` has its value in `live`. The server adds defaults, rewrites quantities."""
    if isinstance(desired, Mapping):
        return isinstance(live, Mapping) and all(_within(value, live.get(name)) for name, value in desired.items())
    if isinstance(desired, list):
        return isinstance(live, list) and len(desired) == len(live) and all(map(_within, desired, live))
    if desired == live or (desired in ("", 0, False) and live is None):
        return True
    left, right = parse_quantity(str(desired)), parse_quantity(str(live))
    return isinstance(desired, str) and isinstance(live, str) and left is not None and left == right
