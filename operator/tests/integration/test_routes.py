"""HTTPRoutes are watched where the cluster knows them, also where the Gateway API is installed later."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from paddle_serving_operator.constants import HTTP_ROUTE
from paddle_serving_operator.handlers import watches
from paddle_serving_operator.reconcile.workers import RESYNC_AFTER

from .control_plane import ControlPlane
from .definitions import defined
from .gate import Gate
from .running import Running, running
from .world import World, digest, spec

pytestmark = pytest.mark.integration

PARENT = {"name": "public"}
GATEWAY = {"mode": "Gateway", "parentRefs": [PARENT]}


@pytest.fixture
def operator(world: World, gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setattr(watches, "ABSENT_WAIT", 0.1)
    with running(world, gate, tmp_path) as made:
        yield made


def accept(world: World) -> None:
    """What a Gateway says to a route that it has taken."""
    generation = world.get(HTTP_ROUTE, "ocr")["metadata"]["generation"]
    accepted = {"type": "Accepted", "status": "True", "observedGeneration": generation}
    status = {"parents": [{"parentRef": PARENT, "controllerName": "of/a-test", "conditions": [accepted]}]}
    world.patch(HTTP_ROUTE, "ocr/status", {"status": status})


def test_a_gateway_service_at_rest_costs_no_call_once_the_gateway_api_is_installed(
    operator: Running, control_plane: ControlPlane, caplog: pytest.LogCaptureFixture
) -> None:
    world = operator.world
    world.kubelet[digest("a")] = "ready"
    operator.rest()
    assert not operator.mirror.holds(HTTP_ROUTE, world.namespace)
    assert [record.message for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []
    with defined(control_plane, *HTTP_ROUTE):
        world.until("HTTPRoutes are watched", lambda: operator.mirror.holds(HTTP_ROUTE, world.namespace))
        world.create("ocr", spec("a", traffic=GATEWAY))
        operator.healthy("ocr")
        operator.calls()
        accept(world)
        operator.rest()
        assert [call.path for call in operator.calls() if call.path.endswith(f"/{HTTP_ROUTE.plural}/ocr")] == []
        for _ in range(3):
            operator.skip(RESYNC_AFTER.total_seconds())
            assert operator.turn() is not None
        assert operator.calls() == []

        world.patch(HTTP_ROUTE, "ocr", {"spec": {"hostnames": ["bent.example.com"]}})
        operator.rest()
        assert world.get(HTTP_ROUTE, "ocr")["spec"].get("hostnames") is None

    world.until("its end is noticed", lambda: not operator.mirror.holds(HTTP_ROUTE, world.namespace))
