"""What all tests of a session share: the guard, the operator's release, and namespaces that go away again."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2e.lib.cluster import ROOT, Cluster, CommandFailed, Namespace, run
from e2e.lib.pods import image
from e2e.lib.wait import Seen, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from e2e.lib.cluster import Object

RELEASE = "paddle-serving-operator"
OPERATOR_NAMESPACE = "paddle-system"
OPERATOR_CHART = ROOT / "charts" / "paddle-serving-operator"
CRD = "paddleservices.serving.paddlepaddle.org"
GONE_SECONDS = 120.0
CACHED, CACHE_CLAIM = "cached", "packages"
"""A profile whose pods keep packages in a claim, and the name of that claim."""
MOUNTED = "mounted"
"""A profile whose pods mount model images where the cluster can."""
MIG_DEVICE = "nvidia.com/mig-1g.10gb"
REQUESTS = {"cpu": "50m", "memory": "256Mi"}
CACHE: Object = {
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": REQUESTS},
    "fetch": {"cache": {"persistentVolumeClaim": CACHE_CLAIM, "hostPath": "", "limit": "1Gi"}},
}
MOUNTING: Object = {
    "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": REQUESTS},
    "fetch": {"imageVolumes": "Auto"},
}
MIG: Object = {
    "resources": {"limits": {"cpu": "1", "memory": "1Gi", MIG_DEVICE: "1"}, "requests": REQUESTS},
    "runtimeClassName": "nvidia",
}
# Every pod of a test meets the strictest Pod Security Standard, so that the product is known to.
NAMESPACE_LABELS = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
    "e2e.paddle-serving": "namespace",
}


def guarded_cluster(environ: dict[str, str]) -> Cluster:
    """The cluster of the current context if it is the project's own, or the one that E2E_CONTEXT names.

    Raises AssertionError for any other: the tests install, break and delete things.
    """
    try:
        current = run(["kubectl", "config", "current-context"]).strip()
    except CommandFailed as error:
        raise AssertionError(
            f'{error}\nNo cluster. Run: make cluster images, then eval "$(make -s cluster-env)"'
        ) from None
    own = f"kind-{environ.get('PADDLE_SERVING_CLUSTER') or 'paddle-serving'}"
    if current not in {own, environ.get("E2E_CONTEXT")}:
        raise AssertionError(
            f"kubectl points at {current!r}, not at this project's cluster {own!r}. These tests install and delete "
            f'things. Run: eval "$(make -s cluster-env)", or, if that cluster is yours to break, E2E_CONTEXT={current}'
        )
    return Cluster(current)


def namespace_name(test: str) -> str:
    """A DNS label that tells the test and differs between tests and sessions."""
    slug = re.sub(r"[^a-z0-9]+", "-", test.lower().removeprefix("test_")).strip("-")[:40].strip("-")
    suffix = hashlib.sha256(f"{test} {os.getpid()}".encode()).hexdigest()[:6]
    return f"e2e-{slug}-{suffix}"


def install_operator(
    cluster: Cluster, *more: str, chart: Path = OPERATOR_CHART, image_of: Callable[[str], str] = image
) -> Namespace:
    """Installs or upgrades the operator with the images of images/images.yaml; returns its namespace when it is ready.

    Its pod is started anew, because an image that was loaded again keeps its tag.
    """
    operator, runtime = (image_of(f"paddle-serving-{each}").split(":") for each in ("operator", "runtime"))
    profile: Object = {"image": {"repository": runtime[0], "tag": runtime[1], "pullPolicy": "IfNotPresent"}}
    # an earlier version's chart may not know what is in them
    others = {CACHED: profile | CACHE, MOUNTED: profile | MOUNTING, "mig": profile | MIG}
    more_profiles = others if chart == OPERATOR_CHART else {}
    values = {
        "image": {"repository": operator[0], "tag": operator[1], "pullPolicy": "IfNotPresent"},
        "profiles": {"cpu": profile} | more_profiles,
        "podAnnotations": {"e2e.paddle-serving/session": str(os.getpid())},
    }
    sets = [part for key, value in values.items() for part in ("--set-json", f"{key}={json.dumps(value)}")]
    where = ("--namespace", OPERATOR_NAMESPACE, "--create-namespace")
    wait = ("--wait", "--timeout", "3m")
    cluster.helm("upgrade", "--install", RELEASE, str(chart), *where, *wait, *sets, *more, timeout=200)
    return cluster.namespace(OPERATOR_NAMESPACE)


def is_installed(cluster: Cluster) -> bool:
    """Whether the release is there."""
    return RELEASE in cluster.helm("list", "--namespace", OPERATOR_NAMESPACE, "--short").split()


def kill_operator(cluster: Cluster) -> None:
    """SIGKILL to the operator's pod; its Deployment makes another one."""
    which = ("-n", OPERATOR_NAMESPACE, "-l", "app.kubernetes.io/component=operator")
    cluster.kubectl("delete", "pod", *which, "--force", "--grace-period=0")


def remove_operator(cluster: Cluster) -> None:
    """Removes release, definition and namespace; every test's namespace is gone by now."""
    cluster.helm("uninstall", RELEASE, "--namespace", OPERATOR_NAMESPACE, "--wait", "--ignore-not-found")
    cluster.kubectl("delete", "crd", CRD, "--ignore-not-found", "--timeout=60s", timeout=90)
    delete_namespace(cluster.namespace(OPERATOR_NAMESPACE))


@contextmanager
def temporary_namespace(cluster: Cluster, test: str) -> Iterator[Namespace]:
    """A namespace for one test. Its deletion is not waited for here; the session waits for all at its own end."""
    namespace = cluster.create_namespace(namespace_name(test), NAMESPACE_LABELS)
    try:
        yield namespace
    finally:
        delete_namespace(namespace)


def delete_namespace(namespace: Namespace) -> None:
    """Starts the deletion; does not wait."""
    namespace.cluster.kubectl("delete", "namespace", namespace.name, "--wait=false", "--ignore-not-found")


def namespace_is_gone(namespace: Namespace, *, within: float = GONE_SECONDS) -> None:
    """Waits until the namespace is gone; else says what holds it."""

    def look() -> Seen:
        text = namespace.cluster.kubectl("get", "namespace", namespace.name, "--ignore-not-found", "-o", "json")
        status = json.loads(text)["status"] if text.strip() else {}
        return Seen(not status, json.dumps(status.get("conditions", status)))

    wait_for(f"namespace {namespace.name} gone", look, within=within)
