"""Load on a Service from a pod inside the cluster, through the Service's DNS name, with every request accounted for."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from e2e.lib import load_generator
from e2e.lib.load_generator import Plan
from e2e.lib.pods import PYTHON, SCRIPTS, Pod, config_map
from e2e.lib.wait import Seen, expect, wait_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from e2e.lib.cluster import Namespace

CONNECTIONS = 4
START_SECONDS = 120.0
STOP_SECONDS = 120.0
# A safety net for a test that dies: the pod ends by itself.
LONGEST_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes and what it is; `authority` is the Host header where it is not `host`."""

    host: str
    path: str
    body: bytes
    authority: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the generator counted: answers by their text, failures with the first ones in words.

    `slowest` is the longest that an answer took, `at` when this was counted after the start, both in seconds.
    """

    sent: int
    answers: dict[str, int]
    failed: int
    failures: list[str]
    slowest: float
    at: float

    @property
    def requests(self) -> int:
        """All that have ended, the failed ones too."""
        return sum(self.answers.values()) + self.failed

    def wrong(self, right: Collection[str]) -> int:
        """How many answers are none of these."""
        return sum(count for answer, count in self.answers.items() if answer not in right)

    @override
    def __str__(self) -> str:
        answers = "; ".join(f"{count} x {answer}" for answer, count in self.answers.items())
        return (
            f"{self.requests} of {self.sent} requests, {self.failed} failed {self.failures}; "
            f"slowest {self.slowest:.2f} s; {answers}"
        )


class Load:
    """A running load generator; its report is there when the block has ended."""

    def __init__(self, namespace: Namespace, pod: str, timeline: Sequence[Tally] = ()) -> None:
        self._namespace = namespace
        self._pod = pod
        self._timeline = timeline

    @property
    def report(self) -> Tally:
        """The count to the last answer."""
        return self.timeline[-1]

    @property
    def timeline(self) -> Sequence[Tally]:
        """The count every half second; the last one is to the last answer."""
        if not self._timeline:
            raise AssertionError("the load still runs; ask after the block")
        return self._timeline

    def seen(self) -> Tally:
        """The count up to now."""
        return _parse(self._namespace.kubectl("logs", self._pod, "--tail=1"))

    def has_seen(self, answer: str, *, within: float, times: int = 1) -> None:
        """Waits until `answer` came back `times` times."""

        def look() -> Seen:
            tally = self.seen()
            return Seen(tally.answers.get(answer, 0) >= times, str(tally))

        wait_for(f"{times} answers {answer}", look, within=within)

    def goes_on_seeing(self, answer: str, *, times: int, within: float) -> None:
        """Waits until `answer` came back `times` times more."""
        self.has_seen(answer, times=self.seen().answers.get(answer, 0) + times, within=within)

    def sends(self, requests: int, *, within: float) -> None:
        """Waits until that many more requests have been answered."""
        self.has_sent(self.seen().requests + requests, within=within)

    def has_sent(self, requests: int, *, within: float) -> None:
        """Waits until that many requests have been answered in all."""

        def look() -> Seen:
            tally = self.seen()
            return Seen(tally.requests >= requests, str(tally))

        wait_for(f"{requests} requests", look, within=within)

    def saw_only(self, answers: Collection[str]) -> None:
        """Every request that was sent was answered, by one of `answers`, and each of these came back."""
        expect(not self.report.failed, str(self.report))
        self.saw_no_other(answers)

    def saw_no_other(self, answers: Collection[str]) -> None:
        """Every request that was sent failed, or was answered by one of `answers`, and each of these came back."""
        report = self.report
        expect(report.requests == report.sent, f"requests are unaccounted for: {report}")
        expect(not report.wrong(answers), str(report))
        expect(set(report.answers) == set(answers), str(report))

    def stop(self) -> None:
        """Ends the load; every request that was sent has its answer then."""
        self._namespace.exec(self._pod, "touch", str(load_generator.STOP))
        lines = self._namespace.pod_succeeds(self._pod, within=STOP_SECONDS).strip().splitlines()
        self._timeline = [_parse(line) for line in lines]


def _parse(lines: str) -> Tally:
    *_, last = lines.strip().splitlines() or ["{}"]
    line = json.loads(last)
    answers, failures = line.get("answers", {}), line.get("failures", [])
    seconds = line.get("slowest", 0.0), line.get("at", 0.0)
    return Tally(line.get("sent", 0), answers, line.get("failed", 0), failures, *seconds)


@contextmanager
def load_on(
    namespace: Namespace, name: str, target: Target, requests_per_second: float, connections: int = CONNECTIONS
) -> Iterator[Load]:
    """Load that is known to arrive when the block starts, and is counted to its last answer when it ends.

    `name` tells the pods of several loads in one namespace apart.
    """
    pod_name, program = f"load-{name}", Path(load_generator.__file__)
    plan = Plan(
        target.host,
        80,
        target.path,
        target.authority,
        target.body.decode(),
        connections,
        requests_per_second,
        LONGEST_SECONDS,
    )
    command = [PYTHON, f"{SCRIPTS}/{program.name}", f"{SCRIPTS}/plan.json"]
    pod = Pod(pod_name, command, scripts=pod_name, memory="256Mi")
    files = {program.name: program.read_text(encoding="utf-8"), "plan.json": json.dumps(asdict(plan))}
    namespace.apply(config_map(pod_name, files), pod.manifest())
    namespace.pod_is_running(pod_name, within=START_SECONDS)
    load = Load(namespace, pod_name)
    try:
        load.has_sent(2 * connections, within=START_SECONDS)
        yield load
    finally:
        load.stop()
