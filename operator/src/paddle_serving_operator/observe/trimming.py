"""What is kept in memory of a watched object: what a pass or the page reads of it. Pure."""

from collections.abc import Collection

from paddle_serving_operator.constants import ENDPOINT_SLICE, EVENT, FIELD_MANAGER, PADDLE_SERVICE, POD, Kind, Manifest

UNASKED = frozenset({PADDLE_SERVICE, POD, ENDPOINT_SLICE, EVENT})
"""Kinds of which nobody reads who set which field; it is a third of a pod."""

NO_CONTENT = frozenset({"f:metadata", "f:status"})
READ_OF_PODS = ("nodeName",)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""The whole object a second time, of kubectl's own."""


def trimmed(kind: Kind, manifest: Manifest) -> Manifest:
    """The object without what nobody reads.

    Of who set which field those entries stay that tell of others who changed the content of an object of ours.
    """
    told = manifest["metadata"]
    metadata = {name: value for name, value in told.items() if name != "managedFields"}
    if kind not in UNASKED and (others := _others(told.get("managedFields") or ())):
        metadata["managedFields"] = others
    if LAST_APPLIED in (metadata.get("annotations") or ()):
        metadata["annotations"] = {
            name: value for name, value in metadata["annotations"].items() if name != LAST_APPLIED
        }
    kept = manifest | {"metadata": metadata}
    if kind == POD and "spec" in manifest:  # what it runs is its Deployment's
        kept["spec"] = {name: manifest["spec"][name] for name in READ_OF_PODS if name in manifest["spec"]}
        # why a node does not start it depends on a model image that it would mount
        if mounted := [volume for volume in manifest["spec"].get("volumes") or () if "image" in volume]:
            kept["spec"]["volumes"] = mounted
    return kept


def _others(entries: Collection[Manifest]) -> list[Manifest]:
    return [
        entry
        for entry in entries
        if entry.get("manager") != FIELD_MANAGER and set(entry.get("fieldsV1") or ()) - NO_CONTENT
    ]
