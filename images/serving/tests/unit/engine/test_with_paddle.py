"""The engine with real models, against Paddle Inference alone."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.consistency import values_to_answer
from paddle_serving_runtime.engine import DirectEngine, OpFailed, TensorDescription
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.paddle_model.predictor import Predictor
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol import BadRequest, Limits, Response, parse_request
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result
from paddle_serving_runtime.reference.inference import Inference
from paddle_serving_runtime.reference.run import run as run_reference


@pytest.fixture(autouse=True)
def packages() -> None:
    serving_packages.install()


def plain(folder: Path, batch_size: int = 1, switches: Switches | None = None) -> Node:
    return Node("model", None, (REQUEST,), folder, switches or Switches(), (), batch_size, None, None, 1)


def ask(engine: DirectEngine, *inputs: dict[str, Any]) -> Sequence[Result]:
    return engine.infer([Call(SERVICE, each) for each in inputs])


def tensors(result: Result) -> dict[str, np.ndarray[Any, Any]]:
    assert isinstance(result.outcome, Response), result.outcome
    return dict(result.outcome.tensors)


def message(result: Result) -> str:
    assert isinstance(result.outcome, BadRequest), result.outcome
    assert (result.outcome.status, result.outcome.err_no) == (400, 5000)
    return result.outcome.message


def models(uci_model: Path, exported_models: Path, typed_models: Path) -> dict[str, tuple[Path, tuple[int, ...]]]:
    return {
        "uci": (uci_model, (13,)),
        "program": (exported_models / "program", (4,)),
        "pir": (exported_models / "pir", (4,)),
        "conv": (typed_models / "conv", (3, 17, 21)),
    }


@pytest.mark.parametrize("name", ["uci", "program", "pir", "conv"])
@pytest.mark.parametrize("switches", [Switches(), Switches(onednn=False, ir_optim=False)])
def test_a_shared_run_is_bit_for_bit_what_paddle_inference_computes_for_the_same_batch(
    request: pytest.FixtureRequest, name: str, switches: Switches
) -> None:
    folder, shape = models(*map(request.getfixturevalue, ("uci_model", "exported_models", "typed_models")))[name]
    node = plain(folder, 4, switches)
    engine, alone = DirectEngine(Graph("", (node,), "model")), Inference(node, folder)
    feeds = [np.random.default_rng(rows).normal(size=(rows, *shape)).astype(np.float32) for rows in (1, 3, 2, 1)]
    ask(engine, {"x": feeds[0]}, {"x": feeds[1]})
    results = ask(engine, *[{"x": feed} for feed in feeds])
    assert [result.batch for result in results] == [4, 4, 4, 4]
    for output, wanted in alone({"x": np.concatenate(feeds)}).items():
        got = np.concatenate([tensors(result)[output] for result in results])
        assert (got.dtype, got.shape, got.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())
    for result, feed in zip(results, feeds, strict=True):
        for output, wanted in alone({"x": feed}).items():
            np.testing.assert_allclose(tensors(result)[output], wanted, rtol=1e-4, atol=1e-6)


def test_requests_with_a_lod_are_answered_alone_and_rightly_where_batching_is_on(typed_models: Path) -> None:
    engine = DirectEngine(Graph("", (plain(typed_models / "lod", 4),), "model"))
    x = np.arange(10, dtype=np.float32).reshape(5, 2)
    first, second = ask(engine, {"x": x, "x.lod": np.array([0, 2, 5])}, {"x": x, "x.lod": np.array([[0, 1], [4, 5]])})
    assert next(iter(tensors(first).values())).tolist() == [[2, 4], [18, 21]]
    assert next(iter(tensors(second).values())).tolist() == [[0, 1], [12, 15], [8, 9]]
    assert (first.batch, second.batch) == (1, 1)


@pytest.mark.parametrize("lod", [[0, 2], [1, 5], [], [0.0, 5.0]])
def test_a_lod_that_does_not_fit_never_reaches_paddle(
    typed_models: Path, lod: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Predictor, "run", lambda *_: pytest.fail("it reached Paddle"))
    x = np.zeros((5, 2), np.float32)
    engine = DirectEngine(Graph("", (plain(typed_models / "lod"),), "model"))
    assert "input x.lod must be offsets" in message(*ask(engine, {"x": x, "x.lod": np.array(lod)}))
    by_op = DirectEngine(Graph("svc", (user_node("a", typed_models / "lod"),), "a"))
    (result,) = ask(by_op, {"x": x, "x.lod": np.array(lod)})
    assert isinstance(result.outcome, OpFailed)
    assert result.outcome.err_no == 5000


def test_a_lod_for_an_input_without_one_is_refused(uci_model: Path) -> None:
    engine = DirectEngine(Graph("", (plain(uci_model),), "model"))
    inputs = {"x": np.zeros((1, 13), np.float32), "x.lod": np.array([0, 1])}
    assert message(*ask(engine, inputs)) == "input x.lod is not known: input x of the model has no LoD"


def test_text_is_answered_from_a_value_and_from_tensors(typed_models: Path) -> None:
    engine = DirectEngine(Graph("", (plain(typed_models / "text", 4),), "model"))
    results = ask(engine, {"text": "hello"}, {"text": np.array(["world", "hello world"])}, {"text": "\u00e9 \u4f60"})
    assert [tensors(result)["numbers"].tolist() for result in results] == [
        [[2, 5, 3]],
        [[2, 6, 3, 0], [2, 5, 6, 3]],
        [[2, 1, 1, 3]],
    ]
    assert "input text has type int64" in message(*ask(engine, {"text": np.array([1])}))


def test_an_op_may_feed_text_as_a_list(typed_models: Path) -> None:
    engine = DirectEngine(Graph("svc", (user_node("a", typed_models / "text", texts=["hello"]),), "a"))
    (result,) = ask(engine, {})
    assert isinstance(result.outcome, Response)
    assert result.outcome.values["numbers"] == "array([[2, 5, 3]])"


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        (
            "program/int64",
            [("x", "int64", (-1, 2)), ("w", "float32", (-1, 2))],
            [("int64", (-1, 4)), ("float32", (-1, 3))],
        ),
        ("pir/int64", [("x", "int64", (-1, 2)), ("w", "float32", (-1, 2))], [("int64", (-1, 4)), ("float32", (-1, 3))]),
        ("conv", [("x", "float32", (-1, 3, -1, -1))], [("float32", (-1, 5))]),
        ("text", [("text", "str", (-1,))], None),
    ],
)
def test_a_model_is_described_with_all_of_its_dimensions(
    typed_models: Path, name: str, inputs: list[Any], outputs: list[Any] | None
) -> None:
    (model,) = DirectEngine(Graph("", (plain(typed_models / name),), "model")).models
    assert model.name == "model"
    assert model.inputs == tuple(
        TensorDescription(each, dtype if dtype == "str" else np.dtype(dtype), shape) for each, dtype, shape in inputs
    )
    described = [(str(output.dtype), output.shape) for output in model.outputs]
    assert outputs is None or described == outputs


def user_node(name: str, folder: Path | None, *inputs: str, texts: list[str] | None = None, **methods: Any) -> Node:  # noqa: ANN401 - functions
    from paddle_serving_server.web_service import Op  # noqa: PLC0415 - importable after install() alone

    if texts is not None:
        methods["preprocess"] = lambda *_: ({"text": texts}, False, None, "")
    op = type("UserOp", (Op,), methods)(name=name, input_ops=[])
    return Node(name, op, inputs or (REQUEST,), folder, Switches(), (), 1, None, None, 1)


def numbers(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401 - as Op
    (values,) = input_dicts.values()
    return (
        {"x": np.array([float(number) for number in values["x"].split(",")], np.float32).reshape(1, 4)},
        False,
        None,
        "",
    )


def parts(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401 - as Op
    return [{"x": value["x"] * scale} for value in [input_dicts["split"]] for scale in (1, 2)], False, None, ""


def first(_self: object, _inputs: Any, fetched: Any, _log_id: int) -> Any:  # noqa: ANN401 - as Op, of before 0.7
    return {"first": next(iter(fetched.values()))}, None, ""


def every(_self: object, _inputs: Any, fetched: Any, _data_id: int, _log_id: int) -> Any:  # noqa: ANN401 - as Op
    return {"every": np.concatenate([next(iter(each.values())) for each in fetched])}, None, ""


def joined(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401 - as Op
    rows = [*input_dicts["one"]["first"].tolist(), *input_dicts["many"]["every"].tolist()]
    return {"x": input_dicts[REQUEST]["x"], "joined": json.dumps(rows)}, False, None, ""


def layered(exported_models: Path) -> Graph:
    """Fan-out to two models, fan-in, an edge that skips both layers, a mini batch, both signatures of postprocess."""
    nodes = (
        user_node("split", None, preprocess=numbers),
        user_node("one", exported_models / "program", "split", postprocess=first),
        user_node("many", exported_models / "pir", "split", preprocess=parts, postprocess=every),
        user_node("join", None, "one", "many", REQUEST, preprocess=joined),
    )
    return Graph("svc", nodes, "join", nodes[-1].op and response_op(nodes[-1]))


def response_op(last: Node) -> Any:  # noqa: ANN401 - an Op of an untyped package
    from paddle_serving_server.pipeline import ResponseOp  # noqa: PLC0415 - importable after install() alone

    return ResponseOp([last.op])


def served(graph: Graph, body: bytes) -> dict[str, Any]:
    request = parse_request(body, Limits())
    (result,) = DirectEngine(graph).infer([Call(SERVICE, request.inputs, request.log_id)])
    assert isinstance(result.outcome, Response), result.outcome
    return dict(values_to_answer({**result.outcome.values, **result.outcome.tensors}))


def same_as_the_reference(make: Callable[[], Graph], body: bytes) -> dict[str, Any]:
    wanted = run_reference(make(), [Sample("s.json", body)], Path("/nowhere"))[0]["s.json"]
    got = served(make(), body)
    assert {name: value.tolist() for name, value in got.items()} == {n: value.tolist() for n, value in wanted.items()}
    return got


def test_a_layered_graph_of_several_models_answers_as_the_reference_does(exported_models: Path) -> None:
    body = b'{"key": ["x"], "value": ["1,0.5,-2,0.25"], "logid": 3}'
    answer = same_as_the_reference(lambda: layered(exported_models), body)
    assert answer["x"].tolist() == [1, 0.5, -2, 0.25]
    # a softmax of three for the one, and two of them for the mini batch
    assert answer["joined"].shape == (3, 3)
    np.testing.assert_allclose(answer["joined"].sum(axis=1), 1, rtol=1e-5)
    graph = layered(exported_models)
    assert [model.name for model in DirectEngine(graph).models] == ["one", "many"]


OWN_BODY = json.dumps(
    {
        "key": ["a"],
        "value": ["1"],
        "logid": 7,
        "tensors": [
            {"name": "x", "elem_type": 1, "shape": [1, 2], "float_data": [0.5, 2], "lod": [0, 0, 1, 1]},
            {"name": "y", "elem_type": 9, "shape": [1], "bool_data": [True]},
        ],
    }
).encode()


def own_request(code: int | None = None, error: Exception | None = None) -> Graph:
    from paddle_serving_server.pipeline import RequestOp  # noqa: PLC0415 - importable after install() alone

    class Own(RequestOp):  # type: ignore[misc] # untyped
        def unpack_request_package(self, request: Any) -> Any:  # noqa: ANN401 - as RequestOp
            if error is not None:
                raise error
            inputs, log_id, _, _ = super().unpack_request_package(request)
            seen = {name: str(getattr(value, "tolist", lambda v=value: v)()) for name, value in inputs.items()}
            return {**seen, "log": str(log_id)}, log_id + 1, code, "not today"

    def told(_self: object, _inputs: Any, values: Any, _data_id: int, log_id: int) -> Any:  # noqa: ANN401 - as Op
        return {**values, "log of op": str(log_id)}, None, ""

    node = user_node("a", None, postprocess=told)
    return Graph("svc", (node,), "a", response_op(node), request_op=Own())


def test_a_request_op_of_the_services_own_unpacks_the_request() -> None:
    answer = same_as_the_reference(own_request, OWN_BODY)
    assert {name: value.tolist() for name, value in answer.items()} == {
        "a": 1,
        "x": [[0.5, 2]],
        "x.lod": [[0, 0], [1, 1]],
        "y": [True],
        "log": 7,
        "log of op": 8,
    }


@pytest.mark.parametrize(
    ("graph", "err_no", "words"),
    [
        (lambda: own_request(code=55), 55, "not today"),
        (lambda: own_request(error=ValueError("/etc/x")), 8000, "[request] unpack_request_package failed: ValueError"),
    ],
)
def test_a_request_op_that_refuses_is_heard(graph: Callable[[], Graph], err_no: int, words: str) -> None:
    (result,) = ask(DirectEngine(graph()), {"a": "1"})
    assert isinstance(result.outcome, OpFailed)
    assert (result.outcome.err_no, result.outcome.status, words in result.outcome.message) == (err_no, 400, True)
