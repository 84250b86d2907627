"""Whether a worker gets on with its requests."""

import time

from paddle_serving_runtime.link.busy import begun, busy_since
from paddle_serving_runtime.supervisor.launch import WorkerProcess


class Watchdog:
    """Looks at one worker from outside."""

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._unread: tuple[int, float] | None = None

    def busy_seconds(self) -> float:
        """How long the worker has had its oldest request, or has left one unread while it did nothing else.

        The second is a worker that is stopped between two requests: its mark says that it is idle.
        """
        since = busy_since(self._worker.busy_file)
        if since is not None:
            self._unread = None
            return time.monotonic() - since
        if not self._worker.keeper.any_unread():
            self._unread = None
            return 0.0
        count = begun(self._worker.busy_file)
        if self._unread is None or self._unread[0] != count:
            self._unread = (count, time.monotonic())
        return time.monotonic() - self._unread[1]
