"""A process has the OpenVINO engine for one model."""

from pathlib import Path

from paddle_serving_runtime.graph import REQUEST, Node
from paddle_serving_runtime.graph.load import with_one_engine
from paddle_serving_runtime.paddle_model.switches import Backend, Switches

SIZES = {"det": 4, "rec": 10, "cls": 10, "table": 99}


def node(name: str, backend: Backend = "OpenVINO") -> Node:
    return Node(name, None, (REQUEST,), Path(name), Switches(backend=backend), (), 1, None, None, 1)


def test_of_several_models_the_largest_has_it_and_the_others_are_named() -> None:
    nodes = [node("det"), node("rec"), node("cls"), node("table", "Default")]
    given, sentences = with_one_engine(nodes, lambda one: SIZES[one.name])
    assert {one.name: one.switches.backend for one in given} == {
        "det": "Default",
        "rec": "OpenVINO",
        "cls": "Default",
        "table": "Default",
    }
    assert sentences == [
        "cls runs without Paddle's OpenVINO engine: a process has it for one model, which is rec.",
        "det runs without Paddle's OpenVINO engine: a process has it for one model, which is rec.",
    ]


def test_one_model_keeps_it_and_without_it_nothing_is_said() -> None:
    assert with_one_engine([node("det")], lambda _: 0) == ([node("det")], [])
    assert with_one_engine([node("det", "Default")], lambda _: 0) == ([node("det", "Default")], [])
