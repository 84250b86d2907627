"""Sends one request over and over from inside the cluster and counts the answers; runs in a pod of the runtime image.

    python3 load_generator.py HOST PORT PATH BODY_FILE REQUESTS_PER_SECOND SECONDS

Half of its threads keep their connection, half open a new one for every request. A line of JSON every half second; the
last one says `"final": true`. Ends by itself after SECONDS, or soon after /tmp/stop appears.
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

THREADS = 4
TIMEOUT_SECONDS = 30.0
REPORT_SECONDS = 0.5
KEPT_FAILURES = 20
STOP = Path("/tmp/stop")  # noqa: S108  the pod's own scratch directory


@dataclass
class Tally:
    """What came back, shared by all threads."""

    answers: Counter[str] = field(default_factory=Counter)
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, status: int, answer: str, seconds: float) -> None:
        """One answer, right or an error status."""
        if status != http.client.OK:
            self.fail(f"HTTP {status}: {answer[:300]}")
            return
        with self.lock:
            self.answers[answer] += 1
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
            line = {"answers": self.answers, "failed": self.failed, "failures": self.failures, "slowest": self.slowest}
            print(json.dumps({**line, "final": final}), flush=True)


@dataclass(frozen=True)
class Target:
    """Where the request goes, and what it is."""

    host: str
    port: int
    path: str
    body: bytes


def send_on_schedule(target: Target, tally: Tally, interval: float, until: float, *, keep: bool) -> None:
    """One request every `interval` seconds; late ones follow at once, so that a slow answer does not lower the rate."""
    connection = connect(target)
    due = time.monotonic()
    while time.monotonic() < until and not STOP.exists():
        time.sleep(max(0.0, due - time.monotonic()))
        due = max(due + interval, time.monotonic() - interval)
        if not keep:
            connection.close()
            connection = connect(target)
        started = time.monotonic()
        try:
            connection.request("POST", target.path, target.body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            kept = "kept" if keep else "new"
            tally.fail(f"{kept} connection, {time.monotonic() - started:.2f} s: {type(error).__name__}: {error}")
            connection.close()
            connection = connect(target)
        else:
            tally.count(response.status, answer, time.monotonic() - started)
    connection.close()


def connect(target: Target) -> http.client.HTTPConnection:
    """A connection that is opened by its first request."""
    return http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)


def main() -> None:
    """Sends until the time is over, and reports."""
    host, port, path, body_file, rate, seconds = sys.argv[1:]
    target = Target(host, int(port), path, Path(body_file).read_bytes())
    tally = Tally()
    until = time.monotonic() + float(seconds)
    interval = THREADS / float(rate)
    threads = [
        threading.Thread(
            target=send_on_schedule,
            args=(target, tally, interval, until),
            kwargs={"keep": number % 2 == 0},
            daemon=True,
        )
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(REPORT_SECONDS)
        tally.report(final=False)
    tally.report(final=True)


if __name__ == "__main__":
    main()
