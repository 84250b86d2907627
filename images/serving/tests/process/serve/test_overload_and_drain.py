"""Full queues, hangs and SIGTERM."""

import signal
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import requests

from images.serving.tests.services import X
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

REFUSED = 'paddle_serving_requests_total{code="429",protocol="pipeline_json"}'
SIMPLE = {"key": ["x"], "value": [X]}


def sleeping(seconds: float) -> dict[str, list[str]]:
    return {"key": ["x", "sleep"], "value": [X, str(seconds)]}


def waiting_for(file: Path) -> dict[str, list[str]]:
    return {"key": ["x", "until"], "value": [X, str(file)]}


def test_a_full_queue_is_429_and_who_waits_is_answered(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    serving = serve(make_package(), "--workers", "1", "--queue", "2", "--batching", "Off").wait_ready()
    go = tmp_path / "go"
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(serving.post, waiting_for(go)) for _ in range(3)]
        try:
            serving.wait_for(lambda: serving.metrics()["paddle_serving_queue_length"] == 2, "a full queue")
            refused = [serving.post(SIMPLE) for _ in range(5)]
            assert not any(request.done() for request in waiting)
        finally:
            go.touch()
        answered = [request.result().status_code for request in waiting]
    assert [response.status_code for response in refused] == [429] * 5
    assert all(response.headers["retry-after"] == "1" for response in refused)
    assert all(response.json()["err_msg"] == "the queue is full; retry" for response in refused)
    assert answered == [200] * 3
    serving.wait_for(lambda: serving.metrics().get(REFUSED) == 5, "the count")


def test_a_hang_is_504_and_a_new_worker(serve: "Callable[..., Serving]", make_package: Callable[..., Path]) -> None:
    serving = serve(make_package(), "--workers", "1", "--request-timeout", "5").wait_ready()
    (hung,) = serving.worker_pids()
    started = time.monotonic()
    response = serving.post(sleeping(60))
    assert (response.status_code, response.json()["err_no"]) == (504, 6000)
    assert time.monotonic() - started >= 4.5
    serving.wait_for(lambda: serving.worker_pids() != [hung] and serving.status("/readyz") == 200, "a new worker")
    assert serving.post(SIMPLE).status_code == 200
    assert serving.metrics()['paddle_serving_requests_total{code="504",protocol="pipeline_json"}'] == 1


def listens(url: str) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", int(url.rpartition(":")[2]))) == 0


def test_sigterm_under_load_fails_no_request(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    serving = serve(make_package(), "--workers", "1", "--drain-delay", "8", "--drain-timeout", "600").wait_ready()
    leave, outcomes, closing = threading.Event(), [], []

    def load(session: requests.Session) -> None:
        # a client with an open connection, until its endpoint is removed
        while not leave.is_set():
            response = session.post(f"{serving.http}/svc/prediction", json=sleeping(0.01), timeout=120)
            outcomes.append(response.status_code)
            closing.append(response.headers.get("connection") == "close")

    sessions = [requests.Session() for _ in range(4)]
    clients = [threading.Thread(target=load, args=(session,)) for session in sessions]
    for client in clients:
        client.start()
    serving.wait_for(lambda: len(outcomes) > 20, "load")
    assert not any(closing)
    serving.process.send_signal(signal.SIGTERM)
    serving.wait_for(lambda: serving.status("/readyz") == 503, "readiness to end")
    assert serving.get("/readyz").json() == {"ready": False, "reason": "draining"}
    assert serving.status("/livez") == 200
    before = len(outcomes)
    serving.wait_for(lambda: len(outcomes) > before + 10, "requests served while it drains")
    assert closing[-1]
    leave.set()
    for client in clients:
        client.join()
    assert set(outcomes) == {200}
    with ThreadPoolExecutor(2) as pool:
        # in flight when the port closes: one with the worker, one in the queue
        late = [pool.submit(serving.post, waiting_for(go)) for _ in range(2)]
        try:
            serving.wait_for(lambda: not listens(serving.http), "the port to be closed")
        finally:
            go.touch()
        assert [request.result().status_code for request in late] == [200, 200]
    assert serving.wait_exit() == 0


def test_sigterm_under_load_fails_no_call_and_idle_channels_do_not_hold_it_up(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--workers", "1", "--drain-delay", "8", "--drain-timeout", "600").wait_ready()
    request = MESSAGES["Request"](key=["x"], value=[X]).SerializeToString()
    leave, outcomes = threading.Event(), []
    # else all channels of a process share one connection
    options = [("grpc.use_local_subchannel_pool", 1)]

    def load() -> None:
        with grpc.insecure_channel(serving.grpc, options=options) as channel:
            ask = channel.unary_unary(PIPELINE_INFERENCE)
            while not leave.is_set():
                try:
                    outcomes.append(MESSAGES["Response"].FromString(ask(request, timeout=120)).err_no)
                except grpc.RpcError as error:
                    outcomes.append(error.code())

    with grpc.insecure_channel(serving.grpc, options=options) as idle:
        idle.unary_unary(PIPELINE_INFERENCE)(request, timeout=120)
        clients = [threading.Thread(target=load) for _ in range(3)]
        for client in clients:
            client.start()
        serving.wait_for(lambda: len(outcomes) > 20, "load")
        serving.process.send_signal(signal.SIGTERM)
        serving.wait_for(lambda: serving.status("/readyz") == 503, "readiness to end")
        before = len(outcomes)
        serving.wait_for(lambda: len(outcomes) > before + 10, "calls answered while it drains")
        leave.set()
        for client in clients:
            client.join()
        assert set(outcomes) == {0}
        assert serving.wait_exit() == 0


def test_the_port_stays_open_past_the_delay_for_those_who_still_come(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    flags = ("--workers", "1", "--drain-delay", "0.1", "--drain-timeout", "600")
    serving = serve(make_package(), *flags).wait_ready()
    serving.process.send_signal(signal.SIGTERM)
    until = time.monotonic() + 4
    # a new connection each, as from nodes that have not heard yet that this pod is to end
    while time.monotonic() < until:
        assert serving.post(SIMPLE).status_code == 200
    assert serving.wait_exit() == 0


def test_a_second_sigterm_ends_it_at_once(serve: "Callable[..., Serving]", make_package: Callable[..., Path]) -> None:
    serving = serve(make_package(), "--workers", "1", "--drain-delay", "600").wait_ready()
    serving.process.send_signal(signal.SIGTERM)
    serving.wait_for(lambda: serving.status("/readyz") == 503, "readiness to end")
    serving.process.send_signal(signal.SIGTERM)
    assert serving.wait_exit() == 1
