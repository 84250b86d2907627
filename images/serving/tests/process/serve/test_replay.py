"""serve --replay-buffer: a sample of what was answered, in memory only."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import numpy as np
import pytest
import requests
from tritonclient import grpc as triton_grpc
from tritonclient import http as triton_http

from images.serving.tests.process.serve.conftest import request_body, start_serving
from images.serving.tests.services import ROW as X
from paddle_serving_runtime.protocol.exchange import Exchange
from paddle_serving_runtime.protocol.paths import MODEL_INFER, PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

Make = Callable[..., Path]
KEPT = 40


def read(serving: "Serving", query: str = "") -> tuple[dict[str, Any], list[Exchange]]:
    response = serving.get(f"/requests{query}")
    assert response.status_code == 200, response.text
    head, *lines = response.content.splitlines()
    return json.loads(head), [Exchange.from_line(line) for line in lines]


def waited(serving: "Serving", requests: int) -> list[Exchange]:
    """The kept requests when there are so many: workers hand them over behind their answers."""
    serving.wait_for(lambda: serving.metrics()["paddle_serving_replay_requests"] >= requests, f"{requests} requests")
    return read(serving)[1]


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory, make_package: Make) -> "Iterator[Serving]":
    flags = ("--workers", "2", "--replay-buffer", str(KEPT), "--recheck-interval", "0.5")
    serving = start_serving(tmp_path_factory.mktemp("keeping"), make_package(), *flags)
    yield serving.wait_ready()
    serving.kill()


def test_every_protocol_is_kept_with_what_is_needed_to_ask_again_and_nothing_that_failed_is(
    keeping: "Serving",
) -> None:
    head, before = read(keeping)
    assert (before, head["requests"]) == ([], 0), "golden samples are nobody's requests"
    row = np.array([X], np.float32)
    secret = {"authorization": "Bearer secret", "content-type": "application/json"}
    requests.post(f"{keeping.http}/svc/prediction", json=request_body(), headers=secret, timeout=60)
    with grpc.insecure_channel(keeping.grpc) as channel:
        message = MESSAGES["Request"](key=["x"], value=[",".join(map(str, X))]).SerializeToString()
        channel.unary_unary(PIPELINE_INFERENCE)(message, timeout=60)
    with triton_http.InferenceServerClient(keeping.http.removeprefix("http://")) as client:
        tensor = triton_http.InferInput("x", [1, 13], "FP32").set_data_from_numpy(row)
        client.infer("price", [tensor])
    with triton_grpc.InferenceServerClient(keeping.grpc) as client:
        tensor = triton_grpc.InferInput("x", [1, 13], "FP32").set_data_from_numpy(row)
        client.infer("price", [tensor], client_timeout=60)
    assert keeping.post(request_body(fail="yes")).status_code == 500
    assert keeping.post(b"{").status_code == 400
    keeping.post(request_body([2.0] * 13))
    kept = {exchange.path: exchange for exchange in waited(keeping, 5)}
    assert len(waited(keeping, 5)) == 5
    assert kept.keys() == {"/svc/prediction", PIPELINE_INFERENCE, "/v2/models/price/infer", MODEL_INFER}
    assert {name for exchange in kept.values() for name in exchange.headers} == {
        "content-type",
        "inference-header-content-length",
    }
    assert kept["/v2/models/price/infer"].answer_headers["inference-header-content-length"].isdecimal()
    assert b"18.90115" in b"".join(exchange.answer for exchange in waited(keeping, 5))
    assert "Bearer" not in keeping.get("/requests").text
    assert "0.6283" not in keeping.log_file.read_text()


def test_there_are_never_more_than_were_asked_for_and_fewer_where_fewer_are_wanted(keeping: "Serving") -> None:
    for number in range(2 * KEPT):
        keeping.post(request_body([float(number)] * 13))
    assert len(waited(keeping, KEPT)) == KEPT
    head, few = read(keeping, "?limit=7")
    assert (head["requests"], len(few)) == (7, 7)
    assert 0 < keeping.metrics()["paddle_serving_replay_bytes"] <= 64 * 1024 * 1024


def test_what_a_worker_has_answered_stays_when_it_is_replaced_and_its_successor_goes_on(keeping: "Serving") -> None:
    before, (victim, _) = read(keeping)[0], keeping.worker_pids()
    os.kill(victim, signal.SIGKILL)
    serving = 'paddle_serving_workers{phase="serving"}'
    keeping.wait_for(
        lambda: keeping.worker_pids()[0] != victim and keeping.metrics().get(serving) == 2, "another worker"
    )
    assert read(keeping)[0] == before

    def newest() -> bool:
        keeping.post(request_body([-1.0] * 13))
        return any(b'"-1.0,' in exchange.body for exchange in read(keeping)[1])

    keeping.wait_for(newest, "a request to the new worker in the sample")


def test_the_pipeline_engine_keeps_requests_too(make_package: Make, tmp_path: Path) -> None:
    serving = start_serving(tmp_path, make_package(), "--engine", "pipeline", "--replay-buffer", "3")
    try:
        serving.wait_ready()
        answer = serving.post(request_body())
        (kept,) = waited(serving, 1)
        assert (json.loads(kept.body), kept.answer) == (request_body(), answer.content)
    finally:
        serving.kill()


def test_without_the_option_nothing_is_kept(shared: "Serving") -> None:
    shared.post(request_body())
    response = shared.get("/requests")
    assert response.status_code == 404
    assert "--replay-buffer" in response.json()["error"]
    assert not [name for name in shared.metrics() if "replay" in name]
