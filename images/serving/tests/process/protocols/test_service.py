"""A service with an Op over every protocol: its answers, its errors, what it tells about itself."""

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http
from tritonclient.utils import InferenceServerException

from images.serving.tests.process.protocols import clients
from images.serving.tests.process.serve.conftest import PRICE
from images.serving.tests.services import PRICE as ANSWER
from images.serving.tests.services import ROW
from images.serving.tests.services import X as TEXT
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving, Start

Request = MESSAGES["Request"]

STOCK_CLIENT = """
import json, sys
from paddle_serving_runtime import serving_packages
serving_packages.install()
from paddle_serving_server.pipeline import PipelineClient

client = PipelineClient()
client.connect([sys.argv[1]])
answer = client.predict(feed_dict={"x": sys.argv[2], "clientip": "127.0.0.1"}, log_id=7)
print(json.dumps([answer.err_no, list(answer.key), list(answer.value)]))
"""


def http_client(serving: "Serving") -> Any:  # noqa: ANN401 - of a package without types
    return triton_http.InferenceServerClient(serving.http.removeprefix("http://"))


def text_input(module: Any, **texts: str) -> list[Any]:  # noqa: ANN401 - the same
    return [
        module.InferInput(name, [1], "BYTES").set_data_from_numpy(np.array([text.encode()], dtype=np.object_))
        for name, text in texts.items()
    ]


def test_the_stock_client_gets_the_services_values(service: "Serving") -> None:
    command = [sys.executable, "-W", "ignore", "-c", STOCK_CLIENT, service.grpc, TEXT]
    done = subprocess.run(command, check=True, timeout=300, capture_output=True, text=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, ["price"], [ANSWER]]


def test_a_stub_gets_the_services_values(service: "Serving") -> None:
    answer = clients.call_pipeline(service, Request(key=["x"], value=[TEXT]))
    assert (answer.err_no, list(answer.key), list(answer.value)) == (0, ["price"], [ANSWER])


@pytest.mark.parametrize("name", ["svc", "housing"])
def test_the_service_is_a_model_of_texts_under_both_names(service: "Serving", name: str) -> None:
    result = http_client(service).infer(name, text_input(triton_http, x=TEXT))
    assert result.as_numpy("price").tolist() == [ANSWER.encode()]
    with triton_grpc.InferenceServerClient(service.grpc) as client:
        result = client.infer(name, text_input(triton_grpc, x=TEXT), request_id="7")
    assert result.as_numpy("price").tolist() == [ANSWER.encode()]
    assert result.get_response().id == "7"


def test_the_ops_model_answers_tensors_by_the_ops_name(service: "Serving") -> None:
    x = np.array([ROW], np.float32)
    got = [
        client(service, {"x": x}, model="price")["price"]
        for client in (clients.open_inference_rest, clients.open_inference_json, clients.open_inference_grpc)
    ]
    assert got[0].shape == (1, 1)
    assert got[0][0, 0] == np.float32(PRICE)
    assert {array.tobytes() for array in got} == {got[0].tobytes()}


def test_it_tells_what_it_is_in_both_forms(service: "Serving") -> None:
    rest = http_client(service)
    with triton_grpc.InferenceServerClient(service.grpc) as rpc:
        for client in (rest, rpc):
            assert client.is_server_live()
            assert client.is_server_ready()
            assert client.is_model_ready("svc")
            assert client.is_model_ready("price", "1")
        described = rpc.get_model_metadata("price", as_json=True)
    assert rest.get_server_metadata()["name"] == "paddle-serving-runtime"
    metadata = rest.get_model_metadata("price")
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 13]}]
    assert metadata["outputs"] == [{"name": "price", "datatype": "FP32", "shape": [-1, 1]}]
    assert [{**tensor, "shape": list(map(int, tensor["shape"]))} for tensor in described["inputs"]] == metadata[
        "inputs"
    ]


def test_health_and_reflection_are_there(service: "Serving") -> None:
    with grpc.insecure_channel(service.grpc) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert check.status == health_pb2.HealthCheckResponse.SERVING
        services = ProtoReflectionDescriptorDatabase(channel).get_services()
    assert "inference.GRPCInferenceService" in services
    assert "baidu.paddle_serving.pipeline_serving.PipelineService" in services


# errors


def infer(service: "Serving", model: str, inputs: list[Any]) -> tuple[str, str]:
    """Status and message of a failure over gRPC."""
    with triton_grpc.InferenceServerClient(service.grpc) as client, pytest.raises(InferenceServerException) as failure:
        client.infer(model, inputs, client_timeout=30)
    return failure.value.status(), failure.value.message()


def post(service: "Serving", model: str, message: object) -> tuple[int, str]:
    """Status and message of a failure over REST."""
    response = requests.post(f"{service.http}/v2/models/{model}/infer", json=message, timeout=30)
    assert list(response.json()) == ["error"]
    return response.status_code, response.json()["error"]


def test_an_unknown_model_is_not_found(service: "Serving") -> None:
    words = "there is no model 'other'; served here: housing, price, svc"
    assert infer(service, "other", text_input(triton_grpc, x=TEXT)) == ("StatusCode.NOT_FOUND", words)
    assert post(service, "other", {"inputs": []}) == (404, words)
    assert clients.call_pipeline(service, Request(name="other")).err_no == 3002


def test_a_wrong_type_is_an_invalid_argument(service: "Serving") -> None:
    wrong = triton_grpc.InferInput("x", [1, 13], "FP64").set_data_from_numpy(np.zeros((1, 13)))
    status, words = infer(service, "price", [wrong])
    assert status == "StatusCode.INVALID_ARGUMENT"
    assert "float64" in words
    data = {"name": "x", "shape": [1, 13], "datatype": "FP64", "data": [0.0] * 13}
    assert post(service, "price", {"inputs": [data]}) == (400, words)


def test_a_failure_of_the_op_is_internal_and_shows_no_path(service: "Serving") -> None:
    status, words = infer(service, "svc", text_input(triton_grpc, x=TEXT, fail="1"))
    assert status == "StatusCode.INTERNAL"
    text = [{"name": name, "shape": [1], "datatype": "BYTES", "data": [TEXT]} for name in ("x", "fail")]
    assert post(service, "svc", {"inputs": text}) == (500, words)
    answer = clients.call_pipeline(service, Request(key=["x", "fail"], value=[TEXT, "1"]))
    assert (answer.err_no, answer.err_msg) == (10000, words)
    assert "/models" not in words


def test_methods_that_are_not_served_are_unimplemented(service: "Serving") -> None:
    with triton_grpc.InferenceServerClient(service.grpc) as client, pytest.raises(InferenceServerException) as failure:
        client.load_model("svc")
    assert failure.value.status() == "StatusCode.UNIMPLEMENTED"


def test_a_message_past_the_limit_is_refused_in_every_protocol(
    serve: "Start", make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--workers", "1", "--max-body-bytes", "2000").wait_ready()
    text = "x" * 3000
    status, words = infer(serving, "svc", text_input(triton_grpc, x=text))
    assert status == "StatusCode.RESOURCE_EXHAUSTED"
    assert "2000 bytes" in words
    assert (
        post(serving, "svc", {"inputs": [{"name": "x", "shape": [1], "datatype": "BYTES", "data": [text]}]})[0] == 413
    )
    with pytest.raises(grpc.RpcError) as failure:
        clients.call_pipeline(serving, Request(key=["x"], value=[text]))
    assert failure.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    packed = gzip.compress(json.dumps({"id": text, "inputs": []}).encode())
    sent = requests.post(
        f"{serving.http}/v2/models/svc/infer", packed, headers={"Content-Encoding": "gzip"}, timeout=30
    )
    assert sent.status_code == 413


def test_a_watched_health_outlives_the_time_out_and_does_not_hold_up_a_drain(
    serve: "Start", make_package: Callable[..., Path]
) -> None:
    flags = ("--workers", "1", "--request-timeout", "3", "--drain-delay", "1", "--drain-timeout", "600")
    serving = serve(make_package(), *flags).wait_ready()
    with grpc.insecure_channel(serving.grpc) as channel:
        watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=120)
        assert next(watching).status == health_pb2.HealthCheckResponse.SERVING
        # the time-out of requests must pass while nothing is said
        time.sleep(5)
        serving.process.send_signal(signal.SIGTERM)
        assert next(watching).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert serving.wait_exit() == 0
