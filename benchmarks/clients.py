"""The real clients of each protocol: what they get is compared with what the predictor alone answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import requests
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray

from benchmarks import payload
from benchmarks.payload import Inputs

_SECONDS = 30.0
_METHOD = "/baidu.paddle_serving.pipeline_serving.PipelineService/inference"
_LIMIT = [("grpc.max_receive_message_length", -1)]

Answer = Mapping[str, "str | NDArray[Any]"]


class WrongAnswerError(Exception):
    """The sentence says which protocol, which output, and how it differs."""


def ask(protocol: str, ports: tuple[int, int], service: str, inputs: Inputs) -> Answer:
    """Text by key or tensors by name, asked of (HTTP port, gRPC port) with the protocol's own client.

    Raises WrongAnswerError for an answer that is a refusal, and what the client raises where there is none.
    """
    http, rpc = (f"127.0.0.1:{port}" for port in ports)
    if protocol == payload.JSON:
        url = f"http://{http}/{service}/prediction"
        reply = requests.post(url, data=payload.json_body(inputs), timeout=_SECONDS)
        return _from_json(reply.json())
    if protocol == payload.PIPELINE_GRPC:
        return _pipeline_grpc(rpc, payload.pipeline_request(service, inputs))
    if protocol == payload.OIP_GRPC:
        return _oip_grpc(rpc, service, inputs)
    return _oip_http(http, service, inputs)


def compare(protocol: str, answer: Answer, expected: Mapping[str, NDArray[Any]]) -> str:
    """`exact`, or how far the tensors are from the expected ones; `text` where the answer is text.

    Raises WrongAnswerError where a tensor is farther than float32 rounding explains.
    """
    tensors = {name: value for name, value in answer.items() if isinstance(value, np.ndarray) and value.dtype != object}
    if not tensors:
        if not answer:
            raise WrongAnswerError(f"{protocol}: the answer is empty")
        return "text"
    if len(tensors) != len(expected):
        raise WrongAnswerError(f"{protocol}: outputs {sorted(tensors)}, expected {sorted(expected)}")
    worst = 0.0
    for value, wanted in zip(tensors.values(), expected.values(), strict=True):
        if not np.allclose(value, wanted, rtol=1e-4, atol=1e-6):
            raise WrongAnswerError(f"{protocol}: {value.ravel()[:4]} instead of {wanted.ravel()[:4]}")
        worst = max(worst, float(np.abs(value - wanted).max(initial=0)))
    return "exact" if worst == 0 else f"within {worst:.1e}"


def _from_json(message: Mapping[str, Any]) -> Answer:
    if message.get("err_no") != 0:
        raise WrongAnswerError(f"{payload.JSON}: {str(message)[:300]}")
    tensors = {
        tensor["name"]: np.array(tensor["float_data"], dtype=np.float32).reshape(tensor["shape"])
        for tensor in message.get("tensors") or []
    }
    return tensors or dict(zip(message["key"], message["value"], strict=True))


def _pipeline_grpc(address: str, request: bytes) -> Answer:
    messages = payload.pipeline_messages()
    with grpc.insecure_channel(address, options=_LIMIT) as channel:
        call = channel.unary_unary(_METHOD, bytes, messages.Response.FromString)
        response = call(request, timeout=_SECONDS)
    if response.err_no != 0:
        raise WrongAnswerError(f"{payload.PIPELINE_GRPC}: {response.err_no} {response.err_msg[:300]}")
    tensors = {
        tensor.name: np.array(tensor.float_data, dtype=np.float32).reshape(tensor.shape) for tensor in response.tensors
    }
    return tensors or dict(zip(response.key, response.value, strict=True))


def _oip_http(address: str, service: str, inputs: Inputs) -> Answer:
    with tritonclient.http.InferenceServerClient(address, network_timeout=_SECONDS) as client:
        result = client.infer(service, payload.triton_inputs(inputs))
        return {output["name"]: result.as_numpy(output["name"]) for output in result.get_response()["outputs"]}


def _oip_grpc(address: str, service: str, inputs: Inputs) -> Answer:
    made = []
    for name, value in inputs.items():
        array = payload.oip_array(value)
        datatype = "FP32" if array.dtype == np.float32 else "BYTES"
        made.append(tritonclient.grpc.InferInput(name, list(array.shape), datatype))
        made[-1].set_data_from_numpy(array)
    with tritonclient.grpc.InferenceServerClient(address) as client:
        result = client.infer(service, made, client_timeout=_SECONDS)
        return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}
