"""Several calls at once: what shares a run, and that every call gets its own answer whatever is beside it."""

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddle_serving_runtime import serving_packages
from paddle_serving_runtime.engine import DirectEngine, OpFailed, direct
from paddle_serving_runtime.engine.grouping import concatenate, group
from paddle_serving_runtime.graph import REQUEST, Graph, Node
from paddle_serving_runtime.model.predictor import Switches
from paddle_serving_runtime.model.prototxt import ModelConf, Variable
from paddle_serving_runtime.protocol import BadRequest, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call, Result

BAD = 13
Model = Callable[[np.ndarray], np.ndarray]


class Fake:
    """A model with input x and output y, computed by `model`; a run with a 13 in it fails."""

    conf = ModelConf(
        (Variable("x", "x", np.dtype("float32"), (), is_lod=False),),
        (Variable("y", "y", np.dtype("float32"), (), is_lod=False),),
    )
    shapes: Mapping[str, tuple[int, ...]] = {"x": (-1, -1), "y": (-1, -1)}
    model: Model = staticmethod(lambda x: x * 2)
    runs: Sequence[tuple[int, ...]] = ()

    def __init__(self, *_: object) -> None:
        type(self).runs = []

    def run(self, feed: Mapping[str, Any]) -> dict[str, Any]:
        type(self).runs = [*self.runs, feed["x"].shape]
        if (feed["x"] == BAD).any():
            raise RuntimeError("a bad row")
        return {"y": np.array(type(self).model(feed["x"]))}


@pytest.fixture(autouse=True)
def fake_model(monkeypatch: pytest.MonkeyPatch) -> None:
    serving_packages.install()
    monkeypatch.setattr(direct, "Predictor", Fake)
    monkeypatch.setattr(Fake, "model", staticmethod(lambda x: x * 2))
    monkeypatch.setattr(Fake, "shapes", {"x": (-1, -1), "y": (-1, -1)})


def feeding(_self: object, input_dicts: dict[str, Any], _data_id: int, _log_id: int) -> Any:  # noqa: ANN401
    (values,) = input_dicts.values()
    if "refuse" in values:
        return {}, False, 55, "refused"
    if "raise" in values:
        raise ValueError("raised")
    if "parts" in values:
        return [{"x": part} for part in values["parts"]], False, None, ""
    return {"x": values["x"]}, "skip" in values, None, ""


def telling(_self: object, _inputs: Any, fetched: Any, data_id: int, _log_id: int) -> Any:  # noqa: ANN401
    answers = fetched if isinstance(fetched, list) else [fetched]
    # whoever changes what he got must not change what another gets
    texts = []
    for answer in answers:
        for value in answer.values():
            texts.append(repr(value))
            np.add(value, 100, out=value, casting="unsafe")
    return {"y": ";".join(texts), "late": str(data_id == 0)}, None, ""


def engine(batch_size: int = 4, clock: Callable[[], float] = lambda: 0.0, **others: Any) -> DirectEngine:  # noqa: ANN401
    from paddle_serving_server.web_service import Op  # noqa: PLC0415 - importable after install() alone

    user_op = type("UserOp", (Op,), {"preprocess": feeding, "postprocess": telling})(name="a", input_ops=[])
    node = Node("a", user_op, (REQUEST,), Path("model"), Switches(), (), batch_size, None, None, 1)
    changed = Node(**{**node.__dict__, **others})
    return DirectEngine(Graph("svc", (changed,), "a"), clock)


def ask(engine: DirectEngine, *inputs: Mapping[str, Any], target: str = SERVICE) -> list[Result]:
    return engine.infer([Call(target, deepcopy(dict(values))) for values in inputs])


def answer(result: Result) -> str:
    assert isinstance(result.outcome, Response), result.outcome
    return result.outcome.values["y"]


def x(*rows: float) -> dict[str, Any]:
    return {"x": np.array([[row, row + 0.5] for row in rows], np.float32)}


def trusted(batch_size: int = 4, **others: Any) -> DirectEngine:  # noqa: ANN401 - as of Node
    """An engine whose model has shown that its rows are independent."""
    one = engine(batch_size, **others)
    ask(one, x(1), x(2))
    Fake.runs = []
    return one


def test_calls_that_fit_share_one_run_and_get_their_own_rows() -> None:
    results = ask(trusted(), x(1), x(2, 3), x(4))
    assert Fake.runs == [(4, 2)]
    assert [result.batch for result in results] == [3, 3, 3]
    assert answer(results[1]) == repr(np.array([[4, 5], [6, 7]], np.float32))


def test_no_more_calls_share_a_run_than_the_batch_size() -> None:
    ask(trusted(2), *[x(row) for row in range(5)])
    assert Fake.runs == [(2, 2), (2, 2), (1, 2)]


def test_calls_of_another_type_or_shape_do_not_share_a_run() -> None:
    wide = {"x": np.ones((1, 3), np.float32)}
    results = ask(trusted(), x(1), {"x": np.array([[7, 8]])}, wide, x(2))
    assert Fake.runs == [(2, 2), (1, 2), (1, 3)]
    assert answer(results[1]) == "array([[14, 16]])"


def test_texts_of_any_length_share_a_run() -> None:
    feeds = [{"x": np.array([text])} for text in ("a", "longer", "")]
    assert group(feeds, 4) == [[0, 1, 2]]
    assert concatenate(feeds)["x"].tolist() == ["a", "longer", ""]


def test_the_first_shared_run_is_checked_against_single_runs_and_the_single_answers_are_given() -> None:
    results = ask(engine(), x(1), x(2))
    assert Fake.runs == [(1, 2), (1, 2), (2, 2)]
    assert [result.batch for result in results] == [1, 1]


def test_equal_requests_prove_nothing_about_independent_rows() -> None:
    one = engine()
    Fake.model = staticmethod(lambda x: x - x.mean(axis=0))
    ask(one, x(1), x(1))
    assert answer(ask(one, x(1), x(2))[0]) == repr(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("value", [x(1), {"x": np.zeros((1, 2), np.float32)}, {"x": np.array([[1, 2]])}])
def test_equal_requests_are_tried_beside_one_of_other_values_and_then_share_runs(value: dict[str, Any]) -> None:
    one = engine()
    results = ask(one, value, value, value)
    assert [answer(result) for result in results] == [repr(2 * value["x"])] * 3
    assert Fake.runs == [(1, 2), (1, 2), (1, 2), (1, 2), (2, 2)]
    Fake.runs = []
    ask(one, value, value, value)
    assert Fake.runs == [(3, 2)]


def test_integers_that_are_all_the_same_have_nothing_to_be_tried_beside() -> None:
    value = {"x": np.array([[1, 1]])}
    ask(engine(), value, value)
    assert Fake.runs == [(1, 2), (1, 2)]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda x: x - x.mean(axis=0), "depends on the requests beside it"),
        (lambda x: x[:1], "the first axis of an output is not the batch"),
        (lambda x: np.array(x.sum()), "the first axis of an output is not the batch"),
        (lambda x: x.reshape(1, 2), "fails for several requests together"),
    ],
)
def test_a_model_whose_rows_are_not_independent_is_not_batched_any_more_and_the_log_says_why(
    model: Model, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = engine()
    Fake.model = staticmethod(model)
    with caplog.at_level(logging.WARNING):
        results = ask(one, x(1), x(2))
    assert words in caplog.text
    assert "batch_size of op a has no effect" in caplog.text
    assert [answer(result) for result in results] == [repr(model(x(row)["x"])) for row in (1, 2)]
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(1, 2), (1, 2)]


@pytest.mark.parametrize("shapes", [{"x": (1, 2), "y": (-1, 2)}, {"x": (-1, 2), "y": (1, 2)}, {"x": (-1, 2), "y": ()}])
def test_a_program_with_a_fixed_batch_is_never_batched(
    shapes: dict[str, tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Fake, "shapes", shapes)
    one = engine(auto_batching_timeout_ms=50.0)
    ask(one, x(1), x(2))
    assert Fake.runs == [(1, 2), (1, 2)]
    assert (one.capacity, one.wait_seconds) == (1, 0)


def test_the_largest_batch_is_what_the_engine_can_use_and_the_longest_waiting_time_what_it_waits() -> None:
    one = engine(4, auto_batching_timeout_ms=50.0)
    assert (one.capacity, one.wait_seconds) == (4, 0.05)
    assert (engine(4).capacity, engine(4).wait_seconds) == (4, 0)
    without_model = engine(4, auto_batching_timeout_ms=50.0, model_dir=None)
    assert (without_model.capacity, without_model.wait_seconds) == (1, 0)


def test_a_bad_member_fails_alone() -> None:
    results = ask(trusted(), x(1), x(BAD), x(3), {"refuse": "1"}, {"raise": "1"}, {}, {"x": "text"})
    assert [isinstance(result.outcome, Response) for result in results] == [True, False, True, *[False] * 4]
    failures = [result.outcome for result in results if isinstance(result.outcome, OpFailed)]
    assert [failure.err_no for failure in failures] == [10000, 55, 10000, 10000, 7000]


def test_one_bad_batch_does_not_end_batching() -> None:
    one = trusted()
    ask(one, x(1), x(BAD))
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(2, 2)]


def test_skipped_models_and_mini_batches_stay_out_of_the_shared_run() -> None:
    parts = {"parts": [x(1)["x"], x(2)["x"]]}
    skipped, mini, plain, another = ask(trusted(), {**x(9), "skip": "1"}, parts, x(3), x(4))
    assert answer(skipped) == repr(x(9)["x"])
    assert answer(mini) == ";".join(repr(2 * part) for part in parts["parts"])
    assert (mini.batch, plain.batch, another.batch) == (1, 2, 2)
    assert Fake.runs == [(2, 2), (1, 2), (1, 2)]


def test_a_model_of_the_graph_is_asked_by_the_name_of_its_node() -> None:
    one = trusted()
    tensor, service, unknown, wrong = one.infer(
        [Call("a", x(1)), Call(SERVICE, x(2)), Call("b", x(3)), Call("a", {"z": x(4)["x"]})]
    )
    assert isinstance(tensor.outcome, Response)
    np.testing.assert_array_equal(tensor.outcome.tensors["y"], 2 * x(1)["x"], strict=True)
    assert answer(service) == repr(2 * x(2)["x"])
    assert isinstance(unknown.outcome, BadRequest)
    assert (unknown.outcome.status, unknown.outcome.err_no) == (404, 3002)
    assert isinstance(wrong.outcome, BadRequest)
    assert "the inputs are z, but the model's are x" in wrong.outcome.message


def test_only_the_outputs_that_a_call_names_come_back() -> None:
    one = engine()
    for outputs, wanted in (((), {"y", "late"}), (("late",), {"late"})):
        (result,) = one.infer([Call(SERVICE, x(1), outputs=outputs)])
        assert isinstance(result.outcome, Response)
        assert result.outcome.values.keys() == wanted
    (result,) = one.infer([Call(SERVICE, x(1), outputs=("nothing",))])
    assert isinstance(result.outcome, BadRequest)
    assert result.outcome.message == "there is no output nothing; the outputs are late, y"


def ticking(*seconds: float) -> Callable[[], float]:
    """A clock of which every run takes the next of `seconds`."""
    times = iter([0.0, *seconds])
    state = {"now": 0.0, "odd": True}

    def clock() -> float:
        state["odd"] = not state["odd"]
        if state["odd"]:
            state["now"] += next(times)
        return float(state["now"])

    next(times)
    return clock


@pytest.mark.parametrize(
    ("runs", "retry", "err_no"),
    [((0.2,), 1, 6000), ((0.2, 0.05), 1, 6000), ((0.2, 0.05), 2, 0), ((0.2, 0.2, 0.2), 3, 6000), ((0.05,), 3, 0)],
)
def test_a_run_past_the_timeout_is_tried_again_and_then_a_timeout(
    runs: tuple[float, ...], retry: int, err_no: int
) -> None:
    one = engine(1, ticking(*runs), timeout_ms=100.0, retry=retry)
    (result,) = ask(one, x(1))
    if err_no:
        assert isinstance(result.outcome, OpFailed)
        assert (result.outcome.err_no, result.outcome.status) == (6000, 504)
        assert result.outcome.message == f"[a] inference took longer than 100 ms, {retry} times"
    else:
        assert answer(result) == repr(2 * x(1)["x"])
    used = runs[: len(Fake.runs)]
    assert len(used) == (retry if err_no else len(runs))
    assert result.inference_seconds == pytest.approx(sum(used))


def test_a_member_that_times_out_alone_does_not_end_batching() -> None:
    one = engine(4, ticking(0.2, *[0.0] * 6), timeout_ms=100.0)
    first, second = ask(one, x(1), x(2))
    assert (type(first.outcome), type(second.outcome)) == (OpFailed, Response)
    ask(one, x(1), x(2))
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(2, 2)]


def test_a_trial_past_the_timeout_decides_nothing() -> None:
    one = engine(4, ticking(0.0, 0.0, 0.2, *[0.0] * 6), timeout_ms=100.0)
    assert [type(result.outcome) for result in ask(one, x(1), x(2))] == [Response, Response]
    ask(one, x(1), x(2))
    Fake.runs = []
    ask(one, x(1), x(2))
    assert Fake.runs == [(2, 2)]


def test_an_error_of_the_model_is_not_tried_again() -> None:
    ask(engine(1, timeout_ms=100.0, retry=3), x(BAD))
    assert len(Fake.runs) == 1


def test_a_shared_run_past_the_timeout_is_a_timeout_for_its_members() -> None:
    one = engine(4, ticking(0.0, 0.0, 0.0, 0.2), timeout_ms=100.0)
    ask(one, x(1), x(2))
    Fake.runs = []
    results = ask(one, x(1), x(2))
    assert [type(result.outcome) for result in results] == [OpFailed, OpFailed]


requests = st.one_of(
    st.builds(
        lambda rows, columns, value, dtype: {
            "x": (np.arange(rows * columns).reshape(rows, columns) + value).astype(dtype)
        },
        st.integers(0, 3),
        st.integers(1, 2),
        st.sampled_from([1, 2, 5, BAD]),
        st.sampled_from([np.float32, np.int64, np.float16]),
    ),
    st.builds(lambda part: {"parts": [part, part + 1]}, st.just(np.ones((1, 2), np.float32))),
    st.sampled_from(
        [{"refuse": "1"}, {"raise": "1"}, {"x": "text"}, {}, {"x": np.float32(1)}, {"x": np.ones((), int)}]
    ),
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.lists(requests, min_size=1, max_size=6), min_size=1, max_size=4),
    st.integers(2, 4),
    st.sampled_from(
        [
            lambda x: x * 2,
            lambda x: x - x.sum(axis=0, keepdims=True),
            lambda x: x[:1],
            lambda x: np.concatenate([x, x]),
            lambda x: x.reshape(-1),
        ]
    ),
)
def test_every_call_of_any_mix_gets_the_answer_that_it_gets_alone(
    batches: list[list[dict[str, Any]]], batch_size: int, model: Model
) -> None:
    Fake.model = staticmethod(model)
    together, alone = engine(batch_size), engine(1)
    for batch in batches:
        wanted = [ask(alone, request)[0].outcome for request in batch]
        got = [result.outcome for result in ask(together, *batch)]
        assert list(map(told, got)) == list(map(told, wanted))


def told(outcome: Response | Exception) -> object:
    return dict(outcome.values) if isinstance(outcome, Response) else (type(outcome), str(outcome))
