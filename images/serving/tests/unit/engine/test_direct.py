from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from func_timeout import FunctionTimedOut

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.engine import DirectEngine, OpFailed, direct
from paddle_serving_runtime.errors import ServiceBroken
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.paddle_model.prototxt import ModelConf, Variable
from paddle_serving_runtime.paddle_model.switches import Switches
from paddle_serving_runtime.protocol import Response
from paddle_serving_runtime.protocol.call import SERVICE, Call


class Doubling:
    """A model with input x and outputs y = 2x and z = -x."""

    conf = ModelConf((Variable("x", "x", np.dtype("float32"), (2,), is_lod=False),), ())
    shapes: Mapping[str, tuple[int, ...]] = {"x": (-1, 2)}

    def __init__(self, *_: object) -> None:
        self.runs = 0

    def run(self, feed: Mapping[str, Any]) -> dict[str, Any]:
        self.runs += 1
        if feed["x"].size == 0:
            raise RuntimeError("empty tensor in /usr/lib/paddle/x.so")
        return {"z": -feed["x"], "y": feed["x"] * 2, "y.lod": np.array([0, 1])}


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    serving_packages.install()
    monkeypatch.setattr(direct, "Predictor", Doubling)


def op(name: str, **methods: Callable[..., Any]) -> Any:  # noqa: ANN401 - an Op of an untyped package
    from paddle_serving_server.web_service import Op  # noqa: PLC0415 - importable after install() alone

    return type("UserOp", (Op,), methods)(name=name, input_ops=[])


def node(operator: Any, *inputs: str, model: bool = True, fetches: tuple[str, ...] = ()) -> Node:  # noqa: ANN401
    name = operator.name if operator is not None else "model"
    folder = Path("model") if model else None
    return Node(name, operator, inputs or (REQUEST,), folder, Switches(), fetches, 1, None, None, 1)


def engine(*nodes: Node) -> DirectEngine:
    return DirectEngine(Graph("svc", nodes, nodes[-1].name))


def ask(engine: DirectEngine, inputs: dict[str, Any], log_id: int = 0, target: str = SERVICE) -> Response:
    """The response; raises what the engine says is wrong."""
    (result,) = engine.infer([Call(target, inputs, log_id)])
    if isinstance(result.outcome, Exception):
        raise result.outcome
    return result.outcome


def feed_x(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
    (values,) = input_dicts.values()
    return {"x": values["x"]}, False, None, ""


X = np.array([[1.0, 2.0]], np.float32)


def test_an_op_gets_its_model_between_preprocess_and_postprocess() -> None:
    seen: dict[str, Any] = {}

    def postprocess(_self: object, inputs: Any, fetched: Any, data_id: int, log_id: int) -> Any:  # noqa: ANN401
        seen.update(inputs=inputs, data_id=data_id, log_id=log_id)
        return {"text": str(fetched["y"].tolist())}, None, ""

    one = engine(node(op("a", preprocess=feed_x, postprocess=postprocess)))
    assert ask(one, {"x": X}, 7).values == {"text": "[[2.0, 4.0]]"}
    assert list(seen["inputs"]) == ["@DAGExecutor"]
    assert (seen["data_id"], seen["log_id"]) == (1, 7)


def test_an_old_postprocess_without_data_id_gets_the_log_id_third() -> None:
    def postprocess(_self: object, _inputs: Any, fetched: Any, log_id: int) -> Any:  # noqa: ANN401
        return {"log": str(log_id), "n": str(len(fetched))}, None, ""

    one = engine(node(op("a", preprocess=feed_x, postprocess=postprocess), fetches=("y",)))
    assert ask(one, {"x": X}, 9).values == {"log": "9", "n": "2"}


def test_fetches_have_the_order_of_the_configuration_and_keep_their_lod() -> None:
    one = engine(node(op("a", preprocess=feed_x), fetches=("y", "z")))
    assert list(ask(one, {"x": X}).values) == ["y", "y.lod", "z"]


def test_a_skipped_model_hands_the_prepared_data_on() -> None:
    def preprocess(_self: object, _inputs: Any, _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
        return {"cached": "yes"}, True, None, ""

    assert ask(engine(node(op("a", preprocess=preprocess))), {}).values == {"cached": "yes"}


def test_an_op_without_a_model_only_transforms() -> None:
    assert ask(engine(node(op("a"), model=False)), {"k": "v"}).values == {"k": "v"}


def test_a_list_of_dicts_is_one_inference_each() -> None:
    def preprocess(_self: object, _inputs: Any, _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
        return [{"x": X}, {"x": X + 1}], False, None, ""

    def postprocess(_self: object, _inputs: Any, fetched: Any, _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
        return {"all": str([out["y"].tolist() for out in fetched])}, None, ""

    one = engine(node(op("a", preprocess=preprocess, postprocess=postprocess)))
    assert ask(one, {}).values == {"all": "[[[2.0, 4.0]], [[4.0, 6.0]]]"}


def test_every_consumer_of_an_output_gets_a_copy_of_its_own() -> None:
    def spoil(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
        (values,) = input_dicts.values()
        values["x"] += 100
        return values, False, None, ""

    def join(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
        return {name: values["x"] for name, values in input_dicts.items()}, False, None, ""

    one = engine(
        node(op("a", preprocess=spoil), model=False),
        node(op("b", preprocess=spoil), model=False),
        node(op("c", preprocess=join), "a", "b", REQUEST, model=False),
    )
    answer = ask(one, {"x": X.copy()}).values
    assert answer == {
        "a": "array([[101., 102.]], dtype=float32)",
        "b": "array([[101., 102.]], dtype=float32)",
        REQUEST: "array([[1., 2.]], dtype=float32)",
    }


def returning(value: object) -> Callable[..., Any]:
    return lambda *_: value


def raising(error: BaseException) -> Callable[..., Any]:
    def method(*_: object) -> None:
        raise error

    return method


@pytest.mark.parametrize(
    ("methods", "err_no", "words"),
    [
        ({"preprocess": returning((None, False, 55, "no image"))}, 55, "no image"),
        ({"preprocess": returning((None, False, 0, "zero"))}, 50, "zero"),
        ({"preprocess": raising(ValueError("/srv/other"))}, 10000, "[a] preprocess failed: ValueError"),
        ({"preprocess": returning(({"x": X},))}, 10000, "preprocess failed"),
        ({"preprocess": raising(SystemExit(3))}, 10000, "preprocess failed: SystemExit"),
        ({"preprocess": feed_x, "postprocess": raising(FunctionTimedOut())}, 10000, "failed: FunctionTimedOut"),
        ({"preprocess": returning(("x", False, None, ""))}, 7000, "not a str"),
        ({"preprocess": returning((["x"], False, None, ""))}, 7000, "must be a dict"),
        ({"preprocess": returning(({"wrong": X}, False, None, ""))}, 5000, "its inputs are ['x']"),
        ({"preprocess": returning(({"x": [1.0]}, False, None, ""))}, 7000, "feed x is not an ndarray"),
        ({"preprocess": returning(({"x": X[:0]}, False, None, ""))}, 10000, "inference failed: RuntimeError"),
        ({"preprocess": feed_x, "postprocess": returning(("x", None, ""))}, 7000, "should return dict"),
        ({"preprocess": feed_x, "postprocess": returning(({}, 60, "bad"))}, 60, "bad"),
        ({"preprocess": feed_x, "postprocess": raising(KeyError("y"))}, 10000, "postprocess failed: KeyError"),
    ],
)
def test_a_failing_op_has_the_code_of_paddle_serving_and_says_nothing_secret(
    methods: dict[str, Any], err_no: int, words: str
) -> None:
    with pytest.raises(OpFailed) as failure:
        ask(engine(node(op("a", **methods))), {"x": X})
    assert failure.value.err_no == err_no
    assert words in failure.value.message
    assert "/" not in failure.value.message
    assert failure.value.status == (400 if err_no == 5000 or err_no < 100 else 500)


def test_a_custom_exception_keeps_its_code_and_the_text_that_is_meant_for_the_client() -> None:
    from paddle_serving_server.pipeline.error_catch import (  # noqa: PLC0415 - importable after install() alone
        CustomException,
        CustomExceptionCode,
    )

    code = CustomExceptionCode.INPUT_PARAMS_ERROR
    for error, words in (
        (CustomException(code, "no /models, and/or 3 km/h", True), "[a] no <path>, and/or 3 km/h"),  # noqa: FBT003
        (CustomException(code, "no such file /models/a/b", True), "[a] no such file <path>"),  # noqa: FBT003
        (CustomException(code, "internal"), "[a] preprocess failed"),
    ):
        with pytest.raises(OpFailed) as failure:
            ask(engine(node(op("a", preprocess=raising(error)))), {"x": X})
        assert (failure.value.err_no, failure.value.status) == (5000, 400)
        assert failure.value.message == words


@pytest.mark.parametrize(
    ("methods", "inputs", "words"),
    [
        ({"init_op": raising(OSError("dictionary is missing"))}, (), "init_op of op a failed: OSError: dictionary"),
        ({"init_op": raising(ModuleNotFoundError("No module", name="shapely.geometry"))}, (), "-vision has it"),
        ({"process": returning(None)}, (), "overrides process"),
        ({}, ("p", "q"), "has 2 inputs"),
    ],
)
def test_an_op_that_cannot_be_run_is_found_when_it_is_loaded(
    methods: dict[str, Any], inputs: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ServiceBroken, match=words):
        engine(node(op("a", **methods), *inputs))


def test_keys_of_the_dag_that_have_no_effect_are_said(caplog: pytest.LogCaptureFixture) -> None:
    one = node(None)
    DirectEngine(Graph("", (one,), "model", config={"dag": {"retry": 1, "channel_recv_frist_arrive": False}}))
    assert caplog.messages == []
    DirectEngine(Graph("", (one,), "model", config={"dag": {"retry": 3}}))
    assert caplog.messages == ["dag.retry in config.yml has no effect with the direct engine (3, not 1)."]


def test_a_plain_model_answers_with_tensors() -> None:
    plain = engine(node(None))
    tensors = ask(plain, {"x": X}).tensors
    np.testing.assert_array_equal(tensors["y"], X * 2)
    assert list(tensors) == ["z", "y", "y.lod"]


def test_a_response_op_of_the_services_own_packs_the_response() -> None:
    from paddle_serving_server.pipeline import ResponseOp  # noqa: PLC0415 - importable after install() alone
    from paddle_serving_server.pipeline.proto.pipeline_service_pb2 import (  # noqa: PLC0415 - the same
        Response,
        Tensor,
    )

    class Own(ResponseOp):  # type: ignore[misc] # untyped
        def pack_response_package(self, channeldata: Any) -> Any:  # noqa: ANN401 - untyped
            output = channeldata.parse()
            if "bad" in output:
                return Response(err_no=55, err_msg="bad output")
            tensor = Tensor(name="t", elem_type=1, shape=[1], float_data=[0.5])
            return Response(key=["n"], value=[str(len(output))], tensors=[tensor])

    one = node(op("a"), model=False)
    own = DirectEngine(Graph("svc", (one,), "a", Own([one.op])))
    response = ask(own, {"k": "v"})
    assert (response.values, response.tensors["t"].tolist()) == ({"n": "1"}, [0.5])
    with pytest.raises(OpFailed, match="bad output"):
        ask(own, {"bad": "x"})
