"""Every protocol of a deployed model, asked by the client that its users have, gives the answer of Paddle Inference."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http

from e2e.lib import answers
from e2e.lib.portforward import port_forward
from e2e.lib.reference import reference_of
from e2e.lib.wait import minutes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from e2e.lib.answers import Answer
    from e2e.lib.cluster import Object
    from e2e.lib.given import Given
    from e2e.lib.service import Service

pytestmark = pytest.mark.e2e

SAMPLE = "hello.json"
CLIENT_SECONDS = 60
# Paddle Serving's own client in a process of its own: its protobuf messages cannot share one with others.
STOCK_CLIENT = """
import json, sys
from paddle_serving_runtime import serving_packages
serving_packages.install()
from paddle_serving_server.pipeline import PipelineClient

client = PipelineClient()
client.connect([sys.argv[1]])
answer = client.predict(feed_dict={**json.load(sys.stdin), "clientip": "127.0.0.1"})
print(json.dumps({"err_no": answer.err_no, "key": list(answer.key), "value": list(answer.value), "tensors": []}))
"""


@contextmanager
def forwarded(service: Service, port: int) -> Iterator[str]:
    """host:port that leads to a port of the service."""
    with port_forward(service.namespace, f"svc/{service.name}", port) as address:
        yield address.removeprefix("http://")


def texts_of(service: Service) -> dict[str, str]:
    request = json.loads(service.sample(SAMPLE))
    return dict(zip(request["key"], request["value"], strict=True))


def stock_client_answer(service: Service, address: str) -> Answer:
    command = [sys.executable, "-W", "ignore", "-c", STOCK_CLIENT, address]
    done = subprocess.run(
        command,
        input=json.dumps(texts_of(service)),
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    response: Object = json.loads(done.stdout.splitlines()[-1])
    assert response["err_no"] == 0, response
    return answers.of_response(response)


def triton_answer(service: Service, address: str, module: ModuleType) -> Answer:
    """Over Open Inference, with the service as a model of texts; `module` is the REST or the gRPC client."""
    inputs = [
        module.InferInput(name, [1], "BYTES").set_data_from_numpy(np.array([text.encode()], dtype=np.object_))
        for name, text in texts_of(service).items()
    ]
    with module.InferenceServerClient(address) as client:
        assert client.is_server_ready()
        assert client.is_model_ready(service.name)
        result = client.infer(service.name, inputs)
    response = result.get_response()  # JSON of the REST client, a message of the gRPC client
    found = response["outputs"] if isinstance(response, dict) else response.outputs
    names = [output["name"] if isinstance(output, dict) else output.name for output in found]
    values = [result.as_numpy(name)[0].decode() for name in names]
    return answers.of_response({"key": names, "value": values, "tensors": []})


def test_every_protocol_gives_the_answer_of_paddle_inference(given: Given) -> None:
    service = given.service("ocr-rec").is_healthy()
    expected = reference_of(given.namespace, "ocr-rec")[SAMPLE]

    assert answers.of_response(json.loads(service.when.asked(SAMPLE))) == expected
    with forwarded(service, 80) as address:
        assert triton_answer(service, address, triton_http) == expected
    with forwarded(service, 9000) as address:
        assert stock_client_answer(service, address) == expected
        assert triton_answer(service, address, triton_grpc) == expected
        with grpc.insecure_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=CLIENT_SECONDS)
        assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_the_pipeline_engine_gives_the_same_answers(given: Given) -> None:
    service = given.service("ocr-rec", engine={"mode": "pipeline"}).is_healthy(within=minutes(4))
    reference = reference_of(given.namespace, "ocr-rec")

    for sample, expected in reference.items():
        assert answers.of_response(json.loads(service.when.asked(sample))) == expected, sample
    with forwarded(service, 9000) as address:
        assert stock_client_answer(service, address) == reference[SAMPLE]


def test_old_clients_can_have_the_http_status_of_paddle_serving(given: Given) -> None:
    service = given.service("uci-housing", engine={"legacyStatus": True}).is_healthy()
    with service.forwarded() as url:
        response = requests.post(url, data=b'{"key": ["x"]}', timeout=CLIENT_SECONDS)
    assert response.status_code == 200
    assert response.json()["err_no"] != 0
