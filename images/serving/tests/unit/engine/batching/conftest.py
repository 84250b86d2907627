import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from images.serving.tests.unit.engine.batching.fake import Fake
from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.engine import DirectEngine, direct
from paddle_serving_runtime.engine.running import Clock
from paddle_serving_runtime.graph import Graph, Node
from paddle_serving_runtime.paddle_model.switches import Switches


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    serving_packages.install()
    monkeypatch.setattr(direct, "Predictor", Fake)
    monkeypatch.setattr(Fake, "model", staticmethod(lambda x: x * 2))
    monkeypatch.setattr(Fake, "shapes", {"x": (-1, -1), "y": (-1, -1)})


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., DirectEngine]:
    """An engine with a row of Ops, each with a model, from the bodies of their classes."""
    monkeypatch.chdir(tmp_path)

    def make(*bodies: str, before: str = "", clock: Clock = lambda: 0.0, **others: Any) -> DirectEngine:  # noqa: ANN401 - of a Node
        from paddle_serving_server.pipeline import RequestOp, ResponseOp  # noqa: PLC0415 - importable after install() alone

        source = "from paddle_serving_server.web_service import Op\n" + before
        for number, body in enumerate(bodies):
            source += f"\nclass Op{number}(Op):{body}\n"
        (tmp_path / "web_service.py").write_text(source + "\nkinds = [Op0, *([Op1] if 'Op1' in globals() else [])]\n")
        kinds = runpy.run_path(str(tmp_path / "web_service.py"), run_name="__main__")["kinds"]
        ops: list[Any] = [RequestOp()]
        nodes: list[Node] = []
        for kind in kinds:
            ops.append(kind(name=f"op{len(nodes)}", input_ops=[ops[-1]]))
            before_it = (ops[-2].name,)
            node = Node(ops[-1].name, ops[-1], before_it, Path("model"), Switches(), (), 1, None, None, 1)
            nodes.append(replace(node, **others))
        response = ResponseOp(input_ops=[ops[-1]])
        return DirectEngine(Graph("svc", tuple(nodes), nodes[-1].name, response_op=response), clock)

    return make
