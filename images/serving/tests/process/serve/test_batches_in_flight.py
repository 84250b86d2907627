"""Requests that share a run are answered, refused and lost one by one, as if each had a run of its own.

A worker that is stopped has as many requests as one run takes; all of them are then in its hands, and none is answered.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from images.serving.tests.process.serve.conftest import Serving, start_serving
from images.serving.tests.services import keep

ROWS, QUEUE, TIMEOUT = 4, 2, 20
UNKNOWN = 100.0
RUNS = 'paddle_serving_batch_runs_total{worker="0"}'
LENGTH = "paddle_serving_queue_length"


def body(number: float) -> bytes:
    tensor = {"name": "k", "elem_type": 1, "shape": [1, 1], "float_data": [number]}
    return json.dumps({"key": [], "value": [], "tensors": [tensor]}).encode()


@pytest.fixture(scope="module", params=["plain", "service"])
def serving(
    request: pytest.FixtureRequest, special_models: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """One worker, which looks numbers up in a table and fails for one that is not there."""
    package = tmp_path_factory.mktemp("package")
    shutil.copytree(special_models / "table", package / "model")
    (package / "golden").mkdir()
    for number in (1, 6):
        (package / "golden" / f"{number}.json").write_bytes(body(number))
    if request.param == "service":
        keep(package)
    flags = ("--workers", "1", "--batching", f"{ROWS},0.2", "--queue", str(QUEUE), "--request-timeout", str(TIMEOUT))
    started = start_serving(tmp_path_factory.mktemp("serve"), package, *flags)
    try:
        yield started.wait_ready()
    finally:
        started.kill()


@pytest.fixture(scope="module")
def alone(serving: Serving) -> dict[float, list[Any]]:
    """What each number of the table gets in a run of its own."""
    return {float(number): values(serving.post(body(number))) for number in range(8)}


def values(response: requests.Response) -> list[Any]:
    """The answer, of a service with what it says that it was asked."""
    assert response.status_code == 200, response.text
    answer = response.json()
    if answer["key"]:
        texts = dict(zip(answer["key"], answer["value"], strict=True))
        return [json.loads(texts[name]) for name in ("asked", "answer")]
    found: list[Any] = answer["tensors"][0]["float_data"]
    return found


@pytest.fixture
def ask(serving: Serving, alone: dict[float, list[Any]]) -> Iterator[Callable[[float], "Future[requests.Response]"]]:
    """Asks in a thread of its own, after a shared run that was audited."""
    with ThreadPoolExecutor(ROWS + QUEUE) as clients:

        def submit(number: float) -> "Future[requests.Response]":
            return clients.submit(serving.post, body(number))

        def shared() -> bool:
            answered = [submit(float(number)) for number in range(ROWS)]
            assert [values(one.result()) for one in answered] == [alone[float(number)] for number in range(ROWS)]
            return serving.metrics().get(RUNS, 0) > 1

        serving.wait_for(shared, "shared runs")
        yield submit


@contextlib.contextmanager
def stopped(serving: Serving) -> Iterator[int]:
    """The worker, which computes nothing meanwhile."""
    (worker,) = serving.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    try:
        yield worker
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)


def until_queue(serving: Serving, length: int) -> None:
    """Returns when so many requests wait: the worker then has as many as a run takes."""
    serving.wait_for(lambda: serving.metrics()[LENGTH] == length, f"a queue of {length}")


def until_replaced(serving: Serving, worker: int) -> None:
    """Returns when another worker answers in the place of this one."""
    serving.wait_for(lambda: serving.worker_pids() != [worker], "a new worker")
    serving.wait_for(lambda: serving.metrics().get('paddle_serving_workers{phase="serving"}') == 1, "its proof")


def test_past_the_queue_it_is_429_and_the_whole_batch_is_answered(
    serving: Serving, ask: Callable[[float], Any], alone: dict[float, list[Any]]
) -> None:
    runs = serving.metrics()[RUNS]
    with stopped(serving):
        waiting = [ask(float(number)) for number in range(ROWS + QUEUE)]
        until_queue(serving, QUEUE)
        refused = [serving.post(body(1)) for _ in range(3)]
    assert [(one.status_code, one.headers["retry-after"]) for one in refused] == [(429, "1")] * 3
    # who came first is not known, but each gets its own
    assert [values(one.result()) for one in waiting] == [alone[float(number)] for number in range(ROWS + QUEUE)]
    assert serving.metrics()[RUNS] > runs


def test_one_bad_request_of_a_batch_fails_alone(
    serving: Serving, ask: Callable[[float], Any], alone: dict[float, list[Any]]
) -> None:
    asked = [1.0, UNKNOWN, 3.0, 5.0, 7.0]
    runs = serving.metrics()[RUNS]
    with stopped(serving):
        answers = [ask(number) for number in asked]
        until_queue(serving, 1)
    codes = [one.result().status_code for one in answers]
    assert codes == [200, 500, 200, 200, 200]
    good = [values(one.result()) for one, code in zip(answers, codes, strict=True) if code == 200]
    assert good == [alone[number] for number in asked if number != UNKNOWN]
    # the run that failed was none that was shared; batching goes on
    assert [values(one.result()) for one in [ask(float(number)) for number in range(ROWS)]] == [
        alone[float(number)] for number in range(ROWS)
    ]
    serving.wait_for(lambda: serving.metrics()[RUNS] > runs, "another shared run")


def test_who_leaves_changes_nothing_for_those_beside(
    serving: Serving, ask: Callable[[float], Any], alone: dict[float, list[Any]]
) -> None:
    with stopped(serving):
        host, port = serving.http.removeprefix("http://").split(":")
        leaving = socket.create_connection((host, int(port)))
        sent = body(7)
        head = f"POST /svc/prediction HTTP/1.1\r\nHost: a\r\nContent-Length: {len(sent)}\r\n\r\n"
        leaving.sendall(head.encode() + sent)
        answers = [ask(float(number)) for number in (2, 4, 6, 1)]
        until_queue(serving, 1)
        leaving.close()
    assert [values(one.result()) for one in answers] == [alone[number] for number in (2.0, 4.0, 6.0, 1.0)]
    assert values(serving.post(body(5))) == alone[5.0]


def test_a_worker_that_dies_is_503_for_each_request_of_its_batch(
    serving: Serving, ask: Callable[[float], Any], alone: dict[float, list[Any]]
) -> None:
    lost = serving.metrics()["paddle_serving_lost_requests_total"]
    with stopped(serving) as worker:
        answers = [ask(3.0) for _ in range(ROWS + 1)]
        until_queue(serving, 1)
        os.kill(worker, signal.SIGKILL)
        codes = sorted(one.result().status_code for one in answers)
    # the one that waited finds no worker at that moment, or the one that has taken the place already
    assert codes in ([503] * (ROWS + 1), [200] + [503] * ROWS)
    until_replaced(serving, worker)
    assert serving.metrics()["paddle_serving_lost_requests_total"] == lost + ROWS
    assert values(serving.post(body(5))) == alone[5.0]


def test_a_run_that_does_not_end_is_504_for_each_request_of_it(
    serving: Serving, ask: Callable[[float], Any], alone: dict[float, list[Any]]
) -> None:
    with stopped(serving) as worker:
        answers = [ask(float(number)) for number in range(ROWS)]
        codes = [(one.result().status_code, one.result().json()["err_no"]) for one in answers]
        assert codes == [(504, 6000)] * ROWS
    until_replaced(serving, worker)
    assert values(serving.post(body(5))) == alone[5.0]
