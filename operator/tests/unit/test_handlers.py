import asyncio
import io
import json
import logging
from datetime import timedelta
from typing import Any

import kopf
import pytest

from paddle_serving_operator.constants import LABEL_SERVICE, Key
from paddle_serving_operator.handlers import registry as handlers
from paddle_serving_operator.json_logging import start_logging
from paddle_serving_operator.reconcile.queue import Queue, Timing


class Threads:
    def __init__(self, *, alive: bool = True) -> None:
        self._alive = alive

    def alive(self) -> bool:
        return self._alive


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def memo(*, alive: bool = True) -> tuple[handlers.Memo, Clock]:
    clock = Clock()
    threads: Any = Threads(alive=alive)
    return handlers.Memo(Queue(Timing(clock, lambda: 0.0)), threads), clock


def test_an_event_of_a_service_puts_its_key_into_the_queue() -> None:
    shared, _ = memo()
    asyncio.run(handlers.on_service_event(namespace="default", name="ocr", memo=shared))
    assert shared.queue.take(timedelta(0)) == Key("default", "ocr")


def test_an_event_of_a_child_puts_its_owner_into_the_queue() -> None:
    shared, _ = memo()
    labels: Any = {LABEL_SERVICE: "ocr"}
    asyncio.run(handlers.on_child_event(namespace="default", labels=labels, memo=shared))
    asyncio.run(handlers.on_child_event(namespace="default", labels={}, memo=shared))
    assert shared.queue.take(timedelta(0)) == Key("default", "ocr")
    assert len(shared.queue) == 0


def test_the_probe_tells_the_age_of_the_oldest_work() -> None:
    shared, clock = memo()
    shared.queue.add(Key("default", "ocr"))
    clock.seconds = 2.5
    assert asyncio.run(handlers.probe(memo=shared)) == {"oldestSeconds": 2.5, "waiting": 1}


def test_the_probe_fails_when_the_work_is_stuck_or_the_workers_are_dead() -> None:
    shared, clock = memo()
    shared.queue.add(Key("default", "ocr"))
    clock.seconds = 301
    with pytest.raises(kopf.PermanentError, match="dead or stuck"):
        asyncio.run(handlers.probe(memo=shared))
    dead, _ = memo(alive=False)
    with pytest.raises(kopf.PermanentError, match="dead or stuck"):
        asyncio.run(handlers.probe(memo=dead))


def test_only_events_are_handled_so_kopf_writes_nothing_to_objects() -> None:
    registry: Any = handlers.make_registry()
    assert not registry._changing._handlers
    assert not registry._spawning._handlers
    assert {handler.id for handler in registry._watching._handlers} == {"service", "deployment", "pod", "address"}


def test_kopf_watches_only_our_children_and_needs_no_peering() -> None:
    settings = handlers.operator_settings()
    assert settings.peering.standalone
    assert settings.scanning.disabled
    assert not settings.posting.enabled
    assert isinstance(settings.watching.server_timeout, int)
    selectors = list(settings.watching.label_selectors.values())
    assert selectors == ["app.kubernetes.io/managed-by=paddle-serving-operator"] * 3


def test_log_lines_are_json_with_the_object_they_are_about() -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        start_logging("INFO", stream)
        logging.getLogger("operator").info("two\nlines", extra={"key": "default/ocr"})
        logging.getLogger("kopf.objects").info("chatter")
    finally:
        root.handlers[:], root.level = before, level
        logging.getLogger("kopf").setLevel(logging.NOTSET)
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert fields["message"] == "two\nlines"
    assert fields["level"] == "info"
    assert fields["object"] == "default/ocr"
