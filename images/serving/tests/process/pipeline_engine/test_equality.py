"""The stock pipeline answers bit for bit as Paddle Inference around the same Ops, whatever way its Ops run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from images.serving.tests.process.pipeline_engine.conftest import Start
from images.serving.tests.process.pipeline_engine.services import TROUBLE, TROUBLE_CONFIG
from images.serving.tests.services import PRICE, X
from paddle_serving_runtime.consistency import EXACT, compare, values_to_answer
from paddle_serving_runtime.reference import read

Service = Callable[..., Path]
Check = Callable[..., None]

CLASSES = """
import numpy as np
from paddle_serving_server.web_service import WebService, Op


class Scale(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        return {"x": inputs["x"] * np.float32(0.1)}, False, None, ""


class Again(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        scores = next(iter(inputs.values()))
        return {"x": np.concatenate([scores, scores[:, :1]], axis=1)}, False, None, ""


class Join(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        return {f"{op}.{name}": value for op, values in sorted(input_dicts.items()) for name, value in values.items()
                if isinstance(value, np.ndarray)}, False, None, ""


class Service(WebService):
    def get_pipeline_response(self, read_op):
        first = Scale(name="first", input_ops=[read_op])
        GRAPH


service = Service(name="classes")
service.prepare_pipeline_config("config.yml")
service.run_service()
"""
GRAPHS = {
    "a chain": 'return Again(name="second", input_ops=[first])',
    "a diamond": """second = Again(name="second", input_ops=[first])
        third = Again(name="third", input_ops=[first])
        return Join(name="join", input_ops=[second, third])""",
    "edges that skip layers": """second = Again(name="second", input_ops=[first])
        third = Again(name="third", input_ops=[second])
        return Join(name="join", input_ops=[third, first, read_op])""",
}


@pytest.fixture
def check(start: Start, command: Callable[..., Any]) -> Check:
    """Asks every golden sample of a package of both; the switches are those of the command line."""

    def ask(root: Path, overrides: dict[str, str], *, onednn: bool = False, ir_optim: bool = True) -> None:
        words = (f"{key}={value}" for key, value in overrides.items())
        outcome = command(
            *("reference", "--model-dir", root, "--output", "reference.json", "--ir-optim", str(ir_optim).lower()),
            *("--onednn", str(onednn).lower(), "--overrides", *words),
        )
        assert outcome.status == 0, outcome.stderr
        answers = read(outcome.folder / "reference.json").answers
        samples = list((root / "golden").glob("*.json"))
        assert samples
        engine = start(root, overrides, onednn=onednn, ir_optim=ir_optim)
        for path in samples:
            sample, want = path.name, answers[path.name]
            body = json.loads(path.read_text())
            result = engine.answer(dict(zip(body.pop("key", []), body.pop("value", []), strict=True)), **body)
            assert result["kind"] == "Response", result
            tensors = {name: np.array(value, dtype) for name, (dtype, value) in result["tensors"].items()}
            got = values_to_answer({**result["values"], **tensors})
            comparisons = compare(sample, got, want, EXACT, "pipeline", "Paddle Inference")
            assert comparisons
            assert [comparison.difference for comparison in comparisons] == [None] * len(comparisons)

    return ask


def rows(*seeds: int) -> str:
    return ";".join(",".join(map(repr, np.random.default_rng(seed).normal(size=13).tolist())) for seed in seeds)


@pytest.mark.parametrize("switches", [{}, {"onednn": True}, {"ir_optim": False}])
def test_one_op(
    service: Service, check: Check, mode: dict[str, str], switches: dict[str, bool], price_request: bytes
) -> None:
    script = TROUBLE.replace(', "pid": str(os.getpid())', "")
    samples = {f"golden/{seed}.json": json.dumps({"key": ["x"], "value": [rows(seed, seed + 1)]}) for seed in range(3)}
    root = service(web_service=script, config=TROUBLE_CONFIG, **samples, **{"golden/a.json": price_request})
    check(root, mode, **switches)


@pytest.mark.parametrize("model", ["program", "pir"])
@pytest.mark.parametrize("graph", GRAPHS)
def test_several_ops(
    service: Service, exported_models: Path, check: Check, mode: dict[str, str], graph: str, model: str
) -> None:
    files = {f"m/{path.name}": path.read_bytes() for path in (exported_models / model).iterdir()}
    local = "{local_service_conf: {client_type: local_predictor, model_config: m}}"
    config = f"rpc_port: 9998\nhttp_port: 18082\nop:\n  first: {local}\n  second: {local}\n  third: {local}\n"
    x = np.linspace(-3, 3, 8, dtype=np.float32)
    tensor = {"name": "x", "elem_type": 1, "shape": [2, 4], "float_data": x.tolist()}
    root = service(
        web_service=CLASSES.replace("GRAPH", GRAPHS[graph]),
        config=config,
        **files,
        **{"golden/a.json": json.dumps({"key": [], "value": [], "tensors": [tensor]})},
    )
    check(root, mode)


OWN = """
class OwnRequest(RequestOp):
    def unpack_request_package(self, request):
        inputs, log_id, code, message = super().unpack_request_package(request)
        if "refuse" in inputs:
            return None, log_id, 77, "refused"
        return {"x": inputs["image"].astype("float32").reshape(-1, 13)}, log_id, code, message


class OwnResponse(ResponseOp):
    def pack_response_package(self, data):
        if data.error_code:
            return super().pack_response_package(data)
        price = data.parse()["price"]
        tensor = Tensor(name="price", elem_type=3, shape=price.shape, float64_data=price.ravel().tolist())
        return Response(key=["rows"], value=[str(len(price))], tensors=[tensor])


class Price(Op):
    def process(self, feed_batch, typical_logid=0):
        result, code, message = super().process(feed_batch, typical_logid)
        return {name: value.astype("float64") * 2 for name, value in result.items()}, code, message


op = Price(name="trouble", input_ops=[OwnRequest()])
server = PipelineServer("own")
server.set_response_op(OwnResponse([op]))
server.prepare_server("config.yml")
server.run_server()
"""
OWN_IMPORTS = """
from paddle_serving_server.pipeline import Op, PipelineServer, RequestOp, ResponseOp
from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import Response, Tensor
"""


def test_what_only_the_stock_machinery_runs(service: Service, start: Start, mode: dict[str, str]) -> None:
    """A RequestOp, a ResponseOp and a process() of the service's own."""
    engine = start(service(web_service=OWN_IMPORTS + OWN, config=TROUBLE_CONFIG), mode)
    values = [float(value) for value in X.split(",")]
    tensor = {"name": "image", "elem_type": 3, "shape": [13], "float64_data": values}
    result = engine.answer(tensors=[tensor])
    assert result["values"] == {"rows": "1"}
    assert result["tensors"] == {"price": ["float64", [[2 * json.loads(PRICE)[0][0]]]]}
    refused = engine.answer({"refuse": "yes"})
    assert (refused["err_no"], refused["error"]) == (77, "refused")
    broken = engine.answer({"x": "no image"})
    assert (broken["kind"], broken["error"]) == (
        "OpFailed",
        "[request] [request] unpack_request_package failed: KeyError",
    )
