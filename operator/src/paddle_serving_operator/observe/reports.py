"""Asks a Ready pod what it proved, and how far its answers are from those of the revision that serves.

Reading takes seconds and comparing may take a minute, so both happen outside the passes; a pass takes what is known.
"""

import json
import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import requests

from paddle_serving_operator.api.types import Drift as DriftPolicy
from paddle_serving_operator.api.verification import Drift, Verification, parse_difference, parse_drift
from paddle_serving_operator.constants import ADMIN_PORT, Key, Manifest
from paddle_serving_operator.observe.pods import is_ready

log = logging.getLogger(__name__)

READ_SECONDS, COMPARE_SECONDS = 2.0, 120.0
MAX_BYTES = 16 << 20
MAX_WARNINGS, MAX_WARNING = 8, 500
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=10)
VERDICTS = ("Recorded", "EngineOnly", "None")
UNREADABLE = (requests.RequestException, OSError, ValueError, KeyError, TypeError, AttributeError)


class Fetch(Protocol):
    """Asks a URL; raises requests.RequestException."""

    def __call__(self, url: str, body: Mapping[str, object] | None = None) -> bytes:
        """The body of the answer to a GET, or to a POST of this JSON."""
        ...


def fetch(url: str, body: Mapping[str, object] | None = None) -> bytes:
    """At most MAX_BYTES of a pod's answer: no proxy, no redirect. Raises requests.RequestException."""
    method, seconds = ("GET", READ_SECONDS) if body is None else ("POST", COMPARE_SECONDS)
    with requests.Session() as session:
        session.trust_env = False
        times = (READ_SECONDS, seconds)
        with session.request(method, url, json=body, timeout=times, allow_redirects=False, stream=True) as response:
            response.raise_for_status()
            return response.raw.read(MAX_BYTES, decode_content=True)


class Asked(NamedTuple):
    """The question of POST /drift, by the names of its fields."""

    samples: str
    requests: int
    rtol: float
    atol: float


@dataclass(frozen=True, slots=True)
class Proof:
    """What a revision proved: the summary for the status, and the whole report as the pod wrote it.

    `asked`: what was compared with the revision that serves, None for nothing.
    """

    verification: Verification
    body: bytes
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class _Wait:
    """When a failed attempt is due again, and how long the one after it waits."""

    due: datetime
    length: timedelta

    def holds(self, now: datetime) -> bool:
        """Whether to go on waiting. A clock that was put back makes nobody wait for longer than was meant."""
        return now < self.due <= now + self.length


Submit = Callable[[Callable[[], None]], object]
Question = DriftPolicy | None


def at_once(work: Callable[[], None]) -> None:
    """Does the work in the caller's own thread."""
    work()


def tell_nobody(key: Key) -> None:
    """For those who look by themselves."""


class Reports:
    """The reports of revisions. Safe for several threads.

    What was read once is kept: a revision is all that changes a pod, so its pods prove the same again. `submit` does
    the reading, in other threads where the passes must not wait; `wake` is told when something new is known.
    """

    def __init__(
        self, fetch: Fetch = fetch, submit: Submit = at_once, wake: Callable[[Key], None] = tell_nobody
    ) -> None:
        self._fetch, self._submit, self._wake = fetch, submit, wake
        self._lock = threading.Lock()
        self._waits: dict[tuple[Key, str], _Wait] = {}
        self._known: dict[tuple[Key, str], Proof] = {}
        self._busy: set[tuple[Key, str]] = set()
        # what there is something of: every pass forgets, and must not look at the revisions of all services for it
        self._revisions: dict[Key, set[str]] = {}

    def proof_of(
        self, key: Key, revision: str, pods: Iterable[Manifest], now: datetime, question: Question = None
    ) -> Proof | None:
        """What a revision proved, or None where no Ready pod has told it yet.

        With a question its answers are also compared with those of the revision that serves. A failed attempt is
        repeated after 5 s, then ever more rarely. What came of another question is no answer to this one.
        """
        addresses = sorted(filter(None, map(admin_address, pods)))
        place = key, revision
        with self._lock:
            known = self._known_to(place, question)
            wait = self._waits.get(place)
            if known is not None and (question is None or _is_compared(known)):
                self._waits.pop(place, None)
                return known
            if not addresses or place in self._busy or (wait is not None and wait.holds(now)):
                return known
            self._busy.add(place)
        self._submit(lambda: self._attempt(key, revision, addresses[0], now, question))
        with self._lock:
            return self._known_to(place, question)

    def _known_to(self, place: tuple[Key, str], question: Question) -> Proof | None:
        """What is known where this is asked: a comparison of another kind is forgotten, and made anew at once."""
        known = self._known.get(place)
        if known is None or question is None or known.asked in {None, asked_of(question)}:
            return known
        self._waits.pop(place, None)
        self._known[place] = Proof(replace(known.verification, drift=None), known.body)
        return self._known[place]

    def rest(self, key: Key, revision: str) -> None:
        """Nothing more is asked of a revision: an attempt that failed is not due again."""
        with self._lock:
            self._waits.pop((key, revision), None)

    def has_failed(self, key: Key, revision: str) -> bool:
        """Whether the last attempt to ask a pod of the revision failed."""
        with self._lock:
            return (key, revision) in self._waits

    def _attempt(self, key: Key, revision: str, address: str, now: datetime, question: Question) -> None:
        place = key, revision
        proof, complete = None, False
        try:
            proof = self._read(address, revision)
            complete = question is None
            if question is not None:
                proof = self._compare(address, revision, proof, question)
                complete = _is_compared(proof)
        except UNREADABLE as error:
            log.info("report of revision %s cannot be read: %s", revision, error, extra={"key": key.path()})
        finally:
            self._store(place, proof, now, complete=complete)
        self._wake(key)

    def _store(self, place: tuple[Key, str], proof: Proof | None, now: datetime, *, complete: bool) -> None:
        with self._lock:
            self._busy.discard(place)
            self._revisions.setdefault(place[0], set()).add(place[1])
            if proof is not None:
                self._known[place] = proof
            wait = self._waits.get(place)
            length = wait.length if wait else FIRST_WAIT
            if complete:
                self._waits.pop(place, None)
            else:
                self._waits[place] = _Wait(now + length, min(length * 2, LONGEST_WAIT))

    def _read(self, base: str, revision: str) -> Proof:
        body = self._fetch(f"{base}/report")
        return Proof(parse_report(revision, body), body)

    def _compare(self, base: str, revision: str, proof: Proof, question: DriftPolicy) -> Proof:
        asked = asked_of(question)
        try:
            drift = parse_drift(json.loads(self._fetch(f"{base}/drift", asked._asdict())))
            if drift is None:
                raise ValueError("the answer is empty")
        except UNREADABLE as error:
            said = Drift(question.samples.value, 0, 0, 0, complete=False, reason=_why(error))
            return replace(proof, verification=replace(proof.verification, drift=said), asked=asked)
        again = self._read(base, revision)  # the whole report, which tells of the comparison too
        return Proof(replace(again.verification, drift=drift), again.body, asked)

    def forget(self, key: Key, but: Collection[str] = ()) -> None:
        """Drops what is remembered about a PaddleService, but for some revisions."""
        with self._lock:
            known = self._revisions.pop(key, set())
            for revision in known.difference(but):
                self._waits.pop((key, revision), None)
                self._known.pop((key, revision), None)
            if kept := known.intersection(but):
                self._revisions[key] = kept

    def next_attempt(self, key: Key, revision: str) -> datetime | None:
        """When a failed attempt is due again; None without one."""
        with self._lock:
            known = self._waits.get((key, revision))
        return known.due if known else None


def asked_of(question: DriftPolicy) -> Asked:
    """What a pod is asked; the rest of the policy is about what its answer means."""
    return Asked(question.samples.value, question.requests, question.rtol, question.atol)


def _is_compared(proof: Proof) -> bool:
    return proof.verification.drift is not None and proof.verification.drift.complete


def _why(error: Exception) -> str:
    response = getattr(error, "response", None)
    text = getattr(response, "text", "") if response is not None else ""
    return f"The pod cannot compare: {text.strip()[:300] or error}"


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
        backend=str(report.get("backend", ""))[:64],
        unequal=unequal[0] if unequal else "",
        recorded=int(report.get("recorded", 0)),
        difference=parse_difference(report.get("largestDifference")),
        warnings=tuple(str(warning)[:MAX_WARNING] for warning in (report.get("warnings") or ())[:MAX_WARNINGS]),
    )


def admin_address(pod: Manifest) -> str | None:
    """The URL of a pod's admin port; None where the pod is not Ready."""
    address = pod.get("status", {}).get("podIP")
    if not address or not is_ready(pod):
        return None
    return f"http://[{address}]:{ADMIN_PORT}" if ":" in address else f"http://{address}:{ADMIN_PORT}"
