"""The control servers on their unix sockets, asked by the clients that will ask them."""

import asyncio
import http.client
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from tritonclient.grpc import (
    InferenceServerClient,
    service_pb2,
    service_pb2_grpc,
)
from tritonclient.utils import InferenceServerException
from typing_extensions import override

from paddle_serving_runtime.protocol.paths import ONLY_GET
from paddle_serving_runtime.supervisor.control import GRPC_SOCKET, HTTP_SOCKET, start_control
from paddle_serving_runtime.supervisor.readiness import Readiness

X = {"name": "x", "datatype": "FP32", "shape": [-1, 13]}
Y = {"name": "y", "datatype": "FP32", "shape": [-1, 1]}
LOADED = {
    "service": "housing",
    "names": ["housing", "svc"],
    "models": [{"name": "uci", "inputs": [X], "outputs": [Y]}, {"name": "both", "inputs": [], "outputs": []}],
}
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class Pod:
    """Starts the servers in a loop of their own; `ready` and `loaded` are what they tell."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ready = True
        self.loaded: dict[str, Any] = LOADED
        self._started = Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        assert self._started.wait(20)

    def alive(self) -> bool:
        return True

    def readiness(self) -> Readiness:
        return Readiness(self.ready, "" if self.ready else "draining")

    async def _run(self) -> None:
        control = await start_control(self, lambda: self.loaded, self.folder)
        self._started.set()
        await self._stop.wait()
        await control.close()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def get(self, path: str, method: str = "GET") -> tuple[int, Any]:
        connection = UnixConnection(self.folder / HTTP_SOCKET)
        connection.request(method, path)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, json.loads(body) if body else None

    @property
    def address(self) -> str:
        return f"unix:{self.folder / GRPC_SOCKET}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    @override
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(self._path))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    pod = Pod(tmp_path_factory.mktemp("control"))
    yield pod
    pod.close()


@pytest.fixture
def pod(running: Pod) -> Pod:
    running.ready, running.loaded = True, LOADED
    return running


def test_the_server_tells_its_name_version_and_extensions(pod: Pod) -> None:
    status, body = pod.get("/v2")
    assert status == 200
    assert body == {"name": "paddle-serving-runtime", "version": "0.1.0", "extensions": ["binary_tensor_data"]}
    metadata = InferenceServerClient(pod.address).get_server_metadata()
    assert (metadata.name, metadata.version, list(metadata.extensions)) == tuple(body.values())


def test_readiness_is_that_of_the_pod_in_every_form(pod: Pod) -> None:
    client = InferenceServerClient(pod.address)
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(pod.address))
    for ready in (True, False, True):
        pod.ready = ready
        status = 200 if ready else 503
        assert pod.get("/v2/health/live") == (200, {"live": True})
        assert pod.get("/v2/health/ready") == (status, {"ready": ready})
        assert pod.get("/v2/models/uci/ready") == (status, {"name": "uci", "ready": ready})
        assert pod.get("/v2/models/svc/versions/1/ready") == (status, {"name": "svc", "ready": ready})
        assert client.is_server_live()
        assert client.is_server_ready() is ready
        assert client.is_model_ready("uci", "1") is ready
        want = SERVING if ready else NOT_SERVING
        for service in (
            *("", "inference.GRPCInferenceService"),
            "baidu.paddle_serving.pipeline_serving.PipelineService",
        ):
            assert stub.Check(health_pb2.HealthCheckRequest(service=service)).status == want
            assert stub.List(health_pb2.HealthListRequest()).statuses[service].status == want


def test_a_watched_health_tells_every_change(pod: Pod) -> None:
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(pod.address))
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert next(watching).status == SERVING
    pod.ready = False
    assert next(watching).status == NOT_SERVING
    pod.ready = True
    assert next(watching).status == SERVING
    watching.cancel()
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="x"), timeout=20)
    assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    unknown.cancel()


def test_the_health_of_a_service_that_there_is_not_is_not_found(pod: Pod) -> None:
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(pod.address))
    with pytest.raises(grpc.RpcError) as failure:
        stub.Check(health_pb2.HealthCheckRequest(service="x"))
    assert failure.value.code() is grpc.StatusCode.NOT_FOUND


@pytest.mark.parametrize("path", ["/v2/models/uci", "/v2/models/uci/versions/1", "/v2/models/%75ci/"])
def test_a_model_tells_its_inputs_and_outputs(pod: Pod, path: str) -> None:
    status, body = pod.get(path)
    assert status == 200
    assert body == {"name": "uci", "versions": ["1"], "platform": "paddle_inference", "inputs": [X], "outputs": [Y]}
    metadata = InferenceServerClient(pod.address).get_model_metadata("uci")
    assert (metadata.name, list(metadata.versions), metadata.platform) == ("uci", ["1"], "paddle_inference")
    (x,) = metadata.inputs
    assert (x.name, x.datatype, list(x.shape)) == ("x", "FP32", [-1, 13])


def test_the_service_has_keys_of_its_own_and_a_plain_model_the_models_tensors(pod: Pod) -> None:
    _, body = pod.get("/v2/models/svc")
    assert (body["platform"], body["inputs"]) == ("paddle_serving_pipeline", [])
    pod.loaded = {"service": "", "names": ["svc"], "models": [{"name": "model", "inputs": [X], "outputs": [Y]}]}
    for name in ("svc", "model"):
        _, body = pod.get(f"/v2/models/{name}")
        assert (body["name"], body["inputs"], body["outputs"]) == (name, [X], [Y])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v2/models/other", "served here: both, housing, svc, uci"),
        ("/v2/models/uci/versions/2", "version 1"),
        ("/v2/models/uci/versions/2/ready", "version 1"),
        ("/v2/models/uci/config", "no such path"),
        ("/v2/models", "no such path"),
        ("/v2/x", "no such path"),
    ],
)
def test_what_there_is_not_is_404_with_a_sentence(pod: Pod, path: str, words: str) -> None:
    status, body = pod.get(path)
    assert status == 404
    assert words in body["error"]


def test_before_anything_is_loaded_there_is_no_model(pod: Pod) -> None:
    pod.loaded = {}
    assert "nothing is loaded yet" in pod.get("/v2/models/uci")[1]["error"]


def test_other_methods_are_405_and_head_has_no_body(pod: Pod) -> None:
    for path in ("/v2", "/v2/", "/v2/health/ready", "/v2/models/uci", "/v2/models/uci/versions/1/ready"):
        assert pod.get(path, method="DELETE") == (405, {"error": ONLY_GET})
    assert pod.get("/v2/models/uci/infer") == (405, {"error": "only POST is answered"})
    assert pod.get("/v2/models/uci/infer", method="DELETE") == (405, {"error": "only POST is answered"})
    assert pod.get("/v2/repository", method="DELETE")[0] == 404
    assert pod.get("/v2", method="HEAD") == (200, None)


def test_an_unknown_model_or_version_is_not_found(pod: Pod) -> None:
    client = InferenceServerClient(pod.address)
    calls: list[Callable[[], object]] = [
        lambda: client.get_model_metadata("other"),
        lambda: client.is_model_ready("other"),
        lambda: client.get_model_metadata("uci", "2"),
    ]
    for call in calls:
        with pytest.raises(InferenceServerException, match=r"there is no model|version 1"):
            call()


def test_methods_that_are_not_served_are_unimplemented(pod: Pod) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(pod.address))
    with pytest.raises(grpc.RpcError) as failure:
        stub.ModelStatistics(service_pb2.ModelStatisticsRequest())
    assert failure.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_reflection_describes_every_service(pod: Pod) -> None:
    database = ProtoReflectionDescriptorDatabase(grpc.insecure_channel(pod.address))
    assert set(database.get_services()) == {
        "baidu.paddle_serving.pipeline_serving.PipelineService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
    }
    pool = DescriptorPool(database)
    for service, method, field in (
        ("inference.GRPCInferenceService", "ModelInfer", "raw_input_contents"),
        ("baidu.paddle_serving.pipeline_serving.PipelineService", "inference", "tensors"),
        ("grpc.health.v1.Health", "Check", "service"),
    ):
        described = pool.FindServiceByName(service).methods_by_name[method]
        assert field in described.input_type.fields_by_name


def test_closing_ends_a_watch(tmp_path: Path) -> None:
    pod = Pod(tmp_path)
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(pod.address))
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
    assert next(watching).status == SERVING
    pod.close()
    with pytest.raises(grpc.RpcError) as failure:
        next(watching)
    assert failure.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
