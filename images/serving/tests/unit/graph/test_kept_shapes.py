"""For how many shapes oneDNN's preparations are kept. That they are kept: process/serve/test_kept_shapes.py."""

from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.unit.graph.conftest import Load
from images.serving.tests.unit.graph.test_config_yml import Service
from paddle_serving_runtime.graph import REQUEST, Named, Node
from paddle_serving_runtime.graph.kept_shapes import keeping, kernels
from paddle_serving_runtime.paddle_model.switches import Switches


def node(name: str, own: int = 0, rows: int = 1) -> Node:
    return Node(name, None, (REQUEST,), Path(name), Switches(kept_shapes=own), (), rows, None, None, 1)


WITHOUT_MODEL = Node("join", None, (REQUEST,), None, Switches(), (), 9, None, None, 1)


@pytest.mark.parametrize(
    ("nodes", "named", "kept"),
    [
        ([node("model")], Named(), 10),
        ([node("model")], Named(shapes=24), 34),
        ([node("model")], Named(shapes=3, sizes=4), 25),
        ([node("rec", rows=6)], Named(shapes=3), 28),
        ([node("rec", rows=6)], Named(shapes=3, sizes=7), 34),
        ([node("rec", rows=6)], Named(), 10),
        ([node("det"), node("cls"), node("rec")], Named(shapes=2), 32),
        ([node("det", own=4), node("rec", own=64)], Named(), 68),
        ([node("det", own=-1), node("rec")], Named(), 20),
        ([node("det"), WITHOUT_MODEL], Named(shapes=1), 11),
    ],
)
def test_each_model_has_room_for_the_shapes_of_all(nodes: list[Node], named: Named, kept: int) -> None:
    found = {each.name: each.switches.kept_shapes for each in keeping(nodes, named)}
    assert found == {each.name: kept if each.model_dir else 0 for each in nodes}


@pytest.mark.parametrize(("said", "kept"), [("64", 64), ("0", 10), ("null", 10)])
def test_an_op_says_how_many_as_under_paddle_serving(
    service: Service, price_config: str, load: Load, said: str, kept: int
) -> None:
    config = price_config.replace('devices: ""', f'devices: ""\n      mkldnn_cache_capacity: {said}')
    found: dict[str, Any] = load(service(config=config))
    assert found["nodes"][0]["switches"]["kept_shapes"] == kept
    assert not found["warnings"]


@pytest.mark.parametrize(
    ("nodes", "named", "kept"),
    [
        ([node("model")], Named(), 1024),
        ([node("model")], Named(shapes=1), 2048),
        ([node("det"), node("cls"), node("rec")], Named(), 3072),
        ([node("rec", own=4)], Named(), 1024),
        ([WITHOUT_MODEL], Named(), 1024),
    ],
)
def test_onednn_keeps_kernels_in_proportion_and_never_fewer_than_by_itself(
    nodes: list[Node], named: Named, kept: int
) -> None:
    assert kernels(keeping(nodes, named)) == kept
