"""The autoscaler that the API server stores: one goal, the queue as a metric of the pods, and no write at rest."""

import pytest

from paddle_serving_operator.constants import AUTOSCALER

from .control_plane import Object
from .spy import Operator
from .world import World, digest, spec

pytestmark = pytest.mark.integration

BOUNDS = {"minReplicas": 2, "maxReplicas": 4}


def metric(world: World) -> Object:
    """What the autoscaler looks at."""
    (found,) = world.get(AUTOSCALER, "ocr")["spec"]["metrics"]
    one: Object = found
    return one


def test_an_autoscaler_aims_at_the_queue_or_at_processor_time_and_goes_with_its_field(world: World) -> None:
    world.create("ocr", spec("a", autoscaling={**BOUNDS, "queueSeconds": 1.5}))
    operator = Operator(world, "ocr")
    operator.once()
    assert (metric(world)["type"], metric(world)["pods"]["target"]["averageValue"]) == ("Pods", "1500m")
    world.change("ocr", autoscaling={"queueSeconds": None})
    operator.once()
    assert (metric(world)["type"], metric(world)["resource"]["target"]["averageUtilization"]) == ("Resource", 80)
    world.change("ocr", autoscaling=None)
    operator.once()
    assert not world.every(AUTOSCALER)


@pytest.mark.parametrize("seconds", [0.05, 1.5, 600])
def test_a_goal_for_the_queue_is_written_once(world: World, seconds: float) -> None:
    world.kubelet[digest("a")] = "ready"
    world.create("ocr", spec("a", autoscaling={**BOUNDS, "queueSeconds": seconds}))
    operator = Operator(world, "ocr")
    operator.until_healthy()
    operator.until_at_rest()
    with world.plane.controllers_paused():
        for _ in range(3):
            operator.once()
    assert operator.spy.writes == []
