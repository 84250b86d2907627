"""A pod that has stopped batching is told of in the status and by an event; a settled service costs no write else."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from paddle_serving_operator.constants import EVENT
from paddle_serving_operator.observe.audits import INTERVAL

from .running import proved
from .spy import Operator
from .world import World, digest, spec

pytestmark = pytest.mark.integration


class Pods:
    """Have proved everything; `differences` is what their audits have found."""

    def __init__(self) -> None:
        self.differences = 0
        self.asked = 0

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        if not url.endswith("/metrics"):
            return proved(url, body)
        self.asked += 1
        found = f'paddle_serving_batch_audit_differences_total{{worker="0"}} {self.differences}.0'
        return f'paddle_serving_batch_max_rows{{worker="0"}} 16.0\n{found}\n'.encode()


def test_a_difference_that_an_audit_finds_is_told_once(world: World) -> None:
    world.create("ocr", spec("a"))
    world.kubelet[digest("a")] = "ready"
    operator = Operator(world, "ocr", pods := Pods())
    operator.until_healthy()
    operator.until_at_rest()
    before = world.status("ocr")

    def looks(intervals: float) -> list[str]:
        operator.spy.writes.clear()
        operator.once(ahead=intervals * INTERVAL + timedelta(minutes=1))
        return operator.spy.writes

    assert looks(1) == []
    asked = pods.asked
    assert asked > 0
    pods.differences = 1
    assert looks(2) == ["apply_status PaddleService", "create Event"]
    assert pods.asked == 2 * asked
    condition = world.condition("ocr", "Batching")
    assert (condition["status"], condition["reason"]) == ("False", "BatchDifference")
    names = [pod["metadata"]["name"] for pod in world.pods()]
    assert all(name in condition["message"] for name in names)
    told = [event for event in world.every(EVENT) if event["reason"] == "BatchDifference"]
    assert [(event["type"], event["note"]) for event in told] == [("Warning", condition["message"])]
    assert looks(3) == []
    after = world.status("ocr")
    assert (after["phase"], after["stable"]) == (before["phase"], before["stable"])
