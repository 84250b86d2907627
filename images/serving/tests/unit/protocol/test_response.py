import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from paddle_serving_runtime.protocol import (
    BadRequest,
    UnpackableValue,
    error_body,
    http_status,
    pack_response,
    read_response,
)


def test_fields_have_the_order_of_the_pipeline_response() -> None:
    assert pack_response({"text": "a", "score": "0.5"}, {}) == (
        b'{"err_no":0,"err_msg":"","key":["text","score"],"value":["a","0.5"],"tensors":[]}'
    )


def test_an_error_has_the_shape_of_a_response_and_a_bounded_message() -> None:
    response = read_response(error_body(7000, "m" * 5000))
    assert response.err_no == 7000
    assert len(response.err_msg) == 1024


def test_text_that_is_not_unicode_cannot_be_packed() -> None:
    with pytest.raises(UnpackableValue, match="Unicode"):
        pack_response({"text": "\ud800"}, {})


def test_texts_of_a_model_are_a_string_tensor() -> None:
    body = json.loads(pack_response({}, {"y": np.array([["a", "\u00e9"]])}))
    assert body["tensors"] == [{"name": "y", "elem_type": 12, "shape": [1, 2], "str_data": ["a", "\u00e9"]}]


def test_an_output_type_without_code_cannot_be_packed() -> None:
    with pytest.raises(UnpackableValue, match="complex64"):
        pack_response({}, {"y": np.zeros(1, np.complex64)})


@given(
    hnp.arrays(
        st.sampled_from([np.float32, np.float64, np.float16, np.int64, np.int32, np.int8, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
)
def test_a_tensor_keeps_every_bit_on_its_way(array: np.ndarray) -> None:
    read = read_response(pack_response({}, {"y": array})).tensors["y"]
    np.testing.assert_array_equal(read, array, strict=True)
    if array.dtype.kind == "f":
        finite = np.isfinite(array)
        np.testing.assert_array_equal(np.signbit(read[finite]), np.signbit(array[finite]))


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"err_no":0,"key":["a"],"value":[]}'])
def test_what_is_no_response_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read_response(body)


def test_the_http_status_tells_the_truth() -> None:
    assert [http_status(code) for code in (0, 3001, 3002, 5000, 6000, 7000, 8000, 10000, 49, 50, 55, 99, 100)] == [
        *(200, 503, 404, 400, 504, 500, 400, 500, 500, 400, 400, 400, 500)
    ]
