"""Everything that happened to a kind of object while a block ran, from the API server's own watch."""

from __future__ import annotations

import json
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from e2e.lib.wait import Seen, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from e2e.lib.cluster import Namespace, Object

START_SECONDS = 60.0
STOP_SECONDS = 60.0


class Watch:
    """Events of a running `kubectl get --watch`, as JSON; the first state is part of them."""

    def __init__(self, process: subprocess.Popen[str], what: str) -> None:
        self._process = process
        self._what = what
        self._events: list[Object] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # kubectl writes the events of a watch as one line each, other than everything else
        for line in self._process.stdout or ():
            self._events.append(json.loads(line))

    @property
    def events(self) -> list[Object]:
        """What was seen so far. Raises AssertionError when the watch has broken: its silence would mean nothing."""
        if self._process.poll() is not None:
            raise AssertionError(f"the watch on {self._what} ended by itself with {self._process.returncode}")
        return list(self._events)

    def has_started(self) -> None:
        """Waits for the first state."""
        wait_for(
            f"first line of the watch on {self._what}", lambda: Seen(bool(self.events), "nothing"), within=START_SECONDS
        )

    def stop(self) -> None:
        """Ends it. Raises AssertionError where it had ended by itself."""
        broken = self._process.poll() is not None
        self._process.terminate()
        self._process.wait(STOP_SECONDS)
        self._reader.join(STOP_SECONDS)
        if broken:
            raise AssertionError(f"the watch on {self._what} ended before the test")


def ready_after_each_change(events: Iterable[Object]) -> Iterator[set[str]]:
    """The ready pods of all slices together, after each event of a watch on EndpointSlices."""
    slices: dict[str, set[str]] = {}
    for event in events:
        endpoints = event["object"].get("endpoints") or () if event["type"] != "DELETED" else ()
        ready = {endpoint["targetRef"]["name"] for endpoint in endpoints if endpoint["conditions"].get("ready")}
        slices[event["object"]["metadata"]["name"]] = ready
        yield set().union(*slices.values())


class EndpointHistory:
    """Which pods were ready behind a Service, change by change."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def changes(self) -> Iterator[set[str]]:
        """The set of ready pods after every change."""
        return ready_after_each_change(self._watch.events)

    def fewest(self) -> int:
        """The smallest number of ready pods at any time."""
        return min(len(ready) for ready in self.changes())

    def pods(self) -> set[str]:
        """Every pod that ever was a ready endpoint."""
        return set().union(*self.changes())

    def settles_on(self, count: int, *, within: float) -> None:
        """Waits until that many pods are ready endpoints."""

        def look() -> Seen:
            *_, last = self.changes()
            return Seen(len(last) == count, f"{sorted(last)}")

        wait_for(f"{count} ready endpoints", look, within=within)


@contextmanager
def endpoints_of(namespace: Namespace, service: str) -> Iterator[EndpointHistory]:
    """The history of a Service's ready endpoints from now to the end of the block."""
    selector = f"kubernetes.io/service-name={service}"
    arguments = ["get", "endpointslices", "--selector", selector, "--watch", "--output-watch-events", "-o", "json"]
    command = namespace.cluster.kubectl_command("-n", namespace.name, *arguments)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        watch = Watch(process, f"endpoints of {service}")
        try:
            watch.has_started()
            yield EndpointHistory(watch)
        finally:
            watch.stop()
