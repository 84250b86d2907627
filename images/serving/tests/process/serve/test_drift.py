"""A pod of the next revision asks one of the revision that serves: two real `serve`, side by side."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
import requests
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http

from images.serving.tests.process.serve.conftest import SERVICE, request_body, start_serving
from images.serving.tests.services import ROW as X
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.paths import MODEL_STREAM_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Make = Callable[..., Path]
Folder = pytest.TempPathFactory
PROTOCOLS = 5
FAIL = '        if "fail" in inputs:'
NEW = SERVICE.replace(FAIL, f'        inputs.pop("express", "")\n{FAIL}')
OLD = SERVICE.replace(
    FAIL, f'        if "express" in inputs:\n            return {{}}, False, 51, "express is unknown"\n{FAIL}'
)


def golden(count: int = 3, **extra: str) -> dict[str, object]:
    return {f"{number}.json": request_body([value + number / 10 for value in X], **extra) for number in range(count)}


def drift(serving: "Serving", **question: object) -> dict[str, Any]:
    response = requests.post(f"{serving.admin}/drift", json=question, timeout=120)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    assert serving.get("/report").json()["drift"] == found
    return found


def change_weight(package: Path) -> None:
    path = package / "model" / "fc_0.w_0"
    weights = np.frombuffer(path.read_bytes()[-52:], np.float32).copy()
    weights[5] *= 1.01
    path.write_bytes(path.read_bytes()[:-52] + weights.tobytes())


def after(folder: Folder, package: Path, stable: "Serving", *flags: str) -> "Serving":
    """A pod of the next revision."""
    http, admin = (url.rpartition(":")[2] for url in (stable.http, stable.admin))
    where = ("--stable-service", "127.0.0.1", "--stable-http-port", http, "--stable-admin-port", admin)
    return start_serving(folder.mktemp("next"), package, "--workers", "1", *where, *flags)


@pytest.fixture(scope="module")
def stable(tmp_path_factory: Folder, make_package: Make) -> "Iterator[Serving]":
    package = make_package(OLD, golden())
    flags = ("--workers", "1", "--replay-buffer", "100")
    serving = start_serving(tmp_path_factory.mktemp("stable"), package, *flags)
    yield serving.wait_ready()
    serving.kill()


@pytest.fixture(scope="module")
def same(tmp_path_factory: Folder, make_package: Make, stable: "Serving") -> "Iterator[Serving]":
    """The next revision with the same model."""
    package = make_package(NEW, golden())
    serving = after(tmp_path_factory, package, stable, "--replay-buffer", "100")
    yield serving.wait_ready()
    serving.kill()


@pytest.fixture(scope="module")
def changed(tmp_path_factory: Folder, make_package: Make, stable: "Serving") -> "Iterator[Serving]":
    """The next revision with one weight changed, and a golden sample more that the old service refuses."""
    package = make_package(NEW, {**golden(), "3.json": request_body(express="yes")})
    change_weight(package)
    serving = after(tmp_path_factory, package, stable)
    yield serving.wait_ready()
    serving.kill()


def load_in_every_protocol(serving: "Serving") -> None:
    row = np.array([X], np.float32)
    serving.post(request_body())
    with grpc.insecure_channel(serving.grpc) as channel:
        text = ",".join(map(str, X))
        channel.unary_unary(PIPELINE_INFERENCE)(
            MESSAGES["Request"](key=["x"], value=[text]).SerializeToString(), timeout=60
        )
        tensor = {"name": "x", "datatype": "FP32", "shape": [1, 13], "contents": {"fp32_contents": X}}
        message = OPEN_INFERENCE["ModelInferRequest"](model_name="price", inputs=[tensor]).SerializeToString()
        next(channel.stream_stream(MODEL_STREAM_INFER)(iter([message]), timeout=60))
    with triton_http.InferenceServerClient(serving.http.removeprefix("http://")) as client:
        client.infer("price", [triton_http.InferInput("x", [1, 13], "FP32").set_data_from_numpy(row)])
    with triton_grpc.InferenceServerClient(serving.grpc) as client:
        client.infer("price", [triton_grpc.InferInput("x", [1, 13], "FP32").set_data_from_numpy(row)])


def test_a_revision_with_the_same_model_does_not_differ_and_the_answer_is_known_from_then_on(
    same: "Serving", stable: "Serving"
) -> None:
    before = stable.metrics().get('paddle_serving_requests_total{code="200",protocol="pipeline_json"}', 0)
    found = drift(same, samples="Golden", requests=200, rtol=0.0, atol=0.0)
    assert (found["samples"], found["asked"], found["different"], found["missing"]) == ("Golden", 3, 0, 0)
    assert (found["complete"], found["reason"], found["tensors"]) == (True, "", [])
    assert drift(same) == found
    stable.wait_for(
        lambda: (
            stable.metrics().get('paddle_serving_requests_total{code="200",protocol="pipeline_json"}', 0) >= before + 3
        ),
        "three requests to the stable revision",
    )
    assert stable.metrics()['paddle_serving_requests_total{code="200",protocol="pipeline_json"}'] == before + 3
    assert 'paddle_serving_requests_total{code="200",protocol="pipeline_json"}' not in same.metrics()
    # neither side takes the other's questions for requests of users
    assert stable.metrics()["paddle_serving_replay_requests"] == 0


def test_a_changed_weight_is_told_by_sample_tensor_element_and_both_values(changed: "Serving") -> None:
    found = drift(changed)
    assert (found["asked"], found["different"], found["missing"], found["complete"]) == (4, 3, 1, True)
    assert found["reason"].startswith("Sample 3.json: the stable revision answers err_no 51 (")
    assert "express is unknown" in found["reason"]
    worst = found["tensors"][0]
    assert (worst["tensor"], worst["index"], worst["equal"]) == ("price", [0, 0], False)
    assert float(worst["expected"]) != float(worst["got"])
    assert abs(float(worst["got"]) - float(worst["expected"])) == pytest.approx(worst["absolute"], rel=1e-3)
    tolerant = drift(changed, rtol=0.05)
    assert (tolerant["different"], tolerant["missing"], tolerant["rtol"]) == (0, 1, 0.05)
    assert all(entry["equal"] for entry in tolerant["tensors"])


def test_live_requests_of_every_protocol_are_replayed_and_compared(
    same: "Serving", changed: "Serving", stable: "Serving"
) -> None:
    empty = drift(same, samples="Replay")
    assert (empty["asked"], empty["complete"]) == (0, False)
    load_in_every_protocol(stable)
    stable.wait_for(lambda: stable.metrics()["paddle_serving_replay_requests"] == PROTOCOLS, "requests to replay")
    equal = drift(same, samples="Replay", requests=100)
    assert (equal["asked"], equal["different"], equal["missing"], equal["complete"]) == (PROTOCOLS, 0, 0, True)
    found = drift(changed, samples="Replay", requests=100)
    assert (found["asked"], found["different"], found["missing"]) == (PROTOCOLS, PROTOCOLS, 0)
    assert {entry["sample"] for entry in found["tensors"]} == {
        f"request {number}" for number in range(1, PROTOCOLS + 1)
    }
    assert drift(changed, samples="Replay", requests=2)["asked"] == 2
    # what is replayed is nobody's request here, and nothing of it is in a log
    assert same.metrics()["paddle_serving_replay_requests"] == 0
    assert not [name for name in changed.metrics() if name.startswith("paddle_serving_requests_total")]
    assert "0.6283" not in changed.log_file.read_text()


def test_a_service_that_leads_to_this_very_pod_is_noticed(tmp_path: Path, make_package: Make) -> None:
    where = ("--stable-service", "localhost", "--stable-http-port", "HTTP_PORT", "--stable-admin-port", "ADMIN_PORT")
    serving = start_serving(tmp_path, make_package(), "--workers", "1", "--replay-buffer", "9", *where)
    try:
        serving.wait_ready()
        serving.post(request_body())
        serving.wait_for(lambda: serving.metrics()["paddle_serving_replay_requests"] == 1, "a request to replay")
        for samples in ("Golden", "Replay"):
            found = drift(serving, samples=samples)
            assert (found["asked"], found["complete"]) == (0, False)
            assert "leads to this very pod" in found["reason"]
    finally:
        serving.kill()


def test_a_stable_revision_that_is_gone_is_a_sentence_and_no_result(
    tmp_path_factory: Folder, make_package: Make
) -> None:
    package = make_package(golden={})
    shutil.rmtree(package / "golden", ignore_errors=True)
    gone = ("--stable-service", "127.0.0.1", "--stable-http-port", "1", "--stable-admin-port", "1")
    flags = ("--workers", "1", "--consistency-required", "false", *gone)
    serving = start_serving(tmp_path_factory.mktemp("alone"), package, *flags)
    try:
        serving.wait_ready()
        response = requests.post(f"{serving.admin}/drift", json={"samples": "Replay"}, timeout=60)
        assert (response.status_code, "nobody answers" in response.json()["error"]) == (503, True)
        assert serving.get("/report").json()["drift"] is None
        without = drift(serving, samples="Golden")
        assert (without["complete"], "no golden samples" in without["reason"]) == (False, True)
    finally:
        serving.kill()


def test_without_a_stable_revision_there_is_a_sentence(shared: "Serving") -> None:
    response = requests.post(f"{shared.admin}/drift", json={}, timeout=60)
    assert (response.status_code, "--stable-service" in response.json()["error"]) == (404, True)
    assert shared.get("/drift").status_code == 405
