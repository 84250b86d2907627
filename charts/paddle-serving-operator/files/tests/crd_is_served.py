"""Asks the API server whether PaddleServices can be created here: `helm test` runs this in a pod. Nothing is stored."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from kubernetes import client, config

GROUP, VERSION, PLURAL = "serving.paddlepaddle.org", "v1alpha1", "paddleservices"
REFUSED = (400, 422)
NOT_SERVED_YET = 404
SECONDS_BETWEEN_LOOKS = 1.0


class Failure(Exception):
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
    created: dict[str, Any] = client.CustomObjectsApi().create_namespaced_custom_object(
        GROUP, VERSION, namespace, PLURAL, body, dry_run="All", field_validation="Strict", _request_timeout=10
    )
    return created


def wait_until_served(namespace: str, body: dict[str, Any], deadline: float) -> dict[str, Any]:
    """As `create`, but the definition may be a moment old and its address not there yet. `deadline` is a time.monotonic()."""
    while True:
        try:
            return create(namespace, body)
        except client.ApiException as error:
            if error.status != NOT_SERVED_YET:
                raise Failure(f"A correct PaddleService is refused: {error.status} {error.body}") from error
            if time.monotonic() > deadline:
                raise Failure(
                    f"{GROUP}/{VERSION} {PLURAL} is not served. Install the chart with crds.enabled=true, "
                    "or apply its definition by hand."
                ) from error
        time.sleep(SECONDS_BETWEEN_LOOKS)


def must_be_refused(namespace: str, body: dict[str, Any], what: str) -> None:
    """Raises Failure where the API server takes `body`, which is wrong as `what` says."""
    try:
        create(namespace, body)
    except client.ApiException as error:
        if error.status in REFUSED:
            return
        raise Failure(f"Asked for a PaddleService with {what}, got {error.status} {error.body}") from error
    raise Failure(f"A PaddleService with {what} is accepted: the definition in the cluster is not this chart's.")


def main() -> int:
    """0 where the custom resource works, 1 with a sentence on stderr where it does not."""
    namespace = os.environ["TEST_NAMESPACE"]
    deadline = time.monotonic() + float(os.environ["TEST_TIMEOUT_SECONDS"])
    digest = "sha256:" + "0" * 64
    config.load_config()
    try:
        stored = wait_until_served(namespace, sample(digest), deadline)
        if stored["spec"].get("runtime") != "cpu":
            raise Failure("Defaults are not filled in: spec.runtime of the sample is not cpu.")
        must_be_refused(namespace, sample("latest"), "a digest that is none")
        must_be_refused(namespace, sample(digest, replicsa=2), "a misspelt field")
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    sys.stdout.write(f"PaddleServices can be created in namespace {namespace}; wrong ones are refused.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
