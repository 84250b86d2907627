"""Whether an object is what was applied, and how it becomes that again. Pure.

Two views together find every change that others make to an object of ours. The values tell a field that was changed,
removed, or filled up. The managed fields tell what somebody set beside ours: they name who set each field, while what
the API server fills in by itself is nobody's, so that no list of its defaults is needed here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paddle_serving_operator.constants import FIELD_MANAGER, SERVICE, Kind, Manifest
from paddle_serving_operator.quantity import parse_quantity

# Maps that mean something as a whole: one key more selects no pod, or asks a node for what it does not have.
EXACT = frozenset({"selector", "matchLabels", "labelSelector", "nodeSelector", "limits", "requests"})
QUANTITIES = frozenset({"limits", "requests"})
QUANTITY = "sizeLimit"
# Stored only where it is true. Elsewhere absent is not false: a ServiceAccount without the field mounts a token.
ABSENT_IS_FALSE = frozenset({"publishNotReadyAddresses"})
# What the API server gives to a Service at its creation, for good; its lists have a second item in dual stack.
ALLOCATED = ("clusterIP", "clusterIPs", "ipFamilies")
# `kubectl rollout restart` writes it: new pods of the same revision, which prove their golden answers like any other.
RESTARTED = "kubectl.kubernetes.io/restartedAt"
RESTARTED_PATH = ("spec", "template", "metadata", "annotations", RESTARTED)


def is_applied(desired: Manifest, live: Manifest) -> bool:
    """Whether the live object is what was applied, and nobody changed or added anything since.

    Labels, annotations and owners of others are theirs. The annotation with the manifest's hash tells fields that were
    dropped from the manifest since it was applied.
    """
    own, found = desired["metadata"], live["metadata"]
    described = all(
        _within("", own.get(name, {}), found.get(name, {})) for name in ("labels", "annotations")
    ) and _has_owners(own, found)
    kept = all(_within(name, value, live.get(name)) for name, value in _content(desired).items())
    return described and kept and not others_fields(desired, live)


def others_fields(desired: Manifest, live: Manifest) -> tuple[str, ...]:
    """The fields of the object's content that somebody else set, each with who it was, in order of their paths."""
    found = {
        f"{'.'.join(path)} (by {entry.get('manager', '')})"
        for entry in live["metadata"].get("managedFields", ())
        if entry.get("manager") != FIELD_MANAGER
        for top in _content(desired)
        for path in _leaves((top,), entry.get("fieldsV1", {}).get(f"f:{top}"))
        if path != RESTARTED_PATH
    }
    return tuple(sorted(found))


def restoring(kind: Kind, desired: Manifest, live: Manifest) -> list[Manifest]:
    """A JSON patch that makes the content what was applied, and takes the fields of others in it from them.

    It is refused as a conflict where the object changed after `live` was read. Metadata of others stays.
    """
    content = {name: _carried(kind, name, value, live) for name, value in _content(desired).items()}
    return [
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]},
        {"op": "add", "path": "/metadata/managedFields", "value": _without_others(desired, live)},
        *[{"op": "add", "path": f"/{name}", "value": value} for name, value in content.items()],
    ]


def _content(manifest: Manifest) -> Manifest:
    """What the object says, without what it is called; items of a list have neither apiVersion nor kind."""
    return {name: value for name, value in manifest.items() if name not in {"apiVersion", "kind", "metadata"}}


def _has_owners(desired: Manifest, live: Manifest) -> bool:
    owners = {owner.get("uid"): owner for owner in live.get("ownerReferences", ())}
    return all(_within("", owner, owners.get(owner["uid"])) for owner in desired.get("ownerReferences", ()))


def _within(name: str, desired: Any, live: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether every field of `desired` has its value in `live`; `name` is the field that both stand in."""
    if isinstance(desired, Mapping):
        if not isinstance(live, Mapping) or (name in EXACT and set(live) - set(desired)):
            return False
        inner = QUANTITY if name in QUANTITIES else ""
        return all(_within(inner or key, value, live.get(key)) for key, value in desired.items())
    if isinstance(desired, list):
        same = isinstance(live, list) and len(desired) == len(live)
        return same and all(_within(name, one, other) for one, other in zip(desired, live, strict=True))
    if desired == live or (live is None and (desired == "" or (name in ABSENT_IS_FALSE and desired is False))):
        return True
    if name != QUANTITY or not isinstance(desired, str) or not isinstance(live, str):
        return False
    value = parse_quantity(desired)
    return value is not None and value == parse_quantity(live)


def _leaves(path: tuple[str, ...], fields: Any) -> Iterator[tuple[str, ...]]:  # noqa: ANN401 - JSON
    """The paths of a set of managed fields: f:name is a field, k:{...} and v:... an item of a list, . the whole."""
    if fields is None:
        return
    inner = {key: value for key, value in fields.items() if key != "."}
    if not inner:
        yield path
    for key, value in inner.items():
        yield from _leaves((*path, key.partition(":")[2]), value)


def _without_others(desired: Manifest, live: Manifest) -> list[Manifest]:
    content = {f"f:{name}" for name in _content(desired)}
    kept = []
    for entry in live["metadata"].get("managedFields", ()):
        fields = entry.get("fieldsV1", {})
        if entry.get("manager") != FIELD_MANAGER:
            fields = {name: value for name, value in fields.items() if name not in content}
        if fields:
            kept.append(entry | {"fieldsV1": fields})
    return kept


def _carried(kind: Kind, name: str, value: Any, live: Manifest) -> Any:  # noqa: ANN401 - JSON
    """The value with what is not ours to decide, as it is in the live object."""
    if name != "spec":
        return value
    if kind == SERVICE:
        given = {field: live["spec"][field] for field in ALLOCATED if field in live["spec"]}
        return value | {field: one[:1] if isinstance(one, list) else one for field, one in given.items()}
    annotations = live["spec"].get("template", {}).get("metadata", {}).get("annotations", {})
    if RESTARTED not in annotations or "template" not in value:
        return value
    metadata = value["template"]["metadata"]
    given = metadata.get("annotations", {}) | {RESTARTED: annotations[RESTARTED]}
    return value | {"template": value["template"] | {"metadata": metadata | {"annotations": given}}}
