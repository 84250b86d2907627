"""Asks the API server whether PaddleServices can be created here: `helm test` runs this in a pod. Nothing is stored."""

from __future__ import annotations

import os
import sys
import time
from typing import Any, cast

from kubernetes import client, config

GROUP, VERSION, PLURAL = "serving.paddlepaddle.org", "v1alpha1", "paddleservices"
REFUSED = (400, 422)
NOT_SERVED_YET = 404
SECONDS_BETWEEN_LOOKS = 1.0


class InstallationError(Exception):
    """The installation does not work; the message says what was seen and what to do."""


def sample(digest: str, **more: object) -> dict[str, Any]:
    """A PaddleService with the required fields and `more` in its spec."""
    model = {"digest": digest, "source": {"configMap": {"name": "helm-test"}}}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "PaddleService",
        "metadata": {"name": "helm-test"},
        "spec": {"model": model, **more},
    }


def create(namespace: str, body: dict[str, Any]) -> dict[str, Any]:
    """What the API server would store for `body`. Raises ApiException where it refuses it."""
    created = client.CustomObjectsApi().create_namespaced_custom_object(
        GROUP, VERSION, namespace, PLURAL, body, dry_run="All", field_validation="Strict", _request_timeout=10
    )
    return cast("dict[str, Any]", created)


def wait_until_served(namespace: str, body: dict[str, Any], deadline: float) -> dict[str, Any]:
    """As `create`, but the definition may be a moment old and not served yet. `deadline` is a time.monotonic()."""
    while True:
        try:
            return create(namespace, body)
        except client.ApiException as error:
            if error.status != NOT_SERVED_YET:
                raise InstallationError(f"A correct PaddleService is refused: {error.status} {error.body}") from error
            if time.monotonic() > deadline:
                raise InstallationError(
                    f"{GROUP}/{VERSION} {PLURAL} is not served. Install the chart with crds.enabled=true, "
                    "or apply its definition by hand."
                ) from error
        time.sleep(SECONDS_BETWEEN_LOOKS)


def must_be_refused(namespace: str, body: dict[str, Any], what: str) -> None:
    """Raises InstallationError where the API server takes `body`, which is wrong as `what` says."""
    try:
        create(namespace, body)
    except client.ApiException as error:
        if error.status in REFUSED:
            return
        raise InstallationError(f"Asked for a PaddleService with {what}, got {error.status} {error.body}") from error
    raise InstallationError(f"A PaddleService with {what} is accepted: the definition is not this chart's.")


def check(namespace: str, deadline: float) -> None:
    """Raises InstallationError unless the definition in the cluster is served and is this chart's."""
    digest = "sha256:" + "0" * 64
    stored = wait_until_served(namespace, sample(digest), deadline)
    if stored["spec"].get("runtime") != "cpu":
        raise InstallationError("Defaults are not filled in: spec.runtime of the sample is not cpu.")
    must_be_refused(namespace, sample("latest"), "a digest that is none")
    must_be_refused(namespace, sample(digest, replicsa=2), "a misspelt field")


def main() -> int:
    """0 where the custom resource works, 1 with a sentence on stderr where it does not."""
    namespace = os.environ["TEST_NAMESPACE"]
    deadline = time.monotonic() + float(os.environ["TEST_TIMEOUT_SECONDS"])
    config.load_config()  # type: ignore[no-untyped-call]  # the loader has no annotations
    try:
        check(namespace, deadline)
    except InstallationError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    sys.stdout.write(f"PaddleServices can be created in namespace {namespace}; wrong ones are refused.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
