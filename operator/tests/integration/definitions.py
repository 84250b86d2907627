"""Kinds that a cluster has for a while: names as in the real definitions, and a schema that takes everything."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from .control_plane import START_SECONDS, ControlPlane, RefusedError

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def defined(plane: ControlPlane, api_version: str, kind: str, plural: str) -> Iterator[None]:
    """Installs the definition, and removes it with everything of the kind."""
    group, version = api_version.split("/")
    free = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": free, "status": free}}}
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}, "schema": schema}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        # without this an API server refuses definitions of a group of Kubernetes' own
        "metadata": {
            "name": f"{plural}.{group}",
            "annotations": {"api-approved.kubernetes.io": "https://example.com/of-a-test"},
        },
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }
    plane.request("post", DEFINITIONS, body)
    try:
        _wait_until_served(plane, f"/apis/{api_version}/{plural}")
        yield
    finally:
        plane.request("delete", f"{DEFINITIONS}/{plural}.{group}")


def _wait_until_served(plane: ControlPlane, path: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            plane.request("get", path)
        except (RefusedError, ValueError):  # not found yet, which is said in plain text
            assert time.monotonic() < deadline, f"{path} is not served after {START_SECONDS:g} s"
            time.sleep(0.05)
        else:
            return
