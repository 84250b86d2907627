"""The control servers on their unix sockets, asked by the clients that will ask them."""

from collections.abc import Callable
from pathlib import Path

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

from images.serving.tests.unit.supervisor.control_pod import PLAIN, Pod, X, Y
from paddle_serving_runtime.protocol.paths import ONLY_GET

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def test_the_server_tells_its_name_version_and_extensions(pod: Pod) -> None:
    status, body = pod.get("/v2")
    assert status == 200
    extensions = ["binary_tensor_data", "model_configuration", "statistics"]
    assert body == {"name": "paddle-serving-runtime", "version": "0.1.0", "extensions": extensions}
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
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)
    assert next(watching).status == SERVING
    pod.ready = False
    assert next(watching).status == NOT_SERVING
    pod.ready = True
    assert next(watching).status == SERVING
    watching.cancel()
    unknown = stub.Watch(health_pb2.HealthCheckRequest(service="x"), timeout=60)
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
    pod.loaded = PLAIN
    for name in ("svc", "model"):
        _, body = pod.get(f"/v2/models/{name}")
        assert (body["name"], body["inputs"], body["outputs"]) == (name, [X], [Y])


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v2/models/other", "served here: both, housing, svc, uci"),
        ("/v2/models/uci/versions/2", "version 1"),
        ("/v2/models/uci/versions/2/ready", "version 1"),
        ("/v2/models/other/config", "served here: both, housing, svc, uci"),
        ("/v2/models/other/stats", "served here: both, housing, svc, uci"),
        ("/v2/models/uci/versions/2/config", "version 1"),
        ("/v2/models/uci/versions/2/stats", "version 1"),
        ("/v2/models/uci/trace/setting", "no such path"),
        ("/v2/repository", "no such path"),
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
    assert pod.get("/v2/repository/index") == (405, {"error": "only POST is answered"})
    assert pod.get("/v2", method="HEAD") == (200, None)


def test_an_unknown_model_or_version_is_not_found(pod: Pod) -> None:
    client = InferenceServerClient(pod.address)
    calls: list[Callable[[], object]] = [
        lambda: client.get_model_metadata("other"),
        lambda: client.is_model_ready("other"),
        lambda: client.get_model_metadata("uci", "2"),
        lambda: client.get_model_config("other"),
        lambda: client.get_inference_statistics("other"),
        lambda: client.get_inference_statistics("uci", "2"),
    ]
    for call in calls:
        with pytest.raises(InferenceServerException, match=r"there is no model|version 1"):
            call()


def test_methods_that_are_not_served_are_unimplemented(pod: Pod) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(pod.address))
    with pytest.raises(grpc.RpcError) as failure:
        stub.RepositoryModelLoad(service_pb2.RepositoryModelLoadRequest())
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
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=60)
    assert next(watching).status == SERVING
    pod.close()
    with pytest.raises(grpc.RpcError) as failure:
        next(watching)
    assert failure.value.code() is not grpc.StatusCode.DEADLINE_EXCEEDED
