"""Every value is Paddle Inference's, bit for bit, whatever the protocol, engine, number of workers and batching."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
import requests
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.utils import np_to_triton_dtype

from images.serving.tests.process.equality.conftest import REQUESTS, Arrays, Way, feeds, request_tensors
from paddle_serving_runtime.protocol import pack_response, read_response
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.grpc import pack_message
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from paddle_serving_runtime.protocol.response import Response

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

pytestmark = pytest.mark.timeout(400)
SECONDS = 60
Ask = Callable[["Serving", Arrays], dict[str, str]]


def pipeline_json(serving: "Serving", inputs: Arrays) -> dict[str, str]:
    response = serving.post(pack_response({}, inputs), timeout=SECONDS)
    assert response.status_code == 200, response.text
    return dict(read_response(response.content).values)


def pipeline_grpc(serving: "Serving", inputs: Arrays) -> dict[str, str]:
    tensors = MESSAGES["Response"].FromString(pack_message(Response(0, "", {}, inputs))).tensors
    answer = call_pipeline(serving, MESSAGES["Request"](tensors=tensors))
    assert answer.err_no == 0, answer.err_msg
    return dict(zip(answer.key, answer.value, strict=True))


def call_pipeline(serving: "Serving", request: Any) -> Any:  # noqa: ANN401 - protobuf messages
    with grpc.insecure_channel(serving.grpc) as channel:
        ask = channel.unary_unary(
            PIPELINE_INFERENCE,
            request_serializer=MESSAGES["Request"].SerializeToString,
            response_deserializer=MESSAGES["Response"].FromString,
        )
        return ask(request, timeout=SECONDS)


def open_inference_json(serving: "Serving", inputs: Arrays) -> dict[str, str]:
    return texts(over_http(serving, "svc", inputs, binary=False))


def open_inference_binary(serving: "Serving", inputs: Arrays) -> dict[str, str]:
    return texts(over_http(serving, "svc", inputs, binary=True))


def open_inference_grpc(serving: "Serving", inputs: Arrays) -> dict[str, str]:
    return texts(over_grpc(serving, "svc", inputs))


def over_http(serving: "Serving", model: str, inputs: Arrays, *, binary: bool) -> Arrays:
    """The outputs of a model by REST, in and out as JSON or binary."""
    client = triton_http.InferenceServerClient
    body, length = client.generate_request_body(described(triton_http, inputs)) if binary else json_body(inputs)
    headers = {} if length is None else {"Inference-Header-Content-Length": str(length)}
    response = requests.post(f"{serving.http}/v2/models/{model}/infer", body, headers=headers, timeout=SECONDS)
    assert response.status_code == 200, response.text
    split = response.headers.get("Inference-Header-Content-Length")
    assert (split is not None) == binary
    result = client.parse_response_body(response.content, header_length=None if split is None else int(split))
    return {output["name"]: result.as_numpy(output["name"]) for output in result.get_response()["outputs"]}


def json_body(inputs: Arrays) -> tuple[bytes, int | None]:
    """A request in JSON but for float16, which has no form there, and asks for its answer so."""
    tensors, blobs = [], []
    for name, array in inputs.items():
        tensor = {"name": name, "shape": array.shape, "datatype": np_to_triton_dtype(array.dtype)}
        if array.dtype == np.float16:
            blobs.append(array.tobytes())
            tensors.append(tensor | {"parameters": {"binary_data_size": array.nbytes}})
        else:
            tensors.append(tensor | {"data": array.tolist()})
    head = json.dumps({"inputs": tensors}).encode()
    return head + b"".join(blobs), len(head) if blobs else None


def described(module: Any, inputs: Arrays) -> list[Any]:  # noqa: ANN401 - tritonclient has no types
    return [
        module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)).set_data_from_numpy(array)
        for name, array in inputs.items()
    ]


def over_grpc(serving: "Serving", model: str, inputs: Arrays) -> Arrays:
    """The outputs of a model by gRPC."""
    with triton_grpc.InferenceServerClient(serving.grpc) as client:
        result = client.infer(model, described(triton_grpc, inputs), client_timeout=SECONDS)
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def texts(outputs: Arrays) -> dict[str, str]:
    return {
        name: array.item().decode() if isinstance(array.item(), bytes) else array.item()
        for name, array in outputs.items()
    }


def bits(array: np.ndarray) -> str:
    return f"{array.dtype} {list(array.shape)} {array.tobytes().hex()}"


ASKS: tuple[Ask, ...] = (pipeline_json, pipeline_grpc, open_inference_json, open_inference_binary, open_inference_grpc)


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: ask.__name__)
def test_a_service_of_five_models_answers_as_paddle_inference(
    chain: "Serving", expected: tuple[dict[str, Arrays], ...], ask: Ask
) -> None:
    for number in range(REQUESTS):
        answer = ask(chain, request_tensors(number))
        outputs = {model: {bits(array) for array in arrays.values()} for model, arrays in expected[number].items()}
        served: dict[str, set[str]] = {}
        for key, value in answer.items():
            served.setdefault(key.partition(":")[0], set()).add(value)
        assert served == outputs


@pytest.mark.parametrize("kind", ["json", "binary", "grpc"])
def test_each_model_alone_answers_as_paddle_inference(
    chain: "Serving", way: Way, expected: tuple[dict[str, Arrays], ...], kind: str
) -> None:
    if way.engine == "pipeline":
        reply = requests.post(f"{chain.http}/v2/models/price/infer", b'{"inputs":[]}', timeout=SECONDS)
        assert reply.status_code == 404
        return
    for number in range(REQUESTS):
        for model, inputs in feeds(number).items():
            if (model, kind) == ("half", "json"):
                continue  # its output is float16, too
            if kind == "grpc":
                served = over_grpc(chain, model, inputs)
            else:
                served = over_http(chain, model, inputs, binary=kind == "binary")
            assert {bits(array) for array in served.values()} == {
                bits(array) for array in expected[number][model].values()
            }
