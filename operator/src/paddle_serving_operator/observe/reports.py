"""Asks a Ready pod what it proved, once per revision. A pod that cannot be reached holds nothing up."""

import json
import logging
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import requests

from paddle_serving_operator.api.status import Verification
from paddle_serving_operator.constants import ADMIN_PORT, Key, Manifest
from paddle_serving_operator.rollout.diagnosis import is_ready

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 2.0
MAX_BYTES = 1 << 20
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
VERDICTS = ("Recorded", "EngineOnly", "None")


class Fetch(Protocol):
    """Reads a URL; raises requests.RequestException."""

    def __call__(self, url: str) -> bytes:
        """The body of the answer."""
        ...


def fetch(url: str) -> bytes:
    """At most MAX_BYTES of a pod's answer: no proxy, no redirect. Raises requests.RequestException."""
    with requests.Session() as session:
        session.trust_env = False
        with session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True) as response:
            response.raise_for_status()
            return response.raw.read(MAX_BYTES, decode_content=True)


class Reports:
    """The reports of revisions that are not in a status yet. Safe for several threads."""

    def __init__(self, fetch: Fetch = fetch) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._waits: dict[tuple[Key, str], tuple[datetime, timedelta]] = {}

    def verification_of(self, key: Key, revision: str, pods: Iterable[Manifest], now: datetime) -> Verification | None:
        """The verification of a revision, or None where no Ready pod has told it yet.

        A failed attempt is repeated after 5 s, then ever more rarely; in between the answer is None at once.
        """
        addresses = sorted(pod["status"]["podIP"] for pod in pods if is_ready(pod) and pod["status"].get("podIP"))
        with self._lock:
            due, wait = self._waits.get((key, revision), (now, FIRST_WAIT))
        if not addresses or now < due:
            return None
        try:
            report = parse_report(revision, self._fetch(f"http://{_host(addresses[0])}:{ADMIN_PORT}/report"))
        except (requests.RequestException, OSError, ValueError) as error:
            log.info("report of revision %s cannot be read: %s", revision, error)
            with self._lock:
                self._waits[key, revision] = (now + wait, min(wait * 2, LONGEST_WAIT))
            return None
        self.forget(key)
        return report

    def forget(self, key: Key) -> None:
        """Drops what is remembered about a PaddleService."""
        with self._lock:
            self._waits = {known: value for known, value in self._waits.items() if known[0] != key}

    def next_attempt(self, key: Key, revision: str) -> datetime | None:
        """When a failed attempt is due again; None without one."""
        with self._lock:
            known = self._waits.get((key, revision))
        return known[0] if known else None


def parse_report(revision: str, body: bytes) -> Verification:
    """The summary of a pod's /report. Raises ValueError where it is not one."""
    report = json.loads(body)
    if not isinstance(report, Mapping) or report.get("verdict") not in VERDICTS:
        raise ValueError(f"not a report: {body[:200]!r}")
    comparisons = report.get("comparisons") or ()
    unequal = [
        str(item.get("sample", "")) for item in comparisons if isinstance(item, Mapping) and item.get("equal") is False
    ]
    return Verification(
        revision=revision,
        verdict=str(report["verdict"]),
        samples=int(report.get("samples", 0)),
        paddle_version=str(report.get("paddleVersion", ""))[:64],
        device=str(report.get("device", ""))[:64],
        unequal=unequal[0] if unequal else "",
    )


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
