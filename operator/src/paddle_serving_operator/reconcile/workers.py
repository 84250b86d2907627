"""The threads that take keys from the queue and reconcile them."""

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from paddle_serving_operator.constants import Key
from paddle_serving_operator.kube.errors import Conflict, KubeError
from paddle_serving_operator.reconcile.queue import Queue, Timing

log = logging.getLogger(__name__)

RESYNC = timedelta(minutes=10)  # an event may get lost; nothing stays wrong for longer than this
STOP_SECONDS = 15.0

Reconcile: TypeAlias = Callable[[Key, datetime], timedelta | None]
"""Reconciles one key at a moment. Returns when to look again at the latest (None: the object is gone)."""


class Workers:
    """N threads on one queue. A pass that raises is logged and repeated later; a thread never ends by it."""

    def __init__(self, queue: Queue, reconcile: Reconcile, count: int, timing: Timing) -> None:
        self._queue = queue
        self._reconcile = reconcile
        self._timing = timing
        self._threads = [
            threading.Thread(target=self._run, name=f"reconcile-{number}", daemon=True) for number in range(count)
        ]

    def start(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the passes that are under way finish, for at most 15 s in all."""
        self._queue.close()
        deadline = self._timing.clock() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - self._timing.clock()))

    def alive(self) -> bool:
        """Whether every thread lives."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (key := self._queue.take()) is not None:
            self.work(key)

    def work(self, key: Key) -> None:
        """One pass over one key that was taken from the queue."""
        try:
            again_in = self._reconcile(key, datetime.now(UTC).replace(microsecond=0))
        except Conflict as error:
            self._queue.failed(key)
            log.info("%s", error, extra={"key": key.path()})
        except KubeError as error:
            delay = self._queue.failed(key)
            log.warning("%s; trying again in %.1f s", error, delay.total_seconds(), extra={"key": key.path()})
        except Exception:
            delay = self._queue.failed(key)
            log.exception("unexpected error; trying again in %.1f s", delay.total_seconds(), extra={"key": key.path()})
        else:
            if again_in is None:
                self._queue.finished(key)
            else:
                self._queue.done(key, min(again_in, RESYNC * (1 + self._timing.jitter() / 10)))
