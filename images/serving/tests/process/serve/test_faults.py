"""Workers and HAProxy killed while requests run: every client is answered, properly, and the service recovers."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import requests

from images.serving.tests.services import X
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

SIMPLE = {"key": ["x"], "value": [X]}
KILLS = 8
SECONDS = 120.0


class Clients:
    """Clients that ask all the time, each on a connection of its own that it keeps."""

    def __init__(self, serving: "Serving") -> None:
        self._serving = serving
        self._done = threading.Event()
        self._threads: list[threading.Thread] = []
        self.outcomes: list[tuple[str, object]] = []

    def http(self) -> None:
        with requests.Session() as session:
            while not self._done.is_set():
                try:
                    response = session.post(f"{self._serving.http}/svc/prediction", json=SIMPLE, timeout=SECONDS)
                    self.outcomes.append(("http", (response.status_code, response.json()["err_no"])))
                except requests.RequestException as error:
                    self.outcomes.append(("http", repr(error)))

    def grpc(self) -> None:
        request = MESSAGES["Request"](key=["x"], value=[X])
        with grpc.insecure_channel(self._serving.grpc) as channel:
            ask = channel.unary_unary(
                PIPELINE_INFERENCE,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=MESSAGES["Response"].FromString,
            )
            while not self._done.is_set():
                try:
                    self.outcomes.append(("grpc", ask(request, timeout=SECONDS).err_no))
                except grpc.RpcError as error:
                    self.outcomes.append(("grpc", (error.code().name, error.details())))

    def start(self, *kinds: Callable[[], None]) -> None:
        self._threads = [threading.Thread(target=kind) for kind in kinds]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join(SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)

    def failures(self) -> Counter[tuple[str, object]]:
        return Counter(outcome for outcome in self.outcomes if outcome not in {("http", (200, 0)), ("grpc", 0)})


@contextmanager
def load(serving: "Serving", http: int = 3, rpc: int = 3) -> Iterator[Clients]:
    clients = Clients(serving)
    clients.start(*[clients.http] * http, *[clients.grpc] * rpc)
    try:
        serving.wait_for(lambda: len(clients.outcomes) > 50, "load")
        yield clients
    finally:
        clients.stop()


def serving_pids(serving: "Serving") -> list[int]:
    """The workers that serve now."""
    if serving.metrics().get('paddle_serving_workers{phase="serving"}') != 2:
        return []
    return serving.worker_pids()


def wait_for_both(serving: "Serving", *gone: int) -> list[int]:
    """The pids of two serving workers, none of which is of those that have gone."""
    found: list[int] = []

    def both() -> bool:
        found[:] = serving_pids(serving)
        return len(found) == 2 and not set(found) & set(gone)

    serving.wait_for(both, "two workers")
    return found


def progress(serving: "Serving", clients: Clients, more: int = 30) -> None:
    before = len(clients.outcomes)
    serving.wait_for(lambda: len(clients.outcomes) > before + more, "requests answered")


WELL_FORMED = {
    ("http", (503, 3001)),
    ("grpc", ("UNAVAILABLE", "the worker of this request was lost; retry")),
    ("grpc", ("UNAVAILABLE", "no worker is available; retry")),
}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory, make_package: Callable[..., Path]) -> "Iterator[Serving]":
    """Two workers that have one request each, and crashes that are counted but never too many.

    The tests kill more than a minute allows.
    """
    from images.serving.tests.process.serve.conftest import start_serving  # noqa: PLC0415 - a module of fixtures

    folder = tmp_path_factory.mktemp("patient")
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'paddle_serving_runtime.cli.main' in sys.orig_argv:\n"
        "    from paddle_serving_runtime.supervisor import crashes\n"
        "    crashes.CrashHistory.is_loop = property(lambda self: False)\n"
        "    crashes.CrashHistory.delay = property(lambda self: 0.0)\n"
    )
    variables = {"PYTHONPATH": str(folder)}
    serving = start_serving(folder, make_package(), "--workers", "2", "--batching", "Off", environment=variables)
    yield serving.wait_ready()
    serving.kill()


def test_every_client_of_a_killed_worker_gets_a_well_formed_answer(patient: "Serving") -> None:
    with load(patient) as clients:
        pids = wait_for_both(patient)
        for number in range(KILLS):
            victim = pids[number % 2]
            os.kill(victim, signal.SIGKILL)
            pids = wait_for_both(patient, victim)
            progress(patient, clients)
    failures = clients.failures()
    assert set(failures) <= WELL_FORMED, failures
    assert sum(failures.values()) <= KILLS, failures
    assert {kind for kind, _ in clients.outcomes} == {"http", "grpc"}
    assert patient.metrics()["paddle_serving_lost_requests_total"] > 0


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_crash_costs_one_request_and_a_new_worker_answers(patient: "Serving", number: signal.Signals) -> None:
    with load(patient) as clients:
        victim = wait_for_both(patient)[0]
        os.kill(victim, number)
        wait_for_both(patient, victim)
        progress(patient, clients)
    failures = clients.failures()
    assert set(failures) <= WELL_FORMED, failures
    assert sum(failures.values()) <= 1, failures
    assert patient.status("/readyz") == 200


def test_haproxy_is_replaced_and_serves_on(patient: "Serving") -> None:
    wait_for_both(patient)
    restarts = patient.metrics()["paddle_serving_front_restarts_total"]
    with load(patient) as clients:
        for number in range(3):
            victim = patient.front_pid()
            os.kill(victim, signal.SIGKILL)
            patient.wait_for(lambda gone=victim: patient.front_pid() not in {0, gone}, "a new HAProxy")  # type: ignore[misc]
            patient.wait_for(lambda: patient.status("/readyz") == 200, "readiness")
            patient.wait_for(
                lambda want=restarts + number + 1: patient.metrics()["paddle_serving_front_restarts_total"] == want,  # type: ignore[misc]
                "the count",
            )
            good = sum(outcome in {("http", (200, 0)), ("grpc", 0)} for outcome in clients.outcomes)
            patient.wait_for(
                lambda want=good + 20: (  # type: ignore[misc]
                    sum(outcome in {("http", (200, 0)), ("grpc", 0)} for outcome in clients.outcomes) > want
                ),
                "answers through the new HAProxy",
            )
    assert patient.post(SIMPLE).status_code == 200


def test_only_verified_workers_are_enabled_in_a_new_haproxy(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    slow = (
        "import os, sys, time\n"
        "if 'paddle_serving_runtime.worker' in sys.orig_argv:\n"
        f"    while os.path.exists({str(hold)!r}) and '\"index\":0' in sys.argv[-1]:\n"
        "        time.sleep(0.02)\n"
    )
    package = make_package()
    script = package / "web_service.py"
    script.write_text(slow + script.read_text())
    serving = serve(package, "--workers", "2").wait_ready()
    hold.touch()
    victim, other = serving.worker_pids()
    os.kill(victim, signal.SIGKILL)
    serving.wait_for(lambda: serving.metrics().get('paddle_serving_workers{phase="loading"}') == 1, "a loading worker")
    os.kill(serving.front_pid(), signal.SIGKILL)
    serving.wait_for(lambda: serving.metrics()["paddle_serving_front_restarts_total"] == 1, "the count")
    serving.wait_for(lambda: serving.front_pid() != 0 and serving.status("/readyz") == 200, "a new HAProxy")

    def answered() -> bool:
        try:
            return serving.post(SIMPLE).status_code == 200
        except requests.ConnectionError:
            return False

    serving.wait_for(answered, "an answer")
    codes = [serving.post(SIMPLE).status_code for _ in range(20)]
    assert codes == [200] * 20
    assert serving.metrics()['paddle_serving_workers{phase="serving"}'] == 1
    hold.unlink()
    serving.wait_for(lambda: serving.metrics().get('paddle_serving_workers{phase="serving"}') == 2, "both workers")
    assert serving.worker_pids()[1] == other


def test_an_haproxy_that_dies_five_times_in_a_minute_ends_it(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path]
) -> None:
    serving = serve(make_package(), "--workers", "1").wait_ready()
    deadline = time.monotonic() + SECONDS
    while serving.process.poll() is None:
        assert time.monotonic() < deadline
        if victim := serving.front_pid():
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)
    assert serving.wait_exit() == 5
    assert serving.message().startswith("FrontFailed: HAProxy ended 5 times within 60 s.")


def test_a_poisoned_request_reaches_one_worker_alone(patient: "Serving") -> None:
    pids = wait_for_both(patient)
    poison: dict[str, Any] = {"key": ["x", "exit"], "value": [X, "1"]}
    with requests.Session() as session, load(patient) as clients:
        # not the first request on its connection
        assert session.post(f"{patient.http}/svc/prediction", json=SIMPLE, timeout=SECONDS).status_code == 200
        response = session.post(f"{patient.http}/svc/prediction", json=poison, timeout=SECONDS)
        assert (response.status_code, response.json()["err_no"]) == (503, 3001)
        assert response.headers["content-type"] == "application/json"
        patient.wait_for(lambda: len(set(pids) & set(serving_pids(patient))) == 1, "one new worker")
        progress(patient, clients)
    assert clients.failures() == {}
    ended = patient.logs("worker ended with status 7")
    assert len(ended) == 1


@pytest.mark.parametrize(("batching", "most"), [("Off", 1), ("4", 4)])
def test_a_stopped_worker_is_replaced_after_the_request_timeout(
    serve: "Callable[..., Serving]", make_package: Callable[..., Path], batching: str, most: int
) -> None:
    flags = ("--workers", "2", "--request-timeout", "6", "--batching", batching)
    serving = serve(make_package(), *flags).wait_ready()
    wait_for_both(serving)
    with load(serving) as clients:
        victim, _ = serving.worker_pids()
        os.kill(victim, signal.SIGSTOP)
        wait_for_both(serving, victim)
        progress(serving, clients)
    failures = clients.failures()
    timed_out = {("http", (504, 6000)), ("grpc", ("DEADLINE_EXCEEDED", "the request took longer than the time-out"))}
    assert set(failures) <= timed_out | WELL_FORMED, failures
    assert sum(failures.values()) <= most, failures
