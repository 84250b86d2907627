"""What changes in a cluster, as it changes: lists that watches keep up to date, each in a thread of its own."""

import queue
import threading
from collections.abc import Iterable
from typing import Self
from urllib.parse import urlencode

from paddle_serving_operator.plugin.kubectl import Json, Kubectl, Watch
from paddle_serving_operator.plugin.problems import ProblemError
from paddle_serving_operator.view.raw import Raw, objects_at, text_at

WATCH_SECONDS = 300  # the API server ends a watch after this time, and it is begun anew
PAUSE_SECONDS = 1.0  # before a list is asked for again


class Feed:
    """Lists by name. `take` waits for the next change. As a context manager it ends its threads and its kubectls."""

    def __init__(self, kubectl: Kubectl, paths: dict[str, str]) -> None:
        self._kubectl = kubectl
        self._news: queue.SimpleQueue[tuple[str, tuple[Raw, ...] | ProblemError]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._threads = [threading.Thread(target=self._follow, args=item, daemon=True) for item in paths.items()]
        self.lists: dict[str, tuple[Raw, ...]] = {}
        self.problem: ProblemError | None = None

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stop.set()
            watches = tuple(self._watches)
        for watch in watches:
            watch.close()

    def take(self, seconds: float) -> bool:
        """Whether a list changed within the time; then `lists` has it. Raises what went wrong before a list was known.

        Later troubles are in `problem` until a list comes again: a connection that is lost may come back.
        """
        try:
            name, found = self._news.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return False
        if isinstance(found, ProblemError):
            if name not in self.lists:
                raise found
            self.problem = found
        else:
            self.problem = None
            self.lists[name] = found
        return True

    def _follow(self, name: str, path: str) -> None:
        while not self._stop.is_set():
            try:
                self._watch(name, path)
            except ProblemError as error:
                self._news.put((name, error))
            self._stop.wait(PAUSE_SECONDS)

    def _watch(self, name: str, path: str) -> None:
        listed = self._kubectl.get(path)
        known = {_uid(item): item for item in objects_at(listed, "items")}
        self._news.put((name, tuple(known.values())))
        version = text_at(listed, "metadata", "resourceVersion")
        query = {"watch": "true", "resourceVersion": version, "timeoutSeconds": WATCH_SECONDS}
        watch = self._open(f"{path}{'&' if '?' in path else '?'}{urlencode(query)}")
        try:
            self._read(name, known, watch)
        finally:
            watch.close()
            with self._lock:
                self._watches.discard(watch)

    def _open(self, path: str) -> Watch:
        """Under the lock, so that the end of the feed sees every watch or prevents it."""
        with self._lock:
            if self._stop.is_set():
                raise ProblemError("The feed has ended.")
            watch = self._kubectl.watch(path)
            self._watches.add(watch)
        return watch

    def _read(self, name: str, known: dict[str, Raw], events: Iterable[Json]) -> None:
        """Until the API server ends the watch, or says that it has forgotten what was before."""
        for event in events:
            if self._stop.is_set() or event.get("type") == "ERROR":
                return
            item = event.get("object", {})
            if event.get("type") == "DELETED":
                known.pop(_uid(item), None)
            else:
                known[_uid(item)] = item
            self._news.put((name, tuple(known.values())))


def _uid(item: Raw) -> str:
    return text_at(item, "metadata", "uid")
