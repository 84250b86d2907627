"""The time of a pass, and a client that keeps to it."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from kubernetes import client
from typing_extensions import override

from paddle_serving_operator.constants import SERVICE
from paddle_serving_operator.kube.budget import CONNECT_SECONDS, Budget, OutOfTime
from paddle_serving_operator.kube.errors import Unavailable
from paddle_serving_operator.kube.rest import RestCluster
from paddle_serving_operator.recorder import Unrecorded


class Clock:
    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def spend(budget: Budget, clock: Clock, what: str, seconds: float, *, writes: bool = False) -> None:
    with budget.spending(what, writes=writes):
        clock.seconds += seconds


def test_every_call_may_take_what_is_left(clock: Clock) -> None:
    budget = Budget(clock, 30)
    assert budget.timeouts("list Pod") == (CONNECT_SECONDS, 30)
    spend(budget, clock, "list Pod", 27)
    assert budget.timeouts("list Pod") == (3, 3)


def test_a_call_after_the_end_is_refused_with_what_took_the_time(clock: Clock) -> None:
    budget = Budget(clock, 30)
    for number, seconds in enumerate((1, 2, 3, 4, 5, 6, 12)):
        spend(budget, clock, f"call {number}", seconds)
    with pytest.raises(OutOfTime) as raised:
        budget.timeouts("apply Service default/ocr")
    assert str(raised.value) == (
        "apply Service default/ocr: the 30 s of this pass are used up "
        "(call 6 12.0 s, call 5 6.0 s, call 4 5.0 s, call 3 4.0 s, call 2 3.0 s, and 2 more)"
    )
    assert isinstance(raised.value, Unavailable)  # which is repeated


def test_only_calls_that_succeeded_count_as_writes(clock: Clock) -> None:
    budget = Budget(clock, 30)
    spend(budget, clock, "list Pod", 1)
    spend(budget, clock, "patch Service", 1, writes=True)
    with pytest.raises(Unavailable), budget.spending("patch Service", writes=True):
        raise Unavailable("down")
    assert budget.writes == 1


class Calls(Unrecorded):
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, str]] = []

    @override
    def called(self, verb: str, kind: str, code: str, seconds: float) -> None:
        self.calls.append((verb, kind, code))


class Mute(BaseHTTPRequestHandler):
    """Answers lists, and nothing else."""

    released = threading.Event()

    def do_GET(self) -> None:
        if not self.path.partition("?")[0].endswith("/services"):
            self.released.wait(60)
        with contextlib.suppress(ConnectionError):  # the client did not wait
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    @override
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Mute)
    threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
    Mute.released.clear()
    yield http
    Mute.released.set()
    http.shutdown()
    http.server_close()


def test_a_call_that_is_not_answered_ends_with_the_pass_and_is_counted(server: ThreadingHTTPServer) -> None:
    configuration = client.Configuration()
    configuration.host = f"http://127.0.0.1:{server.server_port}"
    calls = Calls()
    cluster = RestCluster(configuration, connections=1, recorder=calls).within(Budget(time.monotonic, 0.5))
    assert cluster.list(SERVICE, "default", "a=b") == []
    with pytest.raises(OutOfTime, match=r"get Service default/ocr: the 0.5 s of this pass are used up \(get Service"):
        cluster.get(SERVICE, "default", "ocr")
    with pytest.raises(OutOfTime):
        cluster.list(SERVICE, "default", "a=b")
    assert calls.calls == [("list", "Service", "200"), ("get", "Service", "none")]
