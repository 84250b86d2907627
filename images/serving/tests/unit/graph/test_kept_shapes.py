"""For how many shapes oneDNN's preparations are kept. That they are kept: process/serve/test_kept_shapes.py."""

from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.unit.graph.conftest import Load
from images.serving.tests.unit.graph.test_config_yml import Service
from paddle_serving_runtime.graph import NOTHING, REQUEST, Named, Node
from paddle_serving_runtime.graph.kept_shapes import keeping
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.paddle_model.warmup import WarmShape


def node(name: str, own: int = 0, rows: int = 1, switches: Switches | None = None) -> Node:
    return Node(name, None, (REQUEST,), Path(name), switches or Switches(), (), rows, None, None, 1, own)


def shapes(count: int, model: str = "", rows: int = 1) -> list[WarmShape]:
    return [WarmShape(model, {"x": (rows, 3, 48, 32 + number)}) for number in range(count)]


WITHOUT_MODEL = Node("join", None, (REQUEST,), None, Switches(), (), 9, None, None, 1, 5000)
OPENVINO = Switches(backend="OpenVINO")


@pytest.mark.parametrize(
    ("nodes", "named", "kept"),
    [
        ([node("model")], NOTHING, 10),
        ([node("model")], Named(shapes(24)), 34),
        ([node("model")], Named(shapes(24), golden=3), 34),
        ([node("model")], Named(shapes(24), golden=3, sizes=4), 46),
        ([node("model")], Named(shapes(2), golden=3, sizes=4), 24),
        ([node("model")], Named(shapes(24, rows=2), golden=3, sizes=4), 46),
        ([node("model")], Named(golden=0, sizes=4), 10),
        ([node("model")], Named(golden=1, sizes=4), 14),
        ([node("model")], Named(golden=50, sizes=4), 26),
        ([node("model")], Named(shapes(24), golden=50, sizes=4), 130),
        ([node("det"), node("rec")], Named(golden=2, sizes=4), 36),
        ([node("rec", rows=6)], NOTHING, 10),
        ([node("rec", rows=6)], Named(shapes(3)), 28),
        ([node("rec", rows=6)], Named(shapes(3), golden=2, sizes=4), 28),
        ([node("rec", rows=6)], Named(shapes(3, rows=6)), 13),
        ([node("det"), node("rec", rows=6)], Named([*shapes(1, "rec"), *shapes(2, "det")]), 28),
        ([node("det"), node("cls"), node("rec")], Named(shapes(2, "det")), 32),
        ([node("det", own=4), node("rec", own=64)], NOTHING, 68),
        ([node("det", own=-1), node("rec")], NOTHING, 20),
    ],
)
def test_each_model_has_room_for_the_shapes_of_all(nodes: list[Node], named: Named, kept: int) -> None:
    assert {each.name: each.kept_shapes for each in keeping(nodes, named)} == {each.name: kept for each in nodes}


@pytest.mark.parametrize(
    "other", [WITHOUT_MODEL, node("a", 64, switches=Switches(onednn=False)), node("a", 64, switches=OPENVINO)]
)
def test_what_onednn_does_not_compute_has_no_room_and_makes_none(other: Node) -> None:
    assert [each.kept_shapes for each in keeping([node("det"), other], Named(shapes(1, "det")))] == [11, 0]


@pytest.mark.parametrize(("said", "kept"), [("64", 64), ("0", 10), ("null", 10)])
def test_an_op_says_how_many_as_under_paddle_serving(
    service: Service, price_config: str, load: Load, said: str, kept: int
) -> None:
    config = price_config.replace('devices: ""', f'devices: ""\n      mkldnn_cache_capacity: {said}')
    found: dict[str, Any] = load(service(config=config))
    assert found["nodes"][0]["kept"] == kept
    assert not found["warnings"]
