"""Numbers of rows that a model is tried with before it serves: only those with the bits of single runs are used."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paddle_serving_runtime.engine.grouping import cut
from paddle_serving_runtime.engine.proof import Proof, Trial, described, prove, within
from paddle_serving_runtime.paddle_model.batching import Batching

SIZES = (2, 4, 8)
Arrays = Mapping[str, np.ndarray]


def tried(model: Any, *feeds: Arrays, sizes: Sequence[int] = SIZES, seconds: float = 1e9) -> Proof:  # noqa: ANN401
    ticks = itertools.count()
    return prove(model, feeds, Trial(tuple(sizes), within(seconds, lambda: float(next(ticks)))))


def row(*values: float, dtype: Any = np.float32) -> Arrays:  # noqa: ANN401
    return {"x": np.array([values], dtype)}


def doubled(feed: Arrays) -> Arrays:
    return {"y": feed["x"] * 2}


def softmax_over_batch(feed: Arrays) -> Arrays:
    powers = np.exp(feed["x"])
    return {"y": powers / powers.sum(axis=0)}


def weighed_by_softmax_over_batch(feed: Arrays) -> Arrays:
    return {"y": softmax_over_batch(feed)["y"] * feed["x"]}


def mean_over_batch(feed: Arrays) -> Arrays:
    return {"y": 2 * feed["x"] - feed["x"].mean(axis=0)}


def other_bits_from_four_rows(feed: Arrays) -> Arrays:
    y = feed["x"] * 2
    return {"y": np.nextafter(y, np.inf, dtype=y.dtype) if len(y) >= 4 else y}


def other_bits_in_the_last_row(feed: Arrays) -> Arrays:
    y = feed["x"] * 2
    if len(y) > 1:
        y[-1] = np.nextafter(y[-1], np.inf, dtype=y.dtype)
    return {"y": y}


def rows_are_the_second_axis(feed: Arrays) -> Arrays:
    return {"y": feed["x"].T}


def sum_of_all(feed: Arrays) -> Arrays:
    return {"y": feed["x"].sum(axis=0, keepdims=True)}


def one_row_alone(feed: Arrays) -> Arrays:
    return {"y": feed["x"].reshape(1, 3)}


def one_sample_is_special(feed: Arrays) -> Arrays:
    """The row 7, 8, 9 spoils what stands right before it."""
    y = feed["x"] * 2
    special = np.flatnonzero(feed["x"][:, 0] == 7)
    y[special[special > 0] - 1] += 1
    return {"y": y}


def test_a_model_of_independent_rows_proves_every_size_for_the_shape_of_its_sample() -> None:
    proof = tried(doubled, row(1, 2, 3))
    assert list(proof.sizes.values()) == [SIZES]
    assert (proof.largest, proof.reasons) == (8, ())
    assert described({"": proof}) == {
        "maxRows": 8,
        "proved": [{"inputs": {"x": [3]}, "rows": [2, 4, 8]}],
        "notProved": [],
    }


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (softmax_over_batch, "no two rows that differ in their values and in their answers"),
        (weighed_by_softmax_over_batch, "get other bits than alone"),
        (mean_over_batch, "get other bits than alone"),
        (other_bits_in_the_last_row, "get other bits than alone"),
        (rows_are_the_second_axis, "the first axis of an output is not the batch"),
        (sum_of_all, "the first axis of an output is not the batch"),
        (one_row_alone, "fails for several rows together"),
        (one_sample_is_special, "get other bits than alone"),
    ],
)
def test_a_model_whose_rows_are_not_independent_proves_nothing_and_says_why(model: Any, words: str) -> None:  # noqa: ANN401
    proof = tried(model, row(1, 2, 3), row(7, 8, 9))
    assert (proof.sizes, proof.largest) == ({}, 1)
    assert proof.reasons
    assert all(words in reason for reason in proof.reasons)


def test_a_size_with_other_bits_is_not_used_beside_those_without() -> None:
    proof = tried(other_bits_from_four_rows, row(1, 2, 3))
    assert list(proof.sizes.values()) == [(2,)]
    assert [reason.partition(":")[0] for reason in proof.reasons] == ["4 rows", "8 rows"]


def test_every_row_is_tried_in_every_position() -> None:
    places: dict[tuple[int, bytes], set[int]] = {}

    def watched(feed: Arrays) -> Arrays:
        size = len(feed["x"])
        for place, values in enumerate(feed["x"]):
            places.setdefault((size, values.tobytes()), set()).add(place)
        return doubled(feed)

    tried(watched, row(1, 2, 3), row(4, 5, 6), sizes=(2, 5))
    several = {size_and_row: found for size_and_row, found in places.items() if size_and_row[0] > 1}
    assert {size for size, _ in several} == {2, 5}
    assert all(found == set(range(size)) for (size, _), found in several.items())


def test_each_shape_and_type_is_proved_for_itself() -> None:
    proof = tried(
        lambda feed: mean_over_batch(feed) if feed["x"].shape[1] == 2 else doubled(feed), row(1, 2, 3), row(4, 5)
    )
    assert [{name: shape for name, _, shape in key} for key in proof.sizes] == [{"x": (3,)}]
    half = tried(doubled, row(1, 2, 3), row(1, 2, 3, dtype=np.float16))
    assert len(half.sizes) == 2


def test_whole_numbers_are_never_made_up_so_there_have_to_be_two_samples() -> None:
    seen = set()

    def ids(feed: Arrays) -> Arrays:
        seen.update(feed["x"].ravel().tolist())
        return doubled(feed)

    alone = tried(ids, row(3, 5, 3, dtype=np.int64))
    assert (alone.sizes, len(alone.reasons)) == ({}, 1)
    assert "no two rows that differ" in alone.reasons[0]
    assert tried(ids, row(3, 5, 3, dtype=np.int64), row(8, 8, 8, dtype=np.int64)).largest == 8
    assert seen == {3, 5, 8}


def test_rows_of_a_sample_with_several_are_tried_one_by_one() -> None:
    assert tried(doubled, {"x": np.array([[1], [2]])}).largest == 8


def test_answers_that_are_all_the_same_prove_nothing() -> None:
    proof = tried(lambda feed: {"y": np.zeros(len(feed["x"]), np.int64)}, row(1, 2, 3))
    assert proof.sizes == {}
    assert "in their answers" in proof.reasons[0]


def test_no_samples_prove_nothing() -> None:
    for feeds in ((), ({"x": np.float32(1)},), ({"x": np.zeros((0, 3))},), ({**row(1, 2), "x.lod": np.array([0, 1])},)):
        assert tried(doubled, *feeds) == Proof({}, ("it has no golden samples",))


def test_the_proof_ends_when_its_time_is_over_and_keeps_what_it_has_the_small_sizes_of_every_shape_first() -> None:
    runs: list[int] = []

    def counted(feed: Arrays) -> Arrays:
        runs.append(len(feed["x"]))
        return doubled(feed)

    proof = tried(counted, row(1, 2, 3), row(4, 5), seconds=36)
    assert list(proof.sizes.values()) == [(2,), (2,)]
    assert set(proof.reasons) == {f"{size} rows: the time for the proof was over" for size in (4, 8)}
    assert len(runs) <= 36


def test_a_model_that_is_slow_for_one_row_is_not_tried_with_all_of_them() -> None:
    runs: list[int] = []

    def counted(feed: Arrays) -> Arrays:
        runs.append(len(feed["x"]))
        return doubled(feed)

    proof = tried(counted, row(1, 2, 3), seconds=3)
    assert (proof.sizes, runs) == ({}, [1] * 3)
    assert {reason.rpartition(": ")[2] for reason in proof.reasons} == {"the time for the proof was over"}


def test_rows_that_the_model_cannot_compute_alone_are_left_out() -> None:
    def picky(feed: Arrays) -> Arrays:
        if (feed["x"] == 13).any():
            raise RuntimeError("a bad row")
        return doubled(feed)

    assert tried(picky, row(13, 13, 13), row(1, 2, 3)).largest == 8


def test_nan_is_compared_by_its_bits_and_texts_by_their_characters() -> None:
    assert tried(lambda feed: {"y": np.where(feed["x"] > 2, np.nan, feed["x"])}, row(1, 2, 3)).largest == 8
    texts = ({"x": np.array(["a"])}, {"x": np.array(["longer"])})
    assert tried(lambda feed: {"y": np.char.upper(feed["x"])}, *texts).largest == 8


@pytest.mark.parametrize(
    ("rows", "sizes", "counts"),
    [
        ([1] * 7, (2, 4, 8), [4, 2, 1]),
        ([1] * 9, (2, 4, 8), [8, 1]),
        ([1] * 3, (), [1, 1, 1]),
        ([2, 1, 1, 4], (2, 4, 8), [4]),
        ([3, 1], (2, 4), [1, 1]),
        ([1, 3, 1], (2, 4), [1, 1, 1]),
        ([5], (2, 4), [1]),
        ([1] * 6, (2, 4, 6), [6]),
    ],
)
def test_a_run_takes_as_many_as_make_a_proved_number_of_rows(rows: list[int], sizes: Any, counts: list[int]) -> None:  # noqa: ANN401
    assert cut(rows, sizes) == counts


@given(st.lists(st.integers(1, 9)), st.sets(st.integers(2, 16)))
def test_every_member_is_in_one_run_of_a_proved_size_or_alone(rows: list[int], sizes: set[int]) -> None:
    counts = cut(rows, sizes)
    assert sum(counts) == len(rows)
    ends = itertools.accumulate(counts)
    for count, end in zip(counts, ends, strict=True):
        members = rows[end - count : end]
        assert count == 1 or (sum(members) in sizes and all(member == 1 or member in sizes for member in members))


@pytest.mark.parametrize(
    ("text", "batching"),
    [
        *(("Off", Batching(1, 0)), ("Auto", Batching(16, 0, services=False)), ("2", Batching(2, 0))),
        *(("64", Batching(64, 0)), ("8,0.005", Batching(8, 0.005)), ("8,0", Batching(8, 0))),
    ],
)
def test_the_option_is_a_number_of_rows_and_a_time(text: str, batching: Batching) -> None:
    assert Batching.parse(text) == batching


@pytest.mark.parametrize(
    "text", ["", "on", "auto", "1", "0", "-2", "65", "8,", "8,x", "8,-1", "8,nan", "8,2", "8,0.1,3"]
)
def test_anything_else_is_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is neither Off nor Auto, nor a number of rows from 2 to 64"):
        Batching.parse(text)


def test_the_sizes_that_are_tried_are_few() -> None:
    assert [Batching.parse(text).sizes for text in ("Off", "2", "6", "16", "64")] == [
        (),
        (2,),
        (2, 4, 6),
        (2, 4, 8, 16),
        (2, 4, 8, 16, 32, 64),
    ]
