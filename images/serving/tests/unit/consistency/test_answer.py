import ast
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paddle_serving_runtime.consistency import values_to_answer


def read(text: str) -> np.ndarray:
    (array,) = values_to_answer({"v": text}).values()
    return array


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("18.9", np.array(18.9)),
        ("[1, 2]", np.array([1, 2])),
        ("[[0.5, 1]]", np.array([[0.5, 1.0]])),
        ("(1, -2)", np.array([1, -2])),
        ("[True, False]", np.array([True, False])),
        ("['a', 'bc']", np.array(["a", "bc"])),
        ('["a", "\\ud83d\\ude00"]', np.array(["a", "😀"])),
        ('"quoted"', np.array("quoted")),
        ("array([[18.901152]], dtype=float32)", np.array([[18.901152]])),
        ("[np.float32(0.9), np.float32(1.0)]", np.array([0.9, 1.0])),
        ("array(['中'], dtype='<U1')", np.array(["中"])),
        ("[nan, inf, -inf]", np.array([np.nan, np.inf, -np.inf])),
        ("[]", np.array([])),
        ("[9007199254740993, -9223372036854775808]", np.array([2**53 + 1, -(2**63)])),
        ("[18446744073709551615, 1]", np.array([2**64 - 1, 1], np.uint64)),
    ],
)
def test_literals_become_arrays(text: str, expected: np.ndarray) -> None:
    found = read(text)
    assert found.dtype.kind == expected.dtype.kind
    np.testing.assert_array_equal(found, expected, strict=found.dtype.kind != "U")


@pytest.mark.parametrize(
    "text",
    [
        *("hello", "00123", "1+1", "[[0.1 0.2]]", "", "a, b", "[x for x in (1,)]", "b'1'", "1j", "f'{1}'"),
        *("len('a')", "array(len)"),
        *("123456789012345678901234567890", "2" * 5000, "[" * 40),
    ],
)
def test_everything_else_stays_the_text_that_it_is(text: str) -> None:
    found = read(text)
    assert found.shape == ()
    assert str(found) == text


@pytest.mark.parametrize("error", [RecursionError, MemoryError])
def test_a_text_that_is_too_deep_for_its_parser_stays_text(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def too_deep(*_arguments: object, **_options: object) -> None:
        raise error

    with monkeypatch.context() as patched:  # pytest itself parses, to show a failure
        patched.setattr(ast, "parse", too_deep)
        found = read("(1,)")
    assert str(found) == "(1,)"


def test_an_array_stays_as_it_is() -> None:
    array = np.array([1], np.int8)
    assert values_to_answer({"v": array})["v"] is array


def test_mixed_values_are_taken_apart_so_that_numbers_can_be_compared_as_numbers() -> None:
    answer = values_to_answer({"result": "[[('text', 0.99), ('x', 0.5)], []]"})
    assert {name: array.tolist() for name, array in answer.items()} == {
        "result": "[[[<text>, <number>], [<text>, <number>]], []]",
        "result.numbers": [0.99, 0.5],
        "result.texts": ["text", "x"],
    }


@pytest.mark.parametrize(
    "text", ['{{"id": {}, "score": 0.5}}', "[0.5, {}]", "[[[{}, 1], [0.5, 2]]]", "(1.0, np.int64({}))"]
)
def test_a_large_integer_beside_floats_keeps_its_last_digit(text: str) -> None:
    assert read_all(text.format(2**53)) != read_all(text.format(2**53 + 1))
    assert read_all(text.format(2**53 + 1)) != read_all(text.format(2**53 + 2))
    assert read_all(text.format(2**53 + 1))["v.texts"] == [str(2**53 + 1)]


@pytest.mark.parametrize("text", ["[1, [2]]", '{"a": 1}', "None", "[None]", "[1, true]"])
def test_the_structure_of_irregular_values_counts(text: str) -> None:
    (first, *_), others = values_to_answer({"v": text}).values(), [read_all("[1, 2]"), read_all("[1, [3]]")]
    assert first.dtype.kind == "U"
    assert all(other != read_all(text) for other in others)


def read_all(text: str) -> dict[str, object]:
    return {name: array.tolist() for name, array in values_to_answer({"v": text}).items()}


@given(
    hnp.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]), hnp.array_shapes(max_dims=3, max_side=3))
)
def test_the_list_and_the_repr_of_an_array_read_back(array: np.ndarray) -> None:
    with np.printoptions(threshold=10**9, precision=17, floatmode="unique"):
        for text in (json.dumps(array.tolist()), str(array.tolist()), repr(array)):
            np.testing.assert_array_equal(read(text).astype(array.dtype), array)


@given(st.text(max_size=30))
def test_no_text_is_refused(text: str) -> None:
    assert values_to_answer({"v": text})
