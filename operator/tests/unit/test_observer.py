"""What a pass asks of pods, and what it does not take from an earlier time."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from paddle_serving_operator.api.conditions import Reason
from paddle_serving_operator.api.memory import Halted, RolloutStatus, Stage, Verifying, Why
from paddle_serving_operator.api.status import ServiceStatus
from paddle_serving_operator.api.types import Drift, DriftMode, DriftSamples
from paddle_serving_operator.constants import DEPLOYMENT, LABEL_REVISION
from paddle_serving_operator.observe.audits import Audits
from paddle_serving_operator.observe.reports import Reports
from paddle_serving_operator.observe.sampling import Sampler
from paddle_serving_operator.observe.snapshot import Snapshot
from paddle_serving_operator.reconcile.observer import Observer

from .rollouts import KEY, NEW, NOW, OLD, STABLE, goal
from .test_reports import pod

POLICY = Drift(DriftMode.REQUIRE, 0.0, 0.0, DriftSamples.GOLDEN, 200, 0)


class Pods:
    """Every comparison finds one answer less that differs."""

    def __init__(self) -> None:
        self.different = 3

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        del url
        if body is None:
            return json.dumps({"verdict": "Recorded", "samples": 3, "recorded": 3}).encode()
        self.different -= 1
        return json.dumps({"asked": 3, "different": self.different, "complete": True}).encode()


def running(*revisions: str) -> Snapshot:
    """A Ready pod of each of these, and Deployments of both."""
    pods = []
    for revision in revisions:
        made: Any = pod()
        pods.append({**made, "metadata": {"name": revision, "uid": revision, "labels": {LABEL_REVISION: revision}}})
    deployments = {
        (DEPLOYMENT, name): {
            "metadata": {"name": name, "labels": {LABEL_REVISION: name}},
            "spec": {"replicas": 1, "template": {"metadata": {}}},
        }
        for name in (OLD, NEW)
    }
    return Snapshot(deployments, tuple(pods), ())


def at(stage: Stage) -> ServiceStatus:
    return replace(STABLE, rollout=RolloutStatus(OLD, stage))


def test_a_stopped_revision_that_is_started_again_is_compared_again() -> None:
    observer, intent = Observer(Reports(fetch := Pods()), Sampler(fetch), Audits(fetch)), goal(drift=POLICY)
    verifying = at(Verifying(NEW, NOW))

    def different(status: ServiceStatus, *revisions: str) -> int | None:
        found = observer.observe(KEY, running(*revisions), status, intent, NOW)[0].candidate
        return found.drift.different if found is not None and found.drift is not None else None

    assert different(verifying, OLD, NEW) == 2
    assert different(verifying, OLD, NEW) == 2
    assert different(at(Halted(NEW, NOW, Why(Reason.ABORTED, "A person aborted it."))), OLD) is None
    assert different(verifying, OLD, NEW) == 1
