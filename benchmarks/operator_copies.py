"""An object of the cluster as somebody could make it again under another name: pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from paddle_serving_operator.constants import Kind

_GIVEN = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
    "namespace",
)
"""Metadata that the API server gives, or that only the original has."""

_ADDRESSES = ("clusterIP", "clusterIPs")

Objects = list[tuple[Kind, dict[str, Any]]]


def plain(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """An object without what it has by being the original."""
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in _GIVEN}
    made = {name: value for name, value in manifest.items() if name != "status"} | {"metadata": metadata}
    if "spec" in made:
        made["spec"] = {name: value for name, value in made["spec"].items() if name not in _ADDRESSES}
    return made


def renamed(objects: Objects, old: str, new: str) -> Objects:
    """The same objects for another name, which stands in names, labels and selectors."""
    return [(kind, json.loads(json.dumps(manifest).replace(old, new))) for kind, manifest in objects]
