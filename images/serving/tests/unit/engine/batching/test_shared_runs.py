"""What shares a run, and that every call gets its own answer whatever is beside it."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from images.serving.tests.unit.engine.batching.fake import BAD, Fake, Model, answer, ask, engine, trusted, x
from paddle_serving_runtime.engine import OpFailed
from paddle_serving_runtime.engine.grouping import concatenate, group
from paddle_serving_runtime.protocol import BadRequest, Response
from paddle_serving_runtime.protocol.call import SERVICE, Call


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
