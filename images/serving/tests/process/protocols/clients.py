"""One function for each protocol: a service and input arrays to output arrays, by the client that users have."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import requests
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.utils import np_to_triton_dtype

from paddle_serving_runtime.protocol import pack_response, read_response
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.grpc import pack_message
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES
from paddle_serving_runtime.protocol.response import Response

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Arrays = dict[str, np.ndarray]
SECONDS = 120
UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))

STOCK_CLIENT = """
import sys
from paddle_serving_runtime import serving_packages
serving_packages.install()
from paddle_serving_server.pipeline import PipelineClient
import numpy as np

address, inputs, outputs = sys.argv[1:]
client = PipelineClient()
client.connect([address])
with np.load(inputs) as arrays:
    feed = {**arrays, "clientip": "127.0.0.1"}
    answer = client.predict(feed_dict=feed, pack_tensor_format=True)
with open(outputs, "wb") as file:
    file.write(answer.SerializeToString())
"""


def pipeline_json(serving: "Serving", inputs: Arrays) -> Arrays:
    response = serving.post(pack_response({}, inputs), timeout=SECONDS)
    assert response.status_code == 200, response.text
    return dict(read_response(response.content).tensors)


def pipeline_stub(serving: "Serving", inputs: Arrays) -> Arrays:
    """A stub as protoc makes it."""
    tensors = MESSAGES["Response"].FromString(pack_message(Response(0, "", {}, inputs))).tensors
    return of_message(call_pipeline(serving, MESSAGES["Request"](tensors=tensors)))


def call_pipeline(serving: "Serving", request: Any) -> Any:  # noqa: ANN401 - protobuf messages
    with grpc.insecure_channel(serving.grpc, options=UNLIMITED) as channel:
        stub = channel.unary_unary(
            PIPELINE_INFERENCE,
            request_serializer=MESSAGES["Request"].SerializeToString,
            response_deserializer=MESSAGES["Response"].FromString,
        )
        return stub(request, timeout=SECONDS)


def stock_pipeline_client(serving: "Serving", inputs: Arrays, folder: Path) -> Arrays:
    """Paddle Serving's own PipelineClient, in a process of its own: its messages are those of another pool."""
    np.savez(folder / "inputs.npz", **inputs)  # type: ignore[arg-type]
    files = (str(folder / "inputs.npz"), str(folder / "answer"))
    command = [sys.executable, "-W", "ignore", "-c", STOCK_CLIENT, serving.grpc, *files]
    subprocess.run(command, check=True, timeout=SECONDS, stdout=subprocess.DEVNULL)
    return of_message(MESSAGES["Response"].FromString((folder / "answer").read_bytes()))


def of_message(message: Any) -> Arrays:  # noqa: ANN401 - a protobuf message
    assert message.err_no == 0, message.err_msg
    fields = {0: ("int64_data", "int64"), 1: ("float_data", "float32")}
    arrays = {}
    for tensor in message.tensors:
        field, dtype = fields[tensor.elem_type]
        arrays[tensor.name] = np.array(getattr(tensor, field), dtype).reshape(tensor.shape)
    return arrays


def open_inference_rest(serving: "Serving", inputs: Arrays, model: str = "svc") -> Arrays:
    """tritonclient.http, everything binary."""
    return _triton_http(serving, inputs, model, binary=True)


def open_inference_json(serving: "Serving", inputs: Arrays, model: str = "svc") -> Arrays:
    """tritonclient.http, everything JSON."""
    return _triton_http(serving, inputs, model, binary=False)


def plain_json(serving: "Serving", inputs: Arrays, model: str = "svc") -> Arrays:
    """requests alone."""
    tensors = [
        {"name": name, "shape": array.shape, "datatype": np_to_triton_dtype(array.dtype), "data": array.tolist()}
        for name, array in inputs.items()
    ]
    response = requests.post(
        f"{serving.http}/v2/models/{model}/infer", json.dumps({"inputs": tensors}), timeout=SECONDS
    )
    assert response.status_code == 200, response.text
    dtypes = {"FP32": "float32", "INT64": "int64"}
    return {
        output["name"]: np.array(output["data"], dtypes[output["datatype"]]).reshape(output["shape"])
        for output in response.json()["outputs"]
    }


def open_inference_grpc(serving: "Serving", inputs: Arrays, model: str = "svc") -> Arrays:
    """tritonclient.grpc."""
    with triton_grpc.InferenceServerClient(serving.grpc) as client:
        result = client.infer(model, _described(triton_grpc, inputs), client_timeout=SECONDS)
    return {output.name: result.as_numpy(output.name) for output in result.get_response().outputs}


def _triton_http(serving: "Serving", inputs: Arrays, model: str, *, binary: bool) -> Arrays:
    with triton_http.InferenceServerClient(
        serving.http.removeprefix("http://"), connection_timeout=SECONDS, network_timeout=SECONDS
    ) as client:
        names = [output["name"] for output in client.get_model_metadata(model)["outputs"]]
        wanted = [triton_http.InferRequestedOutput(name, binary_data=binary) for name in names]
        result = client.infer(model, _described(triton_http, inputs, binary_data=binary), outputs=wanted)
    return {name: result.as_numpy(name) for name in names}


def _described(module: Any, inputs: Mapping[str, np.ndarray], **options: bool) -> list[Any]:  # noqa: ANN401 - no types
    return [
        module.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)).set_data_from_numpy(
            array, **options
        )
        for name, array in inputs.items()
    ]
