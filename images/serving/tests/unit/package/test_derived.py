import base64
import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from paddle_serving_runtime.package.derived import derived_samples
from paddle_serving_runtime.package.golden import Sample, tensors_request


def derived(document: object, *, any_batch: bool = True) -> dict[str, Any]:
    """The derived requests by what was done."""
    sample = Sample("a.json", document if isinstance(document, bytes) else json.dumps(document).encode())
    found = list(derived_samples(sample, any_batch=any_batch))
    return {one.name.removeprefix("a.json (").removesuffix(")"): json.loads(one.body) for one in found}


def text(value: str) -> dict[str, list[str]]:
    return {"key": ["x"], "value": [value]}


def test_a_model_of_any_batch_gets_the_first_row_once_more() -> None:
    ids, mask = np.array([[7, 3, 900]]), np.array([[1.0, 1.0, 0.5]], np.float32)
    found = derived(tensors_request({"ids": ids, "mask": mask}))["first row repeated"]["tensors"]
    assert [(tensor["shape"]) for tensor in found] == [[2, 3], [2, 3]]
    assert found[0]["int64_data"] == [7, 3, 900, 7, 3, 900]
    assert found[1]["float_data"] == [1.0, 1.0, 0.5, 1.0, 1.0, 0.5]


def test_a_model_of_one_batch_gets_rows_in_another_order_or_floats_from_back_to_front() -> None:
    two, one = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), np.array([[1.0, 2.0]], np.float32)
    rolled = derived(tensors_request({"x": two}), any_batch=False)
    assert rolled["rows in another order"]["tensors"][0]["float_data"] == [3.0, 4.0, 1.0, 2.0]
    assert "first row repeated" not in rolled
    turned = derived(tensors_request({"x": one, "n": np.array([[5, 6]])}), any_batch=False)
    assert list(turned) == ["values reversed"]
    assert turned["values reversed"]["tensors"][0]["float_data"] == [2.0, 1.0]
    assert turned["values reversed"]["tensors"][1]["int64_data"] == [5, 6]


def test_whole_numbers_of_a_fixed_batch_have_no_safe_change() -> None:
    assert derived(tensors_request({"ids": np.array([[7, 3]])}), any_batch=False) == {}


def test_numbers_in_a_text_are_turned_around_and_stay_the_same_numbers() -> None:
    assert derived(text("0.5, -1e-3,2"))["numbers reversed"]["value"] == ["2, -1e-3,0.5"]
    assert derived(text("[[0.5, 1.5]]"))["numbers reversed"]["value"] == ["[[1.5, 0.5]]"]


@pytest.mark.parametrize("value", ["", "17,4", "3", "0.5", "1.0,1.0", "v1.2 of 3.4", "hello", "nan,inf", "aGVsbG8="])
def test_a_text_that_may_mean_something_else_is_left_alone(value: str) -> None:
    assert derived(text(value)) == {}


def test_a_picture_is_turned_upside_down_in_its_own_format() -> None:
    picture = Image.new("RGB", (3, 2))
    picture.putpixel((0, 0), (255, 0, 0))
    content = io.BytesIO()
    picture.save(content, format="PNG")
    (found,) = derived(text(base64.b64encode(content.getvalue()).decode())).values()
    with Image.open(io.BytesIO(base64.b64decode(found["value"][0]))) as turned:
        assert (turned.format, turned.size, turned.getpixel((2, 1))) == ("PNG", (3, 2), (255, 0, 0))


@pytest.mark.parametrize(
    "document",
    [
        b"{",
        {},
        {"tensors": [{"name": "x", "elem_type": 1, "shape": [1, 2], "float_data": [1.0]}]},
        {"tensors": [{"name": "x", "elem_type": 1, "float_data": [1.0, 2.0]}]},
        {"tensors": [{"name": "x", "shape": [1, 2], "float_data": [1.0, 2.0], "lod": [{"lod": [0, 1]}]}]},
        {"tensors": [{"name": "x", "shape": ["?"], "float_data": [1.0]}]},
        {"tensors": ["x"]},
        {"tensors": {"x": 1}},
        {"key": "x", "value": 7},
    ],
)
def test_what_is_no_plain_request_has_no_second_one(document: object) -> None:
    assert derived(document) == {}
