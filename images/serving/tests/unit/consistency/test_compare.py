import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paddle_serving_runtime.consistency import EXACT, Comparison, Element, Tolerance, compare, describe
from paddle_serving_runtime.consistency.ulp import ulps

NUMERIC = (
    hnp.floating_dtypes(sizes=(16, 32, 64), endianness="<")
    | hnp.integer_dtypes(endianness="<")
    | hnp.unsigned_integer_dtypes(endianness="<")
    | hnp.complex_number_dtypes(sizes=(64, 128), endianness="<")
    | hnp.boolean_dtypes()
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, max_side=4, min_side=0)
ARRAYS = NUMERIC.flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))
FLOATS = hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=4))
TOLERANCES = st.builds(Tolerance, st.floats(1e-9, 1), st.floats(1e-9, 1))


def one(got: np.ndarray, want: np.ndarray, tolerance: Tolerance = EXACT) -> Comparison:
    (comparison,) = compare("a.json", {"y": got}, {"y": want}, tolerance, "served", "Paddle Inference")
    return comparison


@given(ARRAYS, TOLERANCES)
def test_an_array_equals_itself_under_every_tolerance(array: np.ndarray, tolerance: Tolerance) -> None:
    for limit in (EXACT, tolerance):
        found = one(array.copy(), array, limit)
        assert found.equal
        assert (found.max_absolute_error, found.max_relative_error, found.differing) == (0, 0, 0)


@given(FLOATS, st.data())
def test_one_flipped_bit_is_found_and_placed(array: np.ndarray, data: st.DataObject) -> None:
    index = data.draw(st.tuples(*(st.integers(0, size - 1) for size in array.shape)))
    bit = data.draw(st.integers(0, 31))
    changed = array.copy()
    changed.view(np.uint32)[index] ^= np.uint32(1 << bit)
    found = one(changed, array)
    if np.isnan(array[index]) and np.isnan(changed[index]):
        assert found.equal  # the payload of a NaN does not count
    else:
        assert found.difference is not None
        assert found.difference.element == index
        assert found.differing == 1


@given(ARRAYS, ARRAYS, TOLERANCES)
def test_exactly_equal_means_equal_under_a_tolerance_too(a: np.ndarray, b: np.ndarray, tolerance: Tolerance) -> None:
    if one(a, b).equal:
        assert one(a, b, tolerance).equal


@given(FLOATS, TOLERANCES)
def test_a_tolerance_is_that_of_numpy_isclose(want: np.ndarray, tolerance: Tolerance) -> None:
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        got = (want * rng.choice([1, 1 + 1e-3, 1.5], want.shape)).astype(np.float32)
    wide = got.astype(np.float64), want.astype(np.float64)
    with np.errstate(all="ignore"):
        expected = np.isclose(*wide, rtol=tolerance.rtol, atol=tolerance.atol, equal_nan=True)
    assert one(got, want, tolerance).differing == np.count_nonzero(~expected)


def test_signed_zeros_differ_exactly_and_not_within_a_tolerance() -> None:
    got, want = np.array([0.0, 1.0]), np.array([-0.0, 1.0])
    assert describe(one(got, want)).startswith("Sample a.json, tensor y, element [0]: served is 0.0, but Paddle")
    assert one(got, want, Tolerance(0, 1e-9)).equal


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_never_near_a_number(value: float) -> None:
    for got, want in ((value, 1.0), (1.0, value)):
        found = one(np.array([got]), np.array([want]), Tolerance(1, 1e30))
        assert not found.equal
        assert found.max_absolute_error == np.inf


def test_dtype_and_shape_must_agree_exactly() -> None:
    assert describe(one(np.zeros(2, np.float32), np.zeros(2))) == (
        "Sample a.json, tensor y: served is dtype float32, but Paddle Inference says dtype float64."
    )
    assert describe(one(np.zeros((2, 1)), np.zeros(2))) == (
        "Sample a.json, tensor y: served is shape [2, 1], but Paddle Inference says shape [2]."
    )


def test_within_a_tolerance_the_width_does_not_count_but_shape_and_kind_do() -> None:
    near = Tolerance(1e-3, 1e-5)
    assert one(np.array([0.5], np.float32), np.array([0.5001]), near).equal
    assert one(np.array([7], np.int32), np.array([7], np.int64), near).equal
    assert one(np.array([7], np.int32), np.array([7.001]), near).equal
    assert not one(np.array([7]), np.array([8]), Tolerance(1, 1)).equal
    assert not one(np.array([True]), np.array([1]), near).equal
    assert not one(np.array(["1"]), np.array([1]), near).equal
    assert not one(np.zeros((1, 1)), np.zeros(1), near).equal


@pytest.mark.parametrize(
    ("got", "want", "equal"),
    [
        *(((0, 2), (0,), True), ((1, 0, 3), (1, 0), True), ((0,), (0, 4), True), ((0, 2), (0, 2), True)),
        *(((0, 2), (0, 3), False), ((2, 0), (0,), False), ((1, 2), (0,), False)),
    ],
)
def test_empty_lists_say_nothing_of_the_axes_behind_them(
    got: tuple[int, ...], want: tuple[int, ...], *, equal: bool
) -> None:
    sides = np.ones(got, "float32"), np.ones(want)
    assert one(*sides, Tolerance(1e-3, 1e-5)).equal is equal
    assert one(sides[0], sides[1].astype("float32")).equal is (got == want)


def test_large_integers_are_not_rounded() -> None:
    found = one(np.array([2**63 - 1]), np.array([2**63 - 2]))
    assert found.max_absolute_error == 1
    assert "element [0]: served is 9223372036854775807, but Paddle Inference says 9223372036854775806" in describe(
        found
    )


def test_the_worst_element_is_named_and_the_others_counted() -> None:
    got, want = np.array([[1.0, 2.0], [3.0, 4.5]]), np.array([[1.0, 2.25], [3.0, 4.0]])
    assert describe(one(got, want)) == (
        "Sample a.json, tensor y, element [1, 1]: served is 4.5, but Paddle Inference says 4.0; 2 of 4 elements "
        "differ, largest absolute error 0.5, largest relative error 0.125."
    )


def test_text_is_compared_whatever_its_width() -> None:
    assert one(np.array(["a", "bc"]), np.array(["a", "bc"], dtype="<U10")).equal
    found = one(np.array(["a", "bd"]), np.array(["a", "bc"]))
    assert "element [1]: served is 'bd', but Paddle Inference says 'bc'" in describe(found)


def test_missing_and_unexpected_tensors_are_differences() -> None:
    got, want = {"a": np.zeros(1), "b": np.zeros(1)}, {"c": np.zeros(1), "a": np.zeros(1)}
    found = compare("s", got, want, EXACT, "Paddle Inference", "recorded")
    assert [(item.tensor, item.difference and item.difference.kind) for item in found] == [
        ("c", "missing"),
        ("a", None),
        ("b", "unexpected"),
    ]
    assert describe(found[0]) == "Sample s, tensor c: Paddle Inference has no such tensor, but recorded has one."
    assert describe(found[1]) == "Sample s, tensor a: Paddle Inference and recorded are equal."


def test_two_empty_answers_are_not_equal() -> None:
    (found,) = compare("s", {}, {}, EXACT, "served", "Paddle Inference")
    assert not found.equal
    assert "nothing was compared" in describe(found)


def test_the_worst_element_has_both_values_both_errors_and_the_steps_between_them() -> None:
    want = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    got = want.copy()
    got[1, 0] = np.nextafter(np.nextafter(want[1, 0], np.float32(9)), np.float32(9))
    got[0, 1] = np.nextafter(want[0, 1], np.float32(9))
    worst = one(got, want).worst
    assert worst is not None
    assert worst == Element((1, 0), "3.0000005", "3.0", worst.absolute, worst.relative, 2)
    assert worst.absolute == pytest.approx(4.8e-7, rel=0.01)
    assert worst.relative == pytest.approx(1.6e-7, rel=0.01)
    within = one(got, want, Tolerance(1e-3, 1e-5))
    assert (within.difference, within.worst) == (None, worst)


def test_the_worst_element_is_one_that_differs_where_there_is_one() -> None:
    far_but_equal = np.array([1e6, 1.0]), np.array([1e6 + 1, 1.5])
    worst = one(*far_but_equal, Tolerance(1e-3, 0)).worst
    assert worst is not None
    assert (worst.index, worst.got, worst.want) == ((1,), "1.0", "1.5")
    signs = one(np.array([1.0, -0.0]), np.array([1.0, 0.0])).worst
    assert signs is not None
    assert (signs.index, signs.got, signs.want, signs.absolute) == ((1,), "-0.0", "0.0", 0)


def test_equal_tensors_have_their_first_element_as_the_worst_and_what_cannot_be_paired_has_none() -> None:
    assert one(np.array(["a", "b"]), np.array(["a", "b"])).worst == Element((0,), "'a'", "'a'", 0, 0, None)
    assert one(np.array(7), np.array(7)).worst == Element((), "7", "7", 0, 0, None)
    for got, want in ((np.zeros(2), np.zeros(3)), (np.zeros(2, np.float32), np.zeros(2)), (np.zeros(0), np.zeros(0))):
        assert one(got, want).worst is None


@given(FLOATS)
def test_a_step_is_a_neighbour(array: np.ndarray) -> None:
    for value in array.ravel():
        above = np.nextafter(value, np.float32(np.inf))
        if np.isfinite(value) and np.isfinite(above) and value != 0:
            assert ulps(np.asarray(above), np.asarray(value)) == 1


@pytest.mark.parametrize(
    ("got", "want", "steps"),
    [
        (np.float32(-0.0), np.float32(0.0), 0),
        (np.float32(1e-45), np.float32(-1e-45), 2),
        (np.float32(0.1), np.float64(0.1), 0),
        (np.float32(18.0), np.int64(18), 0),
        (np.float16(1.0), np.float32(1.001), 1),
        (np.float64(1.0), np.float64(1.5), None),
        (np.float32(1.0), np.float32(np.nan), None),
        (np.float16(1.0), np.float32(1e9), None),
        (np.int64(1), np.int64(2), None),
    ],
)
def test_steps_are_those_of_the_narrower_type_where_they_say_something(
    got: np.generic, want: np.generic, steps: int | None
) -> None:
    assert ulps(np.asarray(got), np.asarray(want)) == ulps(np.asarray(want), np.asarray(got)) == steps
