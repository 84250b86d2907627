from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from paddle_serving_operator import health
from paddle_serving_operator.constants import Key
from paddle_serving_operator.reconcile.queue import TIMER, Queue, Timing


class Threads:
    def __init__(self, *, alive: bool = True) -> None:
        self._alive = alive

    def alive(self) -> bool:
        return self._alive


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def threads(*, alive: bool = True) -> Any:  # noqa: ANN401 - stands in for workers and watches
    return Threads(alive=alive)


def late(seconds: float) -> Queue:
    """A queue whose oldest work has been waiting for so long."""
    clock = Clock()
    queue = Queue(Timing(clock, lambda: 0.0))
    queue.add(Key("default", "ocr"), TIMER)
    clock.seconds = seconds
    return queue


@contextmanager
def serving(answer: Any) -> Iterator[str]:  # noqa: ANN401 - a function
    server = health.serve("http://127.0.0.1:0/healthz", answer, lambda: b"a_total 1.0\n")
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_it_tells_the_age_of_the_oldest_work() -> None:
    assert health.check(late(2.5), threads(), threads()) == {"queue": {"oldestSeconds": 2.5, "waiting": 1}}


@pytest.mark.parametrize(
    ("seconds", "workers", "watches", "sentence"),
    [(301, True, True, "dead or stuck"), (0, False, True, "dead or stuck"), (0, True, False, "watches the API server")],
)
def test_it_fails_when_nobody_works_any_more(seconds: float, workers: bool, watches: bool, sentence: str) -> None:  # noqa: FBT001 - parameters of a test
    with pytest.raises(health.UnhealthyError, match=sentence):
        health.check(late(seconds), threads(alive=workers), threads(alive=watches))


def test_the_server_answers_what_the_check_says() -> None:
    with serving(lambda: {"queue": {"waiting": 0}}) as url:
        answer = requests.get(f"{url}/healthz?verbose", timeout=60)
        assert (answer.status_code, answer.json()) == (200, {"queue": {"waiting": 0}})
        assert requests.get(f"{url}/other", timeout=60).status_code == requests.codes.not_found


def test_an_unhealthy_process_answers_with_an_error() -> None:
    def unhealthy() -> dict[str, Any]:
        raise health.UnhealthyError("nobody works")

    with serving(unhealthy) as url:
        answer = requests.get(f"{url}/healthz", timeout=60)
        assert (answer.status_code, answer.json()) == (500, {"error": "nobody works"})


def test_the_metrics_are_beside_it_whether_it_is_healthy_or_not() -> None:
    def unhealthy() -> dict[str, Any]:
        raise health.UnhealthyError("nobody works")

    with serving(unhealthy) as url:
        answer = requests.get(f"{url}/metrics", timeout=5)
    assert (answer.status_code, answer.content) == (200, b"a_total 1.0\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
