"""Kinds that a cluster has for a while: names as in the real definitions, and a schema, theirs or a free one."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http import HTTPStatus

from e2e import published_definitions

from .control_plane import START_SECONDS, ControlPlane, Object, RefusedError

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
TAKES_EVERYTHING: Object = {"type": "object", "properties": {"spec": FREE, "status": FREE}}


@contextmanager
def defined(
    plane: ControlPlane, api_version: str, kind: str, plural: str, schema: Object = TAKES_EVERYTHING
) -> Iterator[None]:
    """Installs the definition, and removes it with everything of the kind; a Cluster... is of no namespace."""
    group, version = api_version.split("/")
    described = {"openAPIV3Schema": schema}
    served = {"name": version, "served": True, "storage": True, "subresources": {"status": {}}, "schema": described}
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
            "scope": "Cluster" if kind.startswith("Cluster") else "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }
    plane.request("post", DEFINITIONS, body)
    try:
        _wait_until_served(plane, f"/apis/{api_version}/{plural}")
        yield
    finally:
        path = f"{DEFINITIONS}/{plural}.{group}"
        plane.request("delete", path)
        _wait_until_gone(plane, path)


@contextmanager
def everything_published(plane: ControlPlane) -> Iterator[None]:
    """With every kind that e2e/published_definitions.py knows, in its newest version, as it is published."""
    schemas = published_definitions.schemas()
    newest = {(version.partition("/")[0], kind): version for version, kind in reversed(schemas)}
    with ExitStack() as installed:
        for (_, kind), version in newest.items():
            installed.enter_context(defined(plane, version, kind, f"{kind.lower()}s", schemas[version, kind]))
        yield


def _wait_until_gone(plane: ControlPlane, path: str) -> None:
    """Whoever defines the kind next would be refused while the API server still removes it."""
    deadline = time.monotonic() + START_SECONDS
    while _is_there(plane, path):
        assert time.monotonic() < deadline, f"{path} is there {START_SECONDS:g} s after its end"
        time.sleep(0.05)


def _is_there(plane: ControlPlane, path: str) -> bool:
    try:
        plane.request("get", path)
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise
        return False
    else:
        return True


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
