"""Sends one request over and over from inside the cluster and counts the answers; runs in a pod of the runtime image.

    python3 load_generator.py PLAN_FILE

Half of its connections are kept, half are opened anew for every request. A line of JSON every half second; `at` is
the seconds since the start. The last one says `"final": true`, and every request that was sent is an answer or a
failure in it. Ends by itself when the plan's time is over, or soon after /tmp/stop appears.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TIMEOUT_SECONDS = 60.0
REPORT_SECONDS = 0.5
KEPT_FAILURES = 20
KEPT_ANSWERS = 50
OTHERS = f"answers beyond the first {KEPT_ANSWERS} different ones"
STOP = Path("/tmp/stop")  # noqa: S108  the pod's own scratch directory


@dataclass
class Tally:
    """What was sent and what came back, shared by all connections."""

    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)
    started: float = field(default_factory=time.monotonic)

    def begin(self) -> None:
        """One request is about to be sent."""
        with self.lock:
            self.sent += 1

    def count(self, status: int, answer: str, seconds: float) -> None:
        """One answer, right or an error status."""
        if status != http.client.OK:
            self.fail(f"HTTP {status}: {answer[:300]}")
            return
        with self.lock:
            is_kept = answer in self.answers or len(self.answers) < KEPT_ANSWERS
            self.answers[answer if is_kept else OTHERS] += 1
            self.slowest = max(self.slowest, seconds)

    def fail(self, what: str) -> None:
        """One request without an answer that counts."""
        with self.lock:
            self.failed += 1
            if len(self.failures) < KEPT_FAILURES:
                self.failures.append(f"{time.strftime('%H:%M:%S')} {what}")

    def report(self, *, final: bool) -> None:
        """Prints everything so far as one line."""
        with self.lock:
            counts = {"sent": self.sent, "answers": self.answers, "failed": self.failed, "failures": self.failures}
            at = round(time.monotonic() - self.started, 2)
            print(json.dumps({**counts, "slowest": self.slowest, "at": at, "final": final}), flush=True)


@dataclass(frozen=True)
class Plan:
    """Where the request goes, what it is, and how often; `authority` is the Host header where it is not `host`."""

    host: str
    port: int
    path: str
    authority: str
    body: str
    connections: int
    requests_per_second: float
    seconds: float

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Plan:
        """From the JSON object of a plan file."""
        return cls(**fields)

    @property
    def headers(self) -> dict[str, str]:
        """What goes with every request."""
        return {"Content-Type": "application/json", **({"Host": self.authority} if self.authority else {})}


def send_on_schedule(plan: Plan, tally: Tally, until: float, *, keep: bool) -> None:
    """One connection's share of the requests; late ones follow at once: a slow answer does not lower the rate."""
    interval = plan.connections / plan.requests_per_second
    connection = connect(plan)
    due = time.monotonic()
    while time.monotonic() < until and not STOP.exists():
        time.sleep(max(0.0, due - time.monotonic()))
        due = max(due + interval, time.monotonic() - interval)
        if not keep:
            connection.close()
            connection = connect(plan)
        started = time.monotonic()
        tally.begin()
        try:
            connection.request("POST", plan.path, plan.body.encode(), plan.headers)
            response = connection.getresponse()
            answer = response.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            kept = "kept" if keep else "new"
            tally.fail(f"{kept} connection, {time.monotonic() - started:.2f} s: {type(error).__name__}: {error}")
            connection.close()
            connection = connect(plan)
        else:
            tally.count(response.status, answer, time.monotonic() - started)
    connection.close()


def connect(plan: Plan) -> http.client.HTTPConnection:
    """A connection that is opened by its first request."""
    return http.client.HTTPConnection(plan.host, plan.port, timeout=TIMEOUT_SECONDS)


def main() -> None:
    """Sends until the time is over, and reports."""
    plan = Plan.of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    tally = Tally()
    until = time.monotonic() + plan.seconds
    threads = [
        threading.Thread(
            target=send_on_schedule, args=(plan, tally, until), kwargs={"keep": number % 2 == 0}, daemon=True
        )
        for number in range(plan.connections)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(REPORT_SECONDS)
        tally.report(final=False)
    tally.report(final=True)


if __name__ == "__main__":
    main()
