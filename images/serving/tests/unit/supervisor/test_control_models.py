"""Configuration, statistics and index of the models, asked by the clients that ask for them first."""

import json
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict
from tritonclient.grpc import InferenceServerClient, model_config_pb2, service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from images.serving.tests.unit.supervisor.control_pod import PLAIN, Pod, UnixConnection
from paddle_serving_runtime.protocol.measured import ModelCall
from paddle_serving_runtime.supervisor.control import HTTP_SOCKET
from paddle_serving_runtime.supervisor.control.catalogue import catalogue
from paddle_serving_runtime.supervisor.control.configuration import configuration
from paddle_serving_runtime.supervisor.model_statistics import ModelStatistics

UNMEASURED = {"count": 4, "ns": 0}
"""perf_analyzer wants the three counts of compute to be the same."""


def tensor(name: str, datatype: str, *shape: int) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": list(shape)}


def configured(batch_size: int, *tensors: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a model with these inputs and, as its output, the last of them."""
    entry = {"name": "m", "inputs": list(tensors), "outputs": list(tensors[-1:]), "batchSize": batch_size}
    return configuration(catalogue({"service": "s", "names": ["s"], "models": [entry]})["m"])


def counted(*calls: ModelCall, ended: int = 1000) -> ModelStatistics:
    statistics = ModelStatistics()
    for call in calls:
        statistics.add(call, seconds=0.004, queued=0.001, ended=ended)
    return statistics


def post_index(pod: Pod, body: bytes, path: str = "/v2/repository/index") -> tuple[int, Any]:
    connection = UnixConnection(pod.folder / HTTP_SOCKET)
    connection.request("POST", path, body)
    response = connection.getresponse()
    content = json.loads(response.read())
    connection.close()
    return response.status, content


def test_a_model_has_the_configuration_that_triton_gives_it(pod: Pod) -> None:
    status, config = pod.get("/v2/models/uci/config")
    assert status == 200
    assert config == {
        "name": "uci",
        "platform": "paddle_inference",
        "backend": "paddle",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 0,
        "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [-1, 13], "optional": False}],
        "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [-1, 1]}],
    }
    assert pod.get("/v2/models/uci/versions/1/config") == (200, config)
    told = InferenceServerClient(pod.address).get_model_config("uci").config
    assert (told.name, told.platform, told.backend, told.max_batch_size) == ("uci", "paddle_inference", "paddle", 0)
    (x,) = told.input
    assert (x.name, list(x.dims), x.data_type) == ("x", [-1, 13], model_config_pb2.TYPE_FP32)
    assert [(y.name, list(y.dims)) for y in told.output] == [("y", [-1, 1])]


def test_the_service_as_a_whole_has_a_configuration_without_tensors(pod: Pod) -> None:
    _, config = pod.get("/v2/models/svc/config")
    assert (config["platform"], config["input"], config["output"]) == ("paddle_serving_pipeline", [], [])
    assert config["max_batch_size"] == 0


def test_only_rows_that_the_author_lets_share_a_run_are_a_batch() -> None:
    free, fixed = tensor("x", "FP32", -1, 3), tensor("y", "INT64", 1, 3)
    alone = configured(1, free)
    assert (alone["max_batch_size"], alone["input"][0]["dims"]) == (0, [-1, 3])
    batched = configured(8, free)
    assert (batched["max_batch_size"], batched["input"][0]["dims"], batched["output"][0]["dims"]) == (8, [3], [3])
    for tensors in ((free, fixed), (fixed, free), (tensor("s", "FP32"), free)):
        mixed = configured(8, *tensors)
        assert mixed["max_batch_size"] == 0
        assert [given["dims"] for given in mixed["input"]] == [given["shape"] for given in tensors]


@pytest.mark.parametrize(
    ("datatype", "told"),
    [("BYTES", "TYPE_STRING"), ("BOOL", "TYPE_BOOL"), ("UINT64", "TYPE_UINT64"), ("COMPLEX64", "TYPE_INVALID")],
)
def test_data_types_have_the_names_of_the_configuration(datatype: str, told: str) -> None:
    assert configured(1, tensor("x", datatype, -1))["input"][0]["data_type"] == told


def test_statistics_are_the_same_by_both_forms_and_add_up(pod: Pod) -> None:
    shared = ModelCall(0.002, 2, 1, succeeded=True, rows=3)
    pod.counted = {1: counted(shared, shared, shared, shared, ModelCall(0.002, 1, 1, succeeded=False, rows=1))}
    status, body = pod.get("/v2/models/uci/stats")
    assert status == 200
    (model,) = body["model_stats"]
    assert model == {
        "name": "uci",
        "version": "1",
        "last_inference": 1000,
        "inference_count": 12,
        "execution_count": 3,
        "inference_stats": {
            "success": {"count": 4, "ns": 16_000_000},
            "fail": {"count": 1, "ns": 4_000_000},
            "queue": {"count": 4, "ns": 4_000_000},
            "compute_input": UNMEASURED,
            "compute_infer": {"count": 4, "ns": 8_000_000},
            "compute_output": UNMEASURED,
        },
    }
    told = InferenceServerClient(pod.address).get_inference_statistics("uci").model_stats[0]
    assert (told.inference_count, told.execution_count, told.last_inference) == (12, 3, 1000)
    assert MessageToDict(told.inference_stats.success) == {"count": "4", "ns": "16000000"}


def test_a_request_that_paddle_never_saw_is_no_execution() -> None:
    statistics = counted(ModelCall(0.0, 1, 0, succeeded=False, rows=1))
    assert (statistics.executions, statistics.fail.count, statistics.success.count) == (0, 1, 0)


def test_every_model_is_told_where_none_is_named(pod: Pod) -> None:
    pod.counted = {0: counted(ModelCall(0.001, 1, 0, succeeded=True, rows=1))}
    _, body = pod.get("/v2/models/stats")
    counts = {model["name"]: model["inference_count"] for model in body["model_stats"]}
    # both names of the service are one model
    assert counts == {"uci": 0, "both": 0, "housing": 1, "svc": 1}
    told = InferenceServerClient(pod.address).get_inference_statistics()
    assert {model.name: model.inference_count for model in told.model_stats} == counts
    assert "no model 'stats'" in pod.get("/v2/models/stats/versions/1")[1]["error"]


def test_a_plain_model_counts_under_every_name_what_came_under_any(pod: Pod) -> None:
    pod.loaded = PLAIN
    whole, own = (counted(ModelCall(0.001, 1, number, succeeded=True, rows=1), ended=number) for number in (0, 1))
    pod.counted = {0: whole, 1: own}
    for name in ("svc", "model"):
        (model,) = pod.get(f"/v2/models/{name}/stats")[1]["model_stats"]
        assert (model["name"], model["inference_count"], model["last_inference"]) == (name, 2, 1)


def test_the_index_tells_the_models_and_whether_they_are_ready(pod: Pod) -> None:
    client = InferenceServerClient(pod.address)
    told = {"version": "1", "state": "READY", "reason": ""}
    ready = [{"name": name, **told} for name in ("uci", "both", "housing", "svc")]
    for body in (b"", b"{}", b'{"ready": true}', b'{"ready": null}'):
        assert post_index(pod, body) == (200, ready)
    assert [model.name for model in client.get_model_repository_index().models] == ["uci", "both", "housing", "svc"]
    pod.ready = False
    _, body = post_index(pod, b'{"ready": false}')
    assert {(model["state"], model["reason"]) for model in body} == {("UNAVAILABLE", "draining")}
    assert post_index(pod, b'{"ready": true}') == (200, [])
    assert {model.state for model in client.get_model_repository_index().models} == {"UNAVAILABLE"}
    pod.loaded = {}
    assert post_index(pod, b"") == (200, [])


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        (b"{", "/v2/repository/index", "not JSON"),
        (b"[]", "/v2/repository/index", '"ready" is true or false'),
        (b'{"ready": 1}', "/v2/repository/index", '"ready" is true or false'),
        (b" " * 100_000, "/v2/repository/index", '"ready" is true or false'),
        (b"", "/v2/repository/other/index", "has no name"),
    ],
)
def test_a_wrong_index_request_is_400(pod: Pod, body: bytes, path: str, words: str) -> None:
    status, answer = post_index(pod, body, path)
    assert status == 400
    assert words in answer["error"]


def test_the_one_repository_has_no_name(pod: Pod) -> None:
    stub = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(pod.address))
    with pytest.raises(grpc.RpcError) as failure:
        stub.RepositoryIndex(service_pb2.RepositoryIndexRequest(repository_name="other"))
    assert failure.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_loading_is_not_for_clients(pod: Pod) -> None:
    with pytest.raises(InferenceServerException, match="UNIMPLEMENTED"):
        InferenceServerClient(pod.address).load_model("uci")
