from typing import Any

import numpy as np
import pytest

from paddle_serving_runtime.engine.inputs import InputCheck, check_inputs, empty_axes
from paddle_serving_runtime.paddle_model.prototxt import ModelConf, Variable
from paddle_serving_runtime.protocol import BadRequest


def conf(*shapes: tuple[int, ...], dtype: str = "float32", is_lod: bool = False) -> ModelConf:
    names = ("x", "y")
    return ModelConf(
        tuple(Variable(name, name, np.dtype(dtype), shape, is_lod) for name, shape in zip(names, shapes, strict=False)),
        (),
    )


def floats(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("declared", "actual"),
    [
        ((13,), (1, 13)),
        ((13,), (7, 13)),
        ((3,), (1, 3, 48, 320)),
        ((1, 13), (1, 13)),
        ((3, -1, -1), (2, 3, 5, 6)),
        ((-1,), (2, 9)),
        ((1,), (4, 9)),
    ],
)
def test_a_shape_that_agrees_with_the_declared_one_is_accepted(
    declared: tuple[int, ...], actual: tuple[int, ...]
) -> None:
    assert check_inputs(conf(declared), {}, {"x": floats(*actual)})["x"].shape == actual


@pytest.mark.parametrize(
    ("declared", "actual"),
    [
        ((13,), (13,)),
        ((13,), (1, 12)),
        ((3,), (1, 1, 48, 320)),
        ((3, -1, -1), (2, 3, 5)),
        ((3, -1, -1), (2, 4, 5, 6)),
        ((13,), (0, 13)),
        ((1,), ()),
    ],
)
def test_another_rank_or_shape_is_refused_by_name(declared: tuple[int, ...], actual: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest, match=r"input [xy] has shape") as failure:
        check_inputs(conf(declared), {}, {"x": floats(*actual)})
    assert (failure.value.status, failure.value.err_no) == (400, 5000)


@pytest.mark.parametrize(
    ("program", "actual", "message"),
    [
        ((-1, 3, 48, -1), (2, 3, 48, 320), ""),
        ((), (), ""),
        ((-1, 3, 48, -1), (3, 48, 320), "input x has shape [3, 48, 320], but the model's is [-1, 3, 48, -1]"),
        ((-1, 3, 48, -1), (1, 3, 47, 320), "input x has shape [1, 3, 47, 320], but the model's is [-1, 3, 48, -1]"),
        (
            (-1, 3, -1),
            (1, 3, 0),
            "input x has shape [1, 3, 0], which holds nothing, and the service has no golden sample like that",
        ),
        ((2, 3), (1, 3), "input x has shape [1, 3], but the model's is [2, 3]"),
        ((), (1,), "input x has shape [1], but the model's is []"),
    ],
)
def test_the_program_knows_the_rank_where_the_prototxt_leaves_it_open(
    program: tuple[int, ...], actual: tuple[int, ...], message: str
) -> None:
    declared = conf(tuple(size for size in program[1:] if size > 0))
    if not message:
        assert check_inputs(declared, {"x": program}, {"x": floats(*actual)})["x"].shape == actual
        return
    with pytest.raises(BadRequest) as failure:
        check_inputs(declared, {"x": program}, {"x": floats(*actual)})
    assert (failure.value.message, failure.value.err_no) == (message, 5000)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "the inputs are none, but the model's are x, y"),
        ({"x": floats(1, 2)}, "the inputs are x,"),
        ({"x": floats(1, 2), "y": floats(1, 2), "z": floats(1)}, "x, y, z"),
        ({"x": floats(1, 2), "y": np.zeros((1, 2))}, "input y has type float64"),
        ({"x": floats(1, 2), "y": "1,x"}, "input y: the text is not a list of numbers"),
        ({"x": floats(1, 2), "y": "1,2,3"}, "3 numbers cannot fill"),
        ({"x": floats(1, 2), "y": floats(1, 2), "y.lod": "0"}, "input y.lod must be a tensor"),
    ],
)
def test_wrong_names_types_and_texts_are_refused(inputs: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        check_inputs(conf((2,), (2,)), {}, inputs)


def test_inputs_without_rows_are_taken_as_a_golden_sample_has_them() -> None:
    full, empty = floats(2, 2), floats(0, 2)
    shown = {empty_axes({"x": full, "y": empty})}
    taken = check_inputs(conf((2,), (2,)), {}, {"x": full, "y": empty}, shown)
    assert {name: array.shape for name, array in taken.items()} == {"x": (2, 2), "y": (0, 2)}
    check_inputs(conf((2,), (2,)), {}, {"x": full, "y": full}, shown)
    for inputs in ({"x": empty, "y": full}, {"x": empty, "y": empty}, {"x": full, "y": floats(0, 3)}):
        with pytest.raises(BadRequest, match=r"input [xy] has shape"):
            check_inputs(conf((2,), (2,)), {}, inputs, shown)


def test_what_was_accepted_once_is_accepted_again_and_nothing_else_is() -> None:
    check = InputCheck(conf((13,)), {})
    good = {"x": floats(1, 13)}
    for _ in range(3):
        assert check(good)["x"] is good["x"]
        for wrong in (
            {"y": floats(1, 13)},
            {"x": floats(1, 12)},
            {"x": floats(1, 13).astype(np.float64)},
            {"x": floats(0, 13)},
            {"x": "1,2"},
            {"x": floats(1, 13), "x.lod": np.array([0, 1])},
        ):
            with pytest.raises(BadRequest):
                check(wrong)


def test_the_offsets_of_every_request_are_checked() -> None:
    check = InputCheck(conf((-1,), is_lod=True), {})
    for _ in range(3):
        check({"x": floats(3, 2), "x.lod": np.array([0, 3])})
        with pytest.raises(BadRequest, match="offsets from 0 to 3"):
            check({"x": floats(3, 2), "x.lod": np.array([0, 4])})


def test_numbers_as_text_fill_a_fixed_shape_row_by_row() -> None:
    x = check_inputs(conf((2,)), {}, {"x": "[0.1, 2, 3,4]"})["x"]
    np.testing.assert_array_equal(x, np.array([[0.1, 2], [3, 4]], np.float32), strict=True)


def test_text_is_refused_where_the_shape_or_the_type_does_not_fit() -> None:
    with pytest.raises(BadRequest, match="no fixed shape"):
        check_inputs(conf((3, -1)), {}, {"x": "1,2,3"})
    with pytest.raises(BadRequest, match="does not fit int64"):
        check_inputs(conf((1,), dtype="int64"), {}, {"x": "1.5"})
    with pytest.raises(BadRequest, match="no fixed shape"):
        check_inputs(conf((1,), is_lod=True), {}, {"x": "1"})
    with pytest.raises(BadRequest, match="input x: a number does not fit int64"):
        check_inputs(conf((1,), dtype="int64"), {}, {"x": "9223372036854775808"})
    with pytest.raises(BadRequest, match="input x: a number does not fit float32"):
        check_inputs(conf((1,)), {}, {"x": "1e39"})


def test_integers_as_text_do_not_go_through_a_float() -> None:
    x = check_inputs(conf((3,), dtype="int64"), {}, {"x": "9007199254740993,-9223372036854775807,9223372036854775807"})
    assert x["x"].tolist() == [[2**53 + 1, -(2**63) + 1, 2**63 - 1]]
