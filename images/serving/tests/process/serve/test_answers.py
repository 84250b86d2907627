"""A service with two workers answers, refuses, and survives the death of a worker."""

import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from images.serving.tests.services import ROW as X

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from images.serving.tests.process.serve.conftest import Serving, Start


def body(x: list[float], **extra: str) -> dict[str, list[str]]:
    fields = {"x": ",".join(map(str, x)), **extra}
    return {"key": list(fields), "value": list(fields.values())}


def price(response: requests.Response) -> float:
    assert response.status_code == 200, response.text
    return float(json.loads(response.json()["value"][0])[0][0])


def test_it_is_ready_only_with_a_report_of_what_was_verified(shared: "Serving") -> None:
    report = shared.get("/report").json()
    assert (report["verdict"], report["samples"], report["workers"]) == ("Recorded", 1, 2)
    assert report["paddleVersion"] == "3.3.1"
    assert report["modelDigest"].startswith("sha256:")
    assert report["warnings"] == ["op.other in config.yml has no effect: the service has no Op of this name."]
    assert {(entry["against"], entry["equal"]) for entry in report["comparisons"]} == {
        ("reference", True),
        ("recorded", True),
    }
    assert [shared.status(path) for path in ("/livez", "/startupz", "/readyz", "/nothing")] == [200, 200, 200, 404]


def test_workers_that_serve_yield_to_one_that_loads_and_to_the_front(shared: "Serving") -> None:
    ours = os.getpriority(os.PRIO_PROCESS, shared.process.pid)
    assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in shared.worker_pids()] == [ours + 5] * 2


def test_the_answer_is_the_models_under_both_names(shared: "Serving") -> None:
    for path in ("/svc/prediction", "/housing/anything"):
        response = shared.post(body(X), path)
        assert list(response.json()) == ["err_no", "err_msg", "key", "value", "tensors"]
        assert price(response) == pytest.approx(18.901152)
        assert "server" not in response.headers


@pytest.mark.parametrize(
    ("sent", "path", "status", "err_no"),
    [
        (b"", "/svc/prediction", 400, 8000),
        (b"{", "/svc/prediction", 400, 8000),
        (b'{"key":["x"]}', "/svc/prediction", 400, 8000),
        (b'{"tensors":[{"name":"x","elem_type":13,"byte_data":"dGV4dA=="}]}', "/svc/prediction", 400, 8000),
        (body(X), "/unknown/prediction", 404, 3002),
        (body(X), "/loaded", 404, 3002),
        (body(X, fail="1"), "/svc/prediction", 500, 10000),
        (body(X[:5]), "/svc/prediction", 500, 10000),
    ],
)
def test_a_wrong_request_is_refused_in_the_shape_of_a_response(
    shared: "Serving", sent: object, path: str, status: int, err_no: int
) -> None:
    response = shared.post(sent, path)
    assert (response.status_code, response.json()["err_no"]) == (status, err_no)
    assert list(response.json()) == ["err_no", "err_msg", "key", "value", "tensors"]
    assert "secret" not in response.text
    assert "Traceback" not in response.text


def test_what_the_front_refuses_has_the_same_shape(shared: "Serving") -> None:
    got = requests.get(f"{shared.http}/svc/prediction", timeout=10)
    assert (got.status_code, got.headers["allow"], got.json()["err_no"]) == (405, "POST", 8000)
    parts = urlsplit(shared.http)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(b"POST /svc/p HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_many_different_requests_at_once_each_get_their_own_answer(shared: "Serving") -> None:
    rows = np.random.default_rng(1).normal(size=(200, 13)).round(4).tolist()
    alone = [price(shared.post(body(row))) for row in rows]
    assert len(set(alone)) == len(rows)
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(lambda row: price(shared.post(body(row))), rows))
    assert together == alone


def test_metrics_count_requests_by_code(serve: "Start", make_package: "Callable[..., Path]") -> None:
    # one of its own: what others asked of a shared one may be counted while this test counts
    serving = serve(make_package(), "--workers", "1").wait_ready()
    serving.post(body(X))
    serving.post(b"{")
    names = [f'paddle_serving_requests_total{{code="{code}",protocol="pipeline_json"}}' for code in (200, 400)]
    serving.wait_for(lambda: [serving.metrics().get(name, 0) for name in names] == [1, 1], "a 200 and a 400")
    assert serving.metrics()["paddle_serving_ready"] == 1
    assert serving.metrics()['paddle_serving_golden_verified{verdict="EngineOnly"}'] == 1


def test_a_killed_worker_costs_the_requests_that_it_has_alone(shared: "Serving") -> None:
    shared.wait_for(lambda: len(set(shared.worker_pids())) == 2, "two workers")
    victim, _ = shared.worker_pids()
    done, outcomes = threading.Event(), []

    def load() -> None:
        while not done.is_set():
            response = shared.post(body(X))
            outcomes.append((response.status_code, response.json()["err_no"]))

    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    shared.wait_for(lambda: len(outcomes) > 50, "load")
    os.kill(victim, signal.SIGKILL)
    shared.wait_for(
        lambda: (
            shared.metrics().get('paddle_serving_workers{phase="serving"}') == 2 and victim not in shared.worker_pids()
        ),
        "recovery",
    )
    done.set()
    for client in clients:
        client.join()
    failed = [outcome for outcome in outcomes if outcome != (200, 0)]
    # each client has one at a time
    assert len(failed) <= len(clients), f"{len(failed)} of {len(outcomes)} failed: {failed}"
    assert set(failed) <= {(503, 3001)}
    assert set(failed) <= {(503, 3001)}
    assert shared.status("/readyz") == 200
    assert shared.metrics()['paddle_serving_worker_restarts_total{worker="0"}'] == 1
