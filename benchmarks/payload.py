"""Request bodies for every protocol, made from the same tensors or the same text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import tritonclient.http
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2

from paddle_serving_runtime import serving_packages

JSON = "JSON"
PIPELINE_GRPC = "gRPC"
OIP_BINARY = "OIP REST binary"
OIP_GRPC = "OIP gRPC"
PROTOCOLS = (JSON, PIPELINE_GRPC, OIP_BINARY, OIP_GRPC)

_GRPC_HEADERS = (("content-type", "application/grpc"), ("te", "trailers"))
_FLOAT32 = 1

Tensor = NDArray[np.float32]
Inputs = Mapping[str, str | Tensor]


@dataclass(frozen=True, slots=True)
class Payload:
    """One request: what every request of a load sends, `body` with its gRPC frame where `grpc`."""

    protocol: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    grpc: bool


def pipeline_messages() -> Any:  # noqa: ANN401 - a generated module
    """The message classes of pipeline_service.proto, as Paddle Serving's package has them."""
    serving_packages.install()
    from paddle_serving_server.pipeline.proto import pipeline_service_pb2  # noqa: PLC0415 - only after the repair

    return pipeline_service_pb2


def build(protocol: str, service: str, inputs: Inputs) -> Payload:
    """The payload that carries `inputs`, text by key or float32 tensors by name, to `service`."""
    if protocol == JSON:
        json = (("content-type", "application/json"),)
        return Payload(protocol, f"/{service}/prediction", json, json_body(inputs), grpc=False)
    if protocol == PIPELINE_GRPC:
        path = "/baidu.paddle_serving.pipeline_serving.PipelineService/inference"
        return Payload(protocol, path, _GRPC_HEADERS, framed(pipeline_request(service, inputs)), grpc=True)
    if protocol == OIP_GRPC:
        path = "/inference.GRPCInferenceService/ModelInfer"
        return Payload(protocol, path, _GRPC_HEADERS, framed(oip_request(service, inputs)), grpc=True)
    body, length = tritonclient.http.InferenceServerClient.generate_request_body(
        triton_inputs(inputs), outputs=None, request_id=""
    )
    headers = (("content-type", "application/octet-stream"), ("inference-header-content-length", str(length)))
    return Payload(protocol, f"/v2/models/{service}/infer", headers, bytes(body), grpc=False)


def framed(message: bytes) -> bytes:
    """A gRPC message, not compressed, behind its five bytes."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def json_body(inputs: Inputs) -> bytes:
    """A Request of the pipeline protocol; float32 numbers as short as they can be without losing a bit."""
    texts = {name: value for name, value in inputs.items() if isinstance(value, str)}
    tensors = [
        {"name": name, "elem_type": _FLOAT32, "shape": list(value.shape), "float_data": value.ravel()}
        for name, value in inputs.items()
        if not isinstance(value, str)
    ]
    message = {"key": list(texts), "value": list(texts.values())} if texts else {"tensors": tensors}
    return orjson.dumps(message, option=orjson.OPT_SERIALIZE_NUMPY)


def pipeline_request(service: str, inputs: Inputs) -> bytes:
    """The same Request as protocol buffers."""
    request = pipeline_messages().Request(name=service, method="prediction")
    for name, value in inputs.items():
        if isinstance(value, str):
            request.key.append(name)
            request.value.append(value)
        else:
            tensor = request.tensors.add(name=name, elem_type=_FLOAT32, shape=list(value.shape))
            tensor.float_data.extend(value.ravel().tolist())
    return bytes(request.SerializeToString())


def oip_request(service: str, inputs: Inputs) -> bytes:
    """A ModelInferRequest with its tensors as raw bytes."""
    request = service_pb2.ModelInferRequest(model_name=service)
    for name, value in inputs.items():
        array = oip_array(value)
        raw = array.tobytes() if array.dtype == np.float32 else _length_and_bytes(str(value))
        datatype = "FP32" if array.dtype == np.float32 else "BYTES"
        request.inputs.add(name=name, datatype=datatype, shape=list(array.shape))
        request.raw_input_contents.append(raw)
    return bytes(request.SerializeToString())


def triton_inputs(inputs: Inputs) -> list[tritonclient.http.InferInput]:
    """The inputs as tritonclient.http wants them, binary."""
    made = []
    for name, value in inputs.items():
        array = oip_array(value)
        datatype = "FP32" if array.dtype == np.float32 else "BYTES"
        made.append(tritonclient.http.InferInput(name, list(array.shape), datatype))
        made[-1].set_data_from_numpy(array, binary_data=True)
    return made


def oip_array(value: str | Tensor) -> NDArray[Any]:
    """A tensor as it is; text as one element of type BYTES."""
    return np.array([value.encode()], dtype=np.object_) if isinstance(value, str) else value


def _length_and_bytes(text: str) -> bytes:
    return len(text.encode()).to_bytes(4, "little") + text.encode()
