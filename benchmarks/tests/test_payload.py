import json

import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from benchmarks import payload

X = np.array([[0.1, -2.5, 3.0]], dtype=np.float32)


def test_json_keeps_every_bit_of_float32() -> None:
    (tensor,) = json.loads(payload.build(payload.JSON, "m", {"x": X}).body)["tensors"]
    assert np.array_equal(np.array(tensor["float_data"], dtype=np.float32).reshape(tensor["shape"]), X)


def test_a_grpc_body_is_one_framed_message() -> None:
    request = payload.build(payload.OIP_GRPC, "m", {"x": X})
    assert request.body[:1] == b"\0"
    assert int.from_bytes(request.body[1:5], "big") == len(request.body) - 5
    message = service_pb2.ModelInferRequest.FromString(request.body[5:])
    assert message.model_name == "m"
    assert message.raw_input_contents[0] == X.tobytes()


def test_the_pipeline_message_carries_the_same_numbers() -> None:
    request = payload.build(payload.PIPELINE_GRPC, "m", {"x": X})
    (tensor,) = payload.pipeline_messages().Request.FromString(request.body[5:]).tensors
    assert list(tensor.float_data) == X.ravel().tolist()


def test_a_binary_body_says_where_its_json_ends() -> None:
    request = payload.build(payload.OIP_BINARY, "m", {"x": X})
    length = int(dict(request.headers)["inference-header-content-length"])
    assert json.loads(request.body[:length])["inputs"][0]["datatype"] == "FP32"
    assert request.body[length:] == X.tobytes()


@pytest.mark.parametrize("protocol", payload.PROTOCOLS)
def test_text_travels_by_every_protocol(protocol: str) -> None:
    assert b"picture" in payload.build(protocol, "m", {"image": "picture"}).body
