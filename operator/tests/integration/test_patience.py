"""A wait without an end is told as late and costs nothing from then on; a watch ends it all the same."""

import time
from datetime import timedelta
from pathlib import Path

import pytest

from paddle_serving_operator.reconcile.queue import RESYNC
from paddle_serving_operator.reconcile.workers import RESYNC_AFTER

from .gate import Gate
from .running import Running, running
from .world import World, digest, spec

pytestmark = pytest.mark.integration

DEADLINE = 5  # seconds
WITHIN_SECONDS = 30.0  # of news, on a machine that is busy with other tests


def reason(world: World) -> str:
    return str(world.condition("ocr", "Progressing").get("reason"))


def held_with_every_pod_ready(operator: Running) -> None:
    """A second revision that waits for a word alone."""
    world = operator.world
    world.kubelet |= {digest("a"): "ready", digest("b"): "ready"}
    world.create("ocr", spec("a", rollout={"progressDeadline": f"{DEADLINE}s"}))
    operator.healthy("ocr")
    world.change("ocr", **spec("b", rollout={"paused": True, "progressDeadline": f"{DEADLINE}s"}))

    def held() -> bool:
        operator.turn()
        return reason(world) == "Paused"

    world.until("the second revision waits for a word", held)
    operator.rest()


def test_endpoints_that_never_follow_are_not_polled_for_ever_and_are_heard_when_they_do(
    world: World, gate: Gate, tmp_path: Path
) -> None:
    with running(world, gate, tmp_path) as operator:
        held_with_every_pod_ready(operator)
        with world.plane.controllers_paused():
            world.change("ocr", rollout={"paused": False})

            def late() -> bool:
                operator.turn()
                return reason(world) == "ProgressDeadlineExceeded"

            world.until("the endpoints are late", late)
            assert "endpoints of the Service are being changed" in world.condition("ocr", "Progressing")["message"]
            assert world.status("ocr")["phase"] == "Failed"
            operator.rest()
            operator.skip((RESYNC_AFTER - timedelta(seconds=10)).total_seconds())
            assert operator.turn() is None
            operator.skip(10)
            turn = operator.turn()
            assert turn is not None
            assert turn.causes == (RESYNC,)
            assert operator.turn() is None
        began = time.monotonic()
        operator.healthy("ocr")
        assert time.monotonic() - began < WITHIN_SECONDS
