"""The reports of refused pods, read once from their logs: the pods end at once, and go with their revision."""

import logging
import threading
from collections.abc import Collection

from paddle_serving_operator.constants import Key, Manifest
from paddle_serving_operator.kube.cluster import PodLogs
from paddle_serving_operator.kube.errors import KubeError, Unavailable
from paddle_serving_operator.observe.refused import SERVE, Ended, ended, report_in

log = logging.getLogger(__name__)


class Refusals:
    """What refused revisions have said. Safe for several threads, as long as each has its own key.

    It asks within the pass, unlike a pod's own /report: the same pass may take the pods away, and their logs with them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[Key, Ended] = {}
        self._known: dict[Key, tuple[str, bytes]] = {}

    def report_of(self, logs: PodLogs, key: Key, revision: str, pods: Collection[Manifest]) -> bytes | None:
        """The report of a revision one of whose `pods` was refused; None where none was, or it cannot be read.

        The log of every end is read once, whatever is in it: a pod that is started again ends again. Where the API
        server or the node has no time for it the next pass asks again.
        """
        found = ended(pods)
        if found is None:
            return None
        with self._lock:
            of, body = self._known.get(key, ("", b""))
            if of == revision:
                return body
            if self._asked.get(key) == found:
                return None
        try:
            read = _read(logs, key, found)
        except KubeError as error:
            log.info("the log of refused pod %s cannot be read: %s", found.pod, error, extra={"key": key.path()})
            if isinstance(error, Unavailable):
                return None
            read = None
        with self._lock:
            self._asked[key] = found
            if read is not None:
                self._known[key] = revision, read
        return read

    def forget(self, key: Key) -> None:
        """Drops what is known about a PaddleService."""
        with self._lock:
            self._asked.pop(key, None)
            self._known.pop(key, None)


def _read(logs: PodLogs, key: Key, found: Ended) -> bytes | None:
    body = report_in(logs.log(key.namespace, found.pod, SERVE, previous=found.previous))
    if body is None:
        log.info("the log of refused pod %s has no report", found.pod, extra={"key": key.path()})
    return body
