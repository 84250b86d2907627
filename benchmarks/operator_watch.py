"""The objects of one kind as a watch of the benchmark's own tells them, with the moment of each change."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import requests
from tests.integration.control_plane import ControlPlane  # type: ignore[import-not-found]

from paddle_serving_operator.constants import Kind

WATCH_SECONDS = 4 * 3600


class Sight(NamedTuple):
    """An object, and when it was told of: seconds of time.monotonic()."""

    object: dict[str, Any]
    at: float


class Watch:
    """Every object of a kind in the whole cluster, by namespace/name, in a thread of its own until `close`.

    An API server ends a watch that does not read fast enough; it is gone on with from the last change that it told.
    """

    def __init__(self, plane: ControlPlane, kind: Kind, token: str) -> None:
        prefix = "/apis" if "/" in kind.api_version else "/api"
        self._url = f"{plane.url}{prefix}/{kind.api_version}/{kind.plural}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.verify = str(plane.certificate)
        self._seen: dict[str, Sight] = {}
        self._version = ""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.failure: BaseException | None = None
        threading.Thread(target=self._run, name=f"watch-{kind.plural}", daemon=True).start()

    def seen(self) -> dict[str, Sight]:
        """Every object. Raises RuntimeError where the watch cannot go on."""
        if self.failure is not None:
            raise RuntimeError(f"the benchmark's watch has ended: {self.failure}")
        with self._lock:
            return dict(self._seen)

    def of(self, key: str) -> Sight | None:
        """One object."""
        with self._lock:
            return self._seen.get(key)

    def close(self) -> None:
        """Lets the thread end with its next line."""
        self._closed.set()

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                for line in self._lines():
                    if self._closed.is_set():
                        return
                    self._take(json.loads(line))
        except BaseException as error:  # noqa: BLE001 - told by `seen`
            self.failure = error

    def _lines(self) -> Iterator[bytes]:
        query = {"watch": "true", "timeoutSeconds": str(WATCH_SECONDS), "resourceVersion": self._version}
        with self._session.get(self._url, params=query, stream=True, timeout=(10, WATCH_SECONDS)) as answer:
            answer.raise_for_status()
            yield from answer.iter_lines(chunk_size=None)

    def _take(self, event: dict[str, Any]) -> None:
        found = event["object"]
        if event["type"] == "ERROR":
            raise RuntimeError(found.get("message", "an error without a message"))
        self._version = found["metadata"]["resourceVersion"]
        key = f"{found['metadata']['namespace']}/{found['metadata']['name']}"
        with self._lock:
            if event["type"] == "DELETED":
                self._seen.pop(key, None)
            else:
                self._seen[key] = Sight(found, time.monotonic())
