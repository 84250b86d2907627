"""Reads the metrics of pods, outside the passes: a pass takes what is known.

The pods of a PaddleService are read by one thread at a time.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from paddle_serving_operator.constants import Key
from paddle_serving_operator.observe.reports import UNREADABLE, Fetch, Submit

log = logging.getLogger(__name__)

Told = TypeVar("Told")


@dataclass(slots=True)
class Round:
    """When the pods of a PaddleService were read last, and whether they are being read."""

    read_at: datetime | None = None
    busy: bool = False

    def begins(self, now: datetime, interval: timedelta) -> bool:
        """Whether a reading is due; it has begun then. A clock that was put back makes nobody wait for longer."""
        rests = self.read_at is not None and timedelta(0) <= now - self.read_at < interval
        if self.busy or rests:
            return False
        self.busy, self.read_at = True, now
        return True


class PodMetrics(Generic[Told]):
    """The metrics of pods, parsed. What is made of them is kept by others, under `lock`."""

    def __init__(
        self, parse: Callable[[bytes], Told], fetch: Fetch, submit: Submit, wake: Callable[[Key], None]
    ) -> None:
        """`parse` raises ValueError where a text is no metrics."""
        self._parse, self._fetch, self._submit, self._wake = parse, fetch, submit, wake
        self.lock = threading.Lock()

    def read(self, key: Key, one: Round, pods: Mapping[str, str], take: Callable[[Mapping[str, Told]], bool]) -> None:
        """Reads the pods, addresses by uid, for a round that has begun; to be called without the lock.

        `take` gets what those told that could be read, under the lock, and returns whether that is news for a pass.
        """
        self._submit(lambda: self._read(key, one, pods, take))

    def _read(self, key: Key, one: Round, pods: Mapping[str, str], take: Callable[[Mapping[str, Told]], bool]) -> None:
        told: dict[str, Told] = {}
        for uid, address in pods.items():
            try:
                told[uid] = self._parse(self._fetch(f"{address}/metrics"))
            except UNREADABLE as error:
                log.info("metrics of pod %s cannot be read: %s", uid, error, extra={"key": key.path()})
        with self.lock:
            news = take(told)
            one.busy = False
        if news:
            self._wake(key)
