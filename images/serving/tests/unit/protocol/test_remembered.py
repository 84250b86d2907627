"""A request is read the same whether its JSON has come before or not."""

from typing import Any

import numpy as np
import orjson
import pytest

from paddle_serving_runtime.protocol import BadRequest, Limits
from paddle_serving_runtime.protocol.open_inference.common import InferRequest
from paddle_serving_runtime.protocol.open_inference.remembered import InferParser
from paddle_serving_runtime.protocol.open_inference.rest import parse_infer

LIMITS = Limits(body_bytes=100_000)


def tensor(name: str, array: np.ndarray, datatype: str = "FP32") -> dict[str, Any]:
    parameters = {"binary_data_size": array.nbytes}
    return {"name": name, "shape": list(array.shape), "datatype": datatype, "parameters": parameters}


def body_of(head: object, *data: bytes) -> tuple[bytes, str]:
    text = orjson.dumps(head)
    return b"".join((text, *data)), str(len(text))


def is_the_same(one: InferRequest, other: InferRequest) -> None:
    assert one._replace(call=None) == other._replace(call=None)  # type: ignore[arg-type]
    assert (one.call.target, one.call.outputs, one.call.alone) == (other.call.target, other.call.outputs, False)
    assert list(one.call.inputs) == list(other.call.inputs)
    for name, value in one.call.inputs.items():
        wanted = other.call.inputs[name]
        if isinstance(value, str) or isinstance(wanted, str):
            assert value == wanted
        else:
            assert (value.dtype, value.shape, value.tobytes()) == (wanted.dtype, wanted.shape, wanted.tobytes())
            assert value.flags.writeable


def test_tensors_of_a_json_that_has_come_before_are_those_of_the_request() -> None:
    parse = InferParser(LIMITS)
    first, second = np.ones((2, 3), np.float32), np.zeros(4, np.int64)
    outputs = [{"name": "y", "parameters": {"binary_data": True}}, {"name": "z"}]
    head = {"id": "7", "inputs": [tensor("a", first), tensor("b", second, "INT64")], "outputs": outputs}
    for number in range(3):
        body, length = body_of(head, (first * number).tobytes(), (second + number).tobytes())
        is_the_same(parse("net", "", body, length), parse_infer("net", "", body, length, LIMITS))


def test_the_same_json_for_another_model_is_a_request_to_that_model() -> None:
    parse, array = InferParser(LIMITS), np.ones(3, np.float32)
    body, length = body_of({"inputs": [tensor("a", array)]}, array.tobytes())
    for model, target in (("net", ""), ("op", "op"), ("net", "")):
        is_the_same(parse(model, target, body, length), parse_infer(model, target, body, length, LIMITS))


@pytest.mark.parametrize(
    ("head", "data"),
    [
        ({"inputs": [{"name": "a", "shape": [2], "datatype": "FP32", "data": [1, 2]}]}, b""),
        ({"inputs": [{"name": "a", "shape": [0], "datatype": "FP32", "data": []}]}, b""),
        (
            {
                "inputs": [
                    tensor("a", np.ones(1, np.float32)),
                    {"name": "b", "shape": [1], "datatype": "FP32", "data": [2]},
                ]
            },
            b"0000",
        ),
        (
            {"inputs": [{"name": "t", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": 5}}]},
            b"\1\0\0\0x",
        ),
        ({"inputs": []}, b""),
    ],
)
def test_a_request_without_a_tensor_in_bytes_is_read_anew(head: object, data: bytes) -> None:
    parse = InferParser(LIMITS)
    body, length = body_of(head, data)
    for _ in range(3):
        is_the_same(parse("net", "", body, length), parse_infer("net", "", body, length, LIMITS))


@pytest.mark.parametrize("data", [b"", b"\1\1", b"\1\1\1\1", b"\1\1\2", b"\1" * 100_001])
def test_what_is_wrong_behind_a_json_that_has_come_before_is_refused(data: bytes) -> None:
    parse = InferParser(LIMITS)
    head = {"inputs": [tensor("a", np.ones(3, np.bool_), "BOOL")]}
    parse("net", "", *body_of(head, b"\1\0\1"))
    with pytest.raises(BadRequest) as wanted:
        parse_infer("net", "", *body_of(head, data), LIMITS)
    with pytest.raises(BadRequest) as refused:
        parse("net", "", *body_of(head, data))
    assert (refused.value.message, refused.value.status) == (wanted.value.message, wanted.value.status)


def test_more_requests_than_are_remembered_are_read() -> None:
    parse, array = InferParser(LIMITS), np.ones(3, np.float32)
    for number in (*range(400), *range(400)):
        body, length = body_of({"id": str(number), "inputs": [tensor("a", array)]}, array.tobytes())
        assert parse("net", "", body, length).id == str(number)
