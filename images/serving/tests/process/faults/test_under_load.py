"""Faults while every protocol is under load, in both engines: who is not in that worker notices nothing."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from images.serving.tests.process.faults.conftest import GOOD, REQUEST_SECONDS, load, seconds_until
from images.serving.tests.services import PRICE, X

if TYPE_CHECKING:
    from images.serving.tests.process.serve.conftest import Serving

RECOVERY_SECONDS = 120.0
"""Loose, for a slow machine; what it took is printed."""

FAULTS = {"hog": (503,), "segfault": (503,), "abort": (503,), "spin": (504,), "sleep": (504,), "stop": (504,)}
"""What a request does to its worker, and the status that it gets."""

IN_THAT_WORKER = {
    "pipeline_json: 503",
    "pipeline_json: 504",
    "open_inference_json: 503",
    "open_inference_json: 504",
    "pipeline_grpc: _InactiveRpcError UNAVAILABLE",
    "pipeline_grpc: _InactiveRpcError DEADLINE_EXCEEDED",
    "open_inference_grpc: _InactiveRpcError UNAVAILABLE",
    "open_inference_grpc: _InactiveRpcError DEADLINE_EXCEEDED",
}
"""How a request ends that shares its worker with the one that kills it: the pipeline engine has several at once."""


def assert_right_status(serving: "Serving", do: str, response: requests.Response) -> None:
    """That of FAULTS.

    Who takes too long is answered by the front, and killed half a second later; where the machine lets the front sleep
    that long, its request is told first that it was lost with the worker. Then it must have had all of its time.
    """
    assert response.json()["err_no"] in (3001, 6000)
    if response.status_code not in FAULTS[do]:
        assert (FAULTS[do], response.status_code) == ((504,), 503), (do, response.text)
        assert response.elapsed.total_seconds() > REQUEST_SECONDS, (do, response.text)
        words = f"was killed: one request took longer than {REQUEST_SECONDS} s"
        serving.wait_for(lambda: words in serving.log_file.read_text(), words)


def two_new_or_old(serving: "Serving", gone: set[int]) -> bool:
    serving_now = serving.metrics().get('paddle_serving_workers{phase="serving"}')
    return serving_now == 2 and len(set(serving.worker_pids()) - gone) == 2


def wait_for_standby(serving: "Serving") -> None:
    """As a service has it that has been running for a while; serve/test_faults.py kills without waiting for it."""
    serving.wait_for(lambda: serving.metrics().get("paddle_serving_standby") == 1, "a standby process")


def test_a_fault_costs_the_requests_of_its_worker_and_it_is_replaced(
    faulty: "Serving", engine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # four of them within a minute; a fifth crash would be a loop
    for do in ("hog", "segfault", "spin", "stop") if engine == "direct" else ("hog", "abort", "sleep", "stop"):
        wait_for_standby(faulty)
        before = set(faulty.worker_pids())
        with load(faulty) as clients:
            response = faulty.post({"key": ["x", "do"], "value": [X, do]})
            assert_right_status(faulty, do, response)
            gone = before - {pid for pid in before if Path(f"/proc/{pid}").exists()}
            took = seconds_until(
                faulty,
                lambda gone=gone, before=before: (  # type: ignore[misc]
                    set(faulty.worker_pids()) != before and two_new_or_old(faulty, gone)
                ),
                f"recovery from {do}",
                RECOVERY_SECONDS,
            )
            good = clients.good()
            faulty.wait_for(lambda good=good, clients=clients: clients.good() > good + 50, "answers")  # type: ignore[misc]
        failed = clients.outcomes.copy()
        del failed["good"]
        assert set(failed) <= IN_THAT_WORKER, (do, failed)
        if engine == "direct":
            # its only request was the one that hurt it
            assert failed.total() == 0, (do, failed)
        with capsys.disabled():
            print(f"\n{engine}, {do}: two workers again {took:.1f} s after the answer, {failed.total()} of "  # noqa: T201
                  f"{clients.outcomes.total()} other requests failed", end="")  # fmt: skip
        assert len(before & set(faulty.worker_pids())) == 1
        assert faulty.post(GOOD).json()["value"] == [PRICE]
        assert faulty.status("/readyz") == 200


def test_a_killed_worker_comes_back(faulty: "Serving", engine: str, capsys: pytest.CaptureFixture[str]) -> None:
    wait_for_standby(faulty)
    victim, other = faulty.worker_pids()
    with load(faulty) as clients:
        os.kill(victim, signal.SIGKILL)
        took = seconds_until(
            faulty,
            lambda: victim not in faulty.worker_pids() and two_new_or_old(faulty, {victim}),
            "recovery",
            RECOVERY_SECONDS,
        )
    failed = clients.outcomes.copy()
    del failed["good"]
    assert set(failed) <= IN_THAT_WORKER, failed
    if engine == "direct":
        assert failed.total() <= 1, failed
    assert faulty.worker_pids()[1] == other
    with capsys.disabled():
        print(f"\n{engine}, SIGKILL: two workers again after {took:.1f} s", end="")  # noqa: T201 - a measurement


def test_sigterm_fails_no_request_in_any_protocol(faulty: "Serving") -> None:
    with load(faulty) as clients:
        faulty.process.send_signal(signal.SIGTERM)
        faulty.wait_for(lambda: faulty.status("/readyz") == 503, "readiness to end")
        good = clients.good()
        faulty.wait_for(lambda: clients.good() > good + 20, "requests that are served while it drains")
        # clients leave when their endpoint is taken away
        clients.leave()
    failed = clients.outcomes.copy()
    del failed["good"]
    assert not failed
    assert faulty.wait_exit() == 0
