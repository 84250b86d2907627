"""Watches of several namespaces: what ends those of one does not touch the others."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from paddle_serving_operator.constants import HTTP_ROUTE, PADDLE_SERVICE, Kind
from paddle_serving_operator.handlers import watches
from paddle_serving_operator.handlers.hub import Hub
from paddle_serving_operator.handlers.watches import GROUPS, Watches
from paddle_serving_operator.kube.errors import Unavailable
from paddle_serving_operator.observe.mirror import Mirror
from paddle_serving_operator.reconcile.queue import Queue, Timing


class Kopf:
    """Stands in for kopf's operator: it ends for namespace `bad`, and watches until it is told to stop elsewhere."""

    def __init__(self) -> None:
        self.starts: list[str | None] = []
        self.routes = threading.Event()
        self.enough = threading.Event()

    async def operator(self, **settings: Any) -> None:  # noqa: ANN401 - kopf's own
        namespace = settings["namespaces"][0] if settings["namespaces"] else None
        assert settings["clusterwide"] is (namespace is None)
        if [handler.id for handler in settings["registry"]._watching._handlers] == [HTTP_ROUTE.plural]:
            self.routes.set()
        else:
            self.starts.append(namespace)
        if self.starts.count("bad") >= 3:
            self.enough.set()
        if namespace == "bad":
            await asyncio.sleep(0)
            raise PermissionError("paddleservices is forbidden")
        await settings["stop_flag"].wait()


@pytest.fixture
def kopf(monkeypatch: pytest.MonkeyPatch) -> Kopf:
    stand_in = Kopf()
    monkeypatch.setattr("kopf.operator", stand_in.operator)
    monkeypatch.setattr(watches, "FIRST_WAIT", 0.01)
    return stand_in


@contextmanager
def watching(namespaces: list[str], knows: Any = lambda kind: kind == PADDLE_SERVICE) -> Iterator[Watches]:  # noqa: ANN401 - a function
    hub = Hub(Mirror(time.monotonic), Queue(Timing(lambda: 0.0, lambda: 0.0)))
    made = Watches(namespaces, hub, knows, GROUPS)
    made.start()
    try:
        yield made
    finally:
        made.stop()
        assert not made.alive()


def test_watches_that_end_start_again_and_leave_the_others_alone(kopf: Kopf, caplog: pytest.LogCaptureFixture) -> None:
    with watching(["good", "bad", "good"]) as made:
        assert kopf.enough.wait(60)
        assert made.alive()
    assert kopf.starts.count("good") == 1
    assert "Watching namespace bad ended: PermissionError: paddleservices is forbidden" in caplog.text


def test_without_namespaces_the_whole_cluster_is_watched(kopf: Kopf) -> None:
    with watching([]):
        pass
    assert set(kopf.starts) <= {None}


def test_while_the_definition_is_missing_nothing_is_started(kopf: Kopf, caplog: pytest.LogCaptureFixture) -> None:
    asked = threading.Semaphore(0)
    installed = threading.Event()

    def knows(kind: Kind) -> bool:
        if kind != PADDLE_SERVICE:
            return False
        asked.release()
        return installed.is_set()

    with watching(["bad"], knows):
        assert asked.acquire(timeout=60)
        assert asked.acquire(timeout=60)
        assert kopf.starts == []
        installed.set()
        assert kopf.enough.wait(60)
    assert "does not know paddleservices; install the definition" in caplog.text


def test_a_kind_that_the_cluster_lacks_is_looked_for_without_a_word_and_watched_once_it_is_there(
    kopf: Kopf, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "ABSENT_WAIT", 0.01)
    asked, installed = threading.Semaphore(0), threading.Event()

    def knows(kind: Kind) -> bool:
        if kind == HTTP_ROUTE:
            asked.release()
        return kind == PADDLE_SERVICE or installed.is_set()

    with caplog.at_level("INFO"), watching(["good"], knows):
        assert all(asked.acquire(timeout=60) for _ in range(5))
        assert not kopf.routes.is_set()
        installed.set()
        assert kopf.routes.wait(60)
    assert caplog.records == []
    assert kopf.starts == ["good"]


def test_an_api_server_that_does_not_say_what_it_knows_is_asked_again(
    kopf: Kopf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "ABSENT_WAIT", 0.01)
    answers = iter([Unavailable("no answer"), Unavailable("no answer")])

    def knows(kind: Kind) -> bool:
        if kind == HTTP_ROUTE and (error := next(answers, None)):
            raise error
        return True

    with watching(["good"], knows) as made:
        assert kopf.routes.wait(60)
        assert made.alive()
