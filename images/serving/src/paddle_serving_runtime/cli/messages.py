"""The client's side of the protocols: golden samples to requests, answers to responses. Pure."""

from collections.abc import Mapping
from dataclasses import replace

import orjson
from google.protobuf import json_format

from paddle_serving_runtime.package.golden import request_fields
from paddle_serving_runtime.protocol import BadRequest, Limits, Response, parse_request
from paddle_serving_runtime.protocol.open_inference import grpc as open_inference_grpc
from paddle_serving_runtime.protocol.open_inference import rest as open_inference_rest
from paddle_serving_runtime.protocol.open_inference.common import describe_output, raw_of
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.pipeline.grpc import read_message
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES as PIPELINE

METHODS = {
    "pipeline-grpc": "/baidu.paddle_serving.pipeline_serving.PipelineService/inference",
    "open-inference-grpc": "/inference.GRPCInferenceService/ModelInfer",
}
_LIMITS = Limits()
_HEADER_LENGTH = "Inference-Header-Content-Length"
_SIZE = "binary_data_size"


def infer_body(sample: bytes) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an Open Inference REST request that asks what the sample asks, tensors as bytes.

    Raises BadRequest for a sample that is no request.
    """
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
    """The response in an Open Inference REST answer; an error has the status. Raises BadRequest where it is none."""
    try:
        response = open_inference_rest.read_infer(body, headers.get(_HEADER_LENGTH))
    except BadRequest as error:
        raise BadRequest(f"the response is not one of the Open Inference Protocol: {error.message}") from None
    return replace(response, err_no=status) if response.err_no else response


def grpc_request(protocol: str, name: str, sample: bytes) -> bytes:
    """The request message that asks what the sample asks. Raises BadRequest for a sample that is no request."""
    if protocol == "pipeline-grpc":
        try:
            fields = request_fields(sample)
            message = json_format.ParseDict(fields, PIPELINE["Request"](), ignore_unknown_fields=True)
        except (json_format.ParseError, ValueError) as error:
            raise BadRequest(str(error)) from None
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
    return read_message(answer) if protocol == "pipeline-grpc" else open_inference_grpc.read_infer(answer)
