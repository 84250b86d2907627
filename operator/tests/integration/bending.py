"""Every way to bend an object: each field of what the API server stores is changed, removed, or gets a companion."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from paddle_serving_operator.constants import GROUP

from .control_plane import Object

# Another value of every type that fields have; the API server refuses those that a field cannot take.
WORDS = ("x", "/x", "7", "ClientIP", "Local", "NodePort", "Always", "Never", "Unconfined", "UDP", "HTTPS", "Default")
MORE_WORDS = ("FallbackToLogsOnError", "Recreate", "IfHealthyBudget", "PreferDualStack", "Memory", "DoNotSchedule")
# Fields that nobody sets, and that change who is asked or what runs. Lists get a companion anyway.
UNSET: dict[tuple[str, ...], Object] = {
    ("Service", "spec"): {
        "externalIPs": ["192.0.2.1"],
        "trafficDistribution": "PreferClose",
        "publishNotReadyAddresses": True,
    },
    ("Deployment", "spec"): {"paused": True, "minReadySeconds": 3600},
    ("Deployment", "spec", "template", "spec"): {
        "hostNetwork": True,
        "shareProcessNamespace": True,
        "nodeName": "node-1",
        "hostAliases": [{"ip": "192.0.2.1", "hostnames": ["model-store"]}],
        "dnsConfig": {"nameservers": ["192.0.2.1"]},
        "priorityClassName": "system-node-critical",
        "nodeSelector": {"x": "x"},
        "tolerations": [{"operator": "Exists"}],
    },
    ("Deployment", "spec", "template", "spec", "containers", "0"): {
        "command": ["/bin/true"],
        "workingDir": "/run",
        "envFrom": [{"configMapRef": {"name": "x"}}],
        "lifecycle": {"postStart": {"exec": {"command": ["true"]}}},
    },
}
# Everybody may describe an object of ours; kubectl and other tools do.
THEIRS = {("metadata", "labels"), ("metadata", "annotations")}
# The API server itself refuses every change of it.
IMMUTABLE = ("ControllerRevision", "data")


class Bend(NamedTuple):
    """One change: its name, and JSON patches of which the first that the API server accepts is it."""

    name: str
    patches: list[list[Object]]


def content(item: Object) -> Object:
    """What an object says and whose it is, without what the server notes about it."""
    metadata = {name: item["metadata"].get(name) for name in ("labels", "ownerReferences")}
    metadata["annotations"] = {name: value for name, value in item["metadata"]["annotations"].items() if GROUP in name}
    noted = {"apiVersion", "kind", "metadata", "status"}
    return {name: value for name, value in item.items() if name not in noted} | {"metadata": metadata}


def bends(item: Object) -> Iterator[Bend]:
    """Every bend of one object."""
    said = content(item)
    for place, value in _places((), said):
        if (item["kind"], *place)[:2] == IMMUTABLE:
            continue
        if place and place != ("metadata",):
            yield from _changed(place, value)
            yield Bend(f"{_pointer(place)} is removed", [[{"op": "remove", "path": _pointer(place)}]])
        if place not in THEIRS:
            yield from _joined(place, value)
        for name, extra in UNSET.get((item["kind"], *place), {}).items():
            path = _pointer((*place, name))
            yield Bend(f"{path} is set", [[{"op": "add", "path": path, "value": extra}]])


def _places(place: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - JSON
    yield place, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from _places((*place, str(name)), one)


def _changed(place: tuple[str, ...], value: Any) -> Iterator[Bend]:  # noqa: ANN401 - JSON
    """Another value of the same type."""
    others: list[Any] = []
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int):
        others = [value + 1, value - 1]
    elif isinstance(value, str):
        others = [word for word in (f"{value}x", *WORDS, *MORE_WORDS) if word != value]
    if others:
        path = _pointer(place)
        yield Bend(f"{path} is changed", [[{"op": "replace", "path": path, "value": other}] for other in others])


def _joined(place: tuple[str, ...], value: Any) -> Iterator[Bend]:  # noqa: ANN401 - JSON
    """One more key of a map of texts, one more item of a list."""
    if isinstance(value, dict) and value and all(isinstance(text, str) for text in value.values()):
        path = _pointer((*place, "bent"))
        yield Bend(f"{path} is added", [[{"op": "add", "path": path, "value": "7"}]])
    if isinstance(value, list) and value:
        path = _pointer((*place, "-"))
        yield Bend(f"{path} is added", [[{"op": "add", "path": path, "value": _companion(value[-1])}]])


def _companion(item: Any) -> Any:  # noqa: ANN401 - JSON
    """An item like this one, under other names."""
    if isinstance(item, dict):
        renamed = {"name": "bent", "uid": "bent", "mountPath": "/bent", "topologyKey": "bent"}
        numbered = {name: value + 1 for name, value in item.items() if name in {"port", "containerPort"}}
        return item | {name: value for name, value in renamed.items() if name in item} | numbered
    return f"{item}x" if isinstance(item, str) else item


def _pointer(place: tuple[str, ...]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in place)
