"""The client's side of the protocols: golden samples to requests, answers to responses. Pure."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from numpy.typing import NDArray

from paddle_serving_runtime.protocol import BadRequest, Limits, Response, parse_request
from paddle_serving_runtime.protocol.datatypes import BYTES, from_raw, require_datatype, require_shape, texts_from_raw
from paddle_serving_runtime.protocol.open_inference import describe_output, raw_of
from paddle_serving_runtime.protocol.open_inference_messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.pipeline_messages import MESSAGES as PIPELINE
from paddle_serving_runtime.protocol.tensors import unpack_tensor

METHODS = {
    "pipeline-grpc": "/baidu.paddle_serving.pipeline_serving.PipelineService/inference",
    "open-inference-grpc": "/inference.GRPCInferenceService/ModelInfer",
}
_LIMITS = Limits()
_HEADER_LENGTH = "Inference-Header-Content-Length"
_SIZE = "binary_data_size"
_REPEATED_TEXT = ("lod", "shape", "str_data")


def infer_body(sample: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an Open Inference REST request that asks what the sample asks, tensors as bytes."""
    described, data = [], []
    for name, value in parse_request(sample, _LIMITS).inputs.items():
        datatype, shape = describe_output(name, value)
        data.append(raw_of(value))
        parameters = {_SIZE: len(data[-1])}
        described.append({"name": name, "datatype": datatype, "shape": shape, "parameters": parameters})
    head = orjson.dumps({"inputs": described, "parameters": {"binary_data_output": True}})
    headers = {"Content-Type": "application/octet-stream", _HEADER_LENGTH: str(len(head))}
    return b"".join([head, *data]), headers


def read_infer_body(status: int, headers: Mapping[str, str], body: bytes) -> Response:
    """The response in an Open Inference REST answer. Raises BadRequest where it is none."""
    length = int(headers.get(_HEADER_LENGTH, len(body)))
    try:
        head = orjson.loads(body[:length])
        if "error" in head:
            return Response(status, head["error"])
        described = [(output["name"], output["datatype"], output["shape"]) for output in head["outputs"]]
        sizes = [output.get("parameters", {})[_SIZE] for output in head["outputs"]]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise BadRequest(f"the response is not one of the Open Inference Protocol: {error}") from None
    ends = np.cumsum([length, *sizes])
    return _response(described, [body[start:end] for start, end in pairwise(ends)])


def grpc_request(protocol: str, name: str, sample: bytes) -> bytes:
    """The request message that asks what the sample asks."""
    if protocol == "pipeline-grpc":
        message = json_format.Parse(sample, PIPELINE["Request"](), ignore_unknown_fields=True)
        message.name, message.method = name, "prediction"
        return bytes(message.SerializeToString())
    request = OPEN_INFERENCE["ModelInferRequest"](model_name=name)
    for key, value in parse_request(sample, _LIMITS).inputs.items():
        datatype, shape = describe_output(key, value)
        request.inputs.add(name=key, datatype=datatype, shape=shape)
        request.raw_input_contents.append(raw_of(value))
    return bytes(request.SerializeToString())


def read_grpc(protocol: str, answer: bytes) -> Response:
    """The response in an answer message. Raises BadRequest where it is none."""
    name = "Response" if protocol == "pipeline-grpc" else "ModelInferResponse"
    try:
        message = (PIPELINE if protocol == "pipeline-grpc" else OPEN_INFERENCE)[name].FromString(answer)
    except DecodeError:
        raise BadRequest(f"the response is not a {name}") from None
    if protocol == "pipeline-grpc":
        tensors: dict[str, Any] = {}
        for tensor in message.tensors:
            tensors.update(unpack_tensor(_as_mapping(tensor)))
        return Response(message.err_no, message.err_msg, dict(zip(message.key, message.value, strict=True)), tensors)
    described = [(output.name, output.datatype, output.shape) for output in message.outputs]
    return _response(described, list(message.raw_output_contents))


def _response(described: list[tuple[str, str, Any]], data: list[bytes]) -> Response:
    """Text of one element is a value of the service, everything else a tensor."""
    if len(described) != len(data):
        raise BadRequest(f"the response describes {len(described)} outputs and has the bytes of {len(data)}")
    values: dict[str, str] = {}
    tensors: dict[str, NDArray[Any]] = {}
    for (name, datatype, dims), raw in zip(described, data, strict=True):
        shape = require_shape(name, dims)
        if require_datatype(name, datatype) != BYTES:
            tensors[name] = from_raw(name, datatype, shape, raw)
            continue
        texts = [text.decode() for text in texts_from_raw(name, shape, raw)]
        if shape == (1,):
            values[name] = texts[0]
        else:
            tensors[name] = np.array(texts).reshape(shape)
    return Response(0, "", values, tensors)


def _as_mapping(tensor: Message) -> dict[str, Any]:
    """A tensor as its JSON form has it, numbers as arrays."""
    fields: dict[str, Any] = {"elem_type": 0}
    for descriptor, value in tensor.ListFields():
        if descriptor.name in ("name", "elem_type"):
            fields[descriptor.name] = value
        else:
            fields[descriptor.name] = list(value) if descriptor.name in _REPEATED_TEXT else np.array(value)
    return fields
