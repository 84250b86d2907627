"""What a cluster can do with a container image as a volume."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from e2e.kind.versions import parse
from e2e.lib.pods import RUNTIME

if TYPE_CHECKING:
    from e2e.kind.versions import Version
    from e2e.lib.cluster import Namespace, Object

OLDEST: dict[str, Version] = {"containerd": (2, 1, 0), "cri-o": (1, 31, 0)}
"""By the name that a node gives to its runtime."""


class ImageVolumes(NamedTuple):
    """Whether the API server keeps such volumes, and the runtimes of nodes that cannot mount them, as they say it."""

    kept: bool
    unable: tuple[str, ...]

    @property
    def lack(self) -> str:
        """Why this cluster cannot mount images; empty where it can."""
        if self.kept and not self.unable:
            return ""
        why = f"its runtime {self.unable[0]} is too old" if self.unable else "its API server drops image volumes"
        return f"this cluster cannot mount images: {why}; `make cluster-image-volumes` makes one that can"


def image_volumes(namespace: Namespace) -> ImageVolumes:
    """What the cluster of the namespace can do."""
    asked = namespace.kubectl("create", "--dry-run=server", "-o", "json", "-f", "-", stdin=json.dumps(_question()))
    kept = "volumes" in json.loads(asked)["spec"]["template"]["spec"]
    nodes = json.loads(namespace.kubectl("get", "nodes", "-o", "json"))["items"]
    runtimes = sorted({node["status"]["nodeInfo"]["containerRuntimeVersion"] for node in nodes})
    return ImageVolumes(kept, tuple(runtime for runtime in runtimes if not _mounts(runtime)))


def _mounts(runtime: str) -> bool:
    """Whether a runtime such as containerd://2.1.3 can."""
    name, _, version = runtime.partition("://")
    found = parse(re.sub(r"^v", "", version))
    return name in OLDEST and found is not None and found >= OLDEST[name]


def _question() -> Object:
    """A Deployment that is never made; an API server without image volumes drops this one without a word."""
    labels = {"e2e.paddle-serving": "image-volumes"}
    pod = {
        "containers": [{"name": "main", "image": RUNTIME}],
        "volumes": [{"name": "image", "image": {"reference": RUNTIME}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "image-volumes"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
