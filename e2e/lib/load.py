"""Load on a Service from a pod inside the cluster, through the Service's DNS name."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from e2e.lib import load_generator
from e2e.lib.pods import PYTHON, SCRIPTS, Pod, config_map
from e2e.lib.wait import Seen, expect, wait_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from e2e.lib.cluster import Namespace

START_SECONDS = 60.0
STOP_SECONDS = 60.0
# A safety net for a test that dies: the pod ends by itself.
LONGEST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Tally:
    """What the generator counted: answers by their text, failures with the first ones in words, the slowest answer."""

    answers: dict[str, int]
    failed: int
    failures: list[str]
    slowest: float

    @property
    def requests(self) -> int:
        """All of them, the failed ones too."""
        return sum(self.answers.values()) + self.failed

    @override
    def __str__(self) -> str:
        answers = "; ".join(f"{count} x {answer}" for answer, count in self.answers.items())
        return (
            f"{self.requests} requests, {self.failed} failed {self.failures}; slowest {self.slowest:.2f} s; {answers}"
        )


class Load:
    """A running load generator; its report is there when the block has ended."""

    def __init__(self, namespace: Namespace, pod: str, report: Tally | None = None) -> None:
        self._namespace = namespace
        self._pod = pod
        self._report = report

    @property
    def report(self) -> Tally:
        """The count to the last answer."""
        if self._report is None:
            raise AssertionError("the load still runs; ask after the block")
        return self._report

    def seen(self) -> Tally:
        """The count up to now."""
        return _parse(self._namespace.kubectl("logs", self._pod, "--tail=1"))

    def has_seen(self, answer: str, *, within: float, times: int = 1) -> None:
        """Waits until `answer` came back `times` times."""

        def look() -> Seen:
            tally = self.seen()
            return Seen(tally.answers.get(answer, 0) >= times, str(tally))

        wait_for(f"{times} answers {answer}", look, within=within)

    def sends(self, requests: int, *, within: float) -> None:
        """Waits until that many more requests have been answered."""
        goal = self.seen().requests + requests

        def look() -> Seen:
            tally = self.seen()
            return Seen(tally.requests >= goal, str(tally))

        wait_for(f"{requests} more requests", look, within=within)

    def saw_only(self, answers: Collection[str]) -> None:
        """Every one of `answers` came back, nothing else did, and no request failed."""
        report = self.report
        expect(not report.failed, str(report))
        expect(set(report.answers) == set(answers), str(report))

    def stop(self) -> None:
        """Ends the load; every request that was sent has its answer then."""
        self._namespace.exec(self._pod, "touch", str(load_generator.STOP))
        self._report = _parse(self._namespace.pod_succeeds(self._pod, within=STOP_SECONDS))


def _parse(lines: str) -> Tally:
    *_, last = lines.strip().splitlines() or ["{}"]
    line = json.loads(last)
    answers, failures = line.get("answers", {}), line.get("failures", [])
    return Tally(answers, line.get("failed", 0), failures, line.get("slowest", 0.0))


@contextmanager
def load_on(namespace: Namespace, host: str, path: str, body: bytes, requests_per_second: int) -> Iterator[Load]:
    """Load that is known to arrive when the block starts, and is counted to its last answer when it ends."""
    program = Path(load_generator.__file__)
    name = f"load-{host}"
    command = [PYTHON, f"{SCRIPTS}/{program.name}", host, "80", path, f"{SCRIPTS}/body.json"]
    pod = Pod(name, [*command, str(requests_per_second), str(LONGEST_SECONDS)], scripts=name, memory="256Mi")
    files = {program.name: program.read_text(encoding="utf-8"), "body.json": body.decode()}
    namespace.apply(config_map(name, files), pod.manifest())
    namespace.pod_is_running(name, within=START_SECONDS)
    load = Load(namespace, name)
    try:
        load.sends(THREADS_SETTLED, within=START_SECONDS)
        yield load
    finally:
        load.stop()


THREADS_SETTLED = 2 * load_generator.THREADS
