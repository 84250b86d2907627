"""Requests as Triton's own client writes them, and as it never would."""

import json
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.grpc import service_pb2
from tritonclient.grpc._utils import _get_inference_request as grpc_request
from tritonclient.utils import np_to_triton_dtype

from paddle_serving_runtime.protocol import Limits
from paddle_serving_runtime.protocol.open_inference import grpc, rest
from paddle_serving_runtime.protocol.open_inference.common import InferRequest, resolver

LIMITS = Limits(body_bytes=100_000, tensors=3)
RESOLVE = resolver(["svc"], ["net"])
DTYPES = [
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16"),
    *("float32", "float64"),
]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
ARRAYS = hnp.arrays(st.sampled_from(DTYPES), SHAPES)
JSON_ARRAYS = hnp.arrays(st.sampled_from([name for name in DTYPES if name != "float16"]), SHAPES)
SPECIAL = np.array([[np.nan, np.inf], [-np.inf, -0.0]], np.float32)


def described(module: Any, array: np.ndarray) -> Any:  # noqa: ANN401 - of a package without types
    return module.InferInput("x", list(array.shape), np_to_triton_dtype(array.dtype))


def rest_body(array: np.ndarray, *, binary: bool) -> tuple[bytes, int | None]:
    tensor = described(triton_http, array).set_data_from_numpy(array, binary_data=binary)
    body, length = triton_http.InferenceServerClient.generate_request_body([tensor], request_id="r")
    return bytes(body), length


def read_rest(body: bytes, length: int | None = None, target: str = "net") -> InferRequest:
    return rest.parse_infer("net", target, body, None if length is None else str(length), LIMITS)


def infer_json(**fields: object) -> InferRequest:
    return read_rest(json.dumps(fields).encode(), target=str(fields.pop("target", "net")))


def one_input(**fields: object) -> InferRequest:
    return infer_json(inputs=[{"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2], **fields}])


def message(array: np.ndarray, **options: Any) -> bytes:  # noqa: ANN401 - of a package without types
    tensor = described(triton_grpc, array).set_data_from_numpy(array)
    fields = {"model_name": "net", "model_version": "", "request_id": "r", "outputs": None, "parameters": None}
    sequence = {"sequence_id": 0, "sequence_start": False, "sequence_end": False, "priority": 0, "timeout": None}
    request = grpc_request(inputs=[tensor], **{**fields, **sequence, **options})
    return bytes(request.SerializeToString())


def typed(datatype: str, shape: list[int], **contents: object) -> bytes:
    request = service_pb2.ModelInferRequest(model_name="net")
    tensor = request.inputs.add(name="x", datatype=datatype, shape=shape)
    tensor.contents.CopyFrom(service_pb2.InferTensorContents(**contents))
    return bytes(request.SerializeToString())


def asking_for_typed_contents(array: np.ndarray) -> InferRequest:
    request = service_pb2.ModelInferRequest.FromString(message(array))
    request.parameters["binary_data_output"].bool_param = False
    return grpc.parse_infer(request.SerializeToString(), RESOLVE, LIMITS)
