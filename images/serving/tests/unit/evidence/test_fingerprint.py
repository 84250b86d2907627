import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paddle_serving_runtime.consistency import EXACT, compare
from paddle_serving_runtime.evidence.fingerprint import tensor_digest

TYPES = st.sampled_from(["<f2", "<f4", "<f8", "<i8", "<u2", "?", "<c8", "<U3"])
SMALL = TYPES.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=2, max_side=2)))


@given(SMALL, SMALL)
def test_equal_fingerprints_are_equality_bit_for_bit(one: np.ndarray, other: np.ndarray) -> None:
    (found,) = compare("", {"y": one}, {"y": other}, EXACT, "", "")
    assert (tensor_digest(one) == tensor_digest(other)) == found.equal


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=2, max_side=3)), st.data())
def test_one_flipped_bit_has_another_fingerprint_unless_it_is_in_a_nan(array: np.ndarray, data: st.DataObject) -> None:
    index = data.draw(st.tuples(*(st.integers(0, size - 1) for size in array.shape)))
    changed = array.copy()
    changed.view(np.uint32)[index] ^= np.uint32(1 << data.draw(st.integers(0, 31)))
    both_nan = bool(np.isnan(array[index]) and np.isnan(changed[index]))
    assert (tensor_digest(changed) == tensor_digest(array)) == both_nan


def test_every_nan_is_the_same_and_the_zeros_are_not() -> None:
    one = np.array([np.nan, 1.0], np.float32)
    other = one.copy()
    other.view(np.uint32)[0] ^= 1
    assert np.isnan(other[0])
    assert tensor_digest(one) == tensor_digest(other) != tensor_digest(np.array([1.0, np.nan], np.float32))
    assert tensor_digest(one.astype(np.complex64)) == tensor_digest(other.astype(np.complex64))
    assert tensor_digest(np.array([0.0])) != tensor_digest(np.array([-0.0]))


def test_the_order_in_memory_and_of_bytes_does_not_count_and_the_shape_does() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert tensor_digest(np.asfortranarray(array)) == tensor_digest(array.astype(">f4")) == tensor_digest(array)
    assert tensor_digest(array.reshape(3, 2)) != tensor_digest(array)
    assert tensor_digest(array[::-1]) != tensor_digest(array)


def test_a_fingerprint_stays_what_it_is() -> None:
    # printf 'float32 [1]\n\0\0\200\077' | sha256sum
    assert (
        tensor_digest(np.array([1.0], np.float32)) == "20068bc25db63635d5a9e081939859b95f5030a6817f89b4b8d33f82d17a7757"
    )
