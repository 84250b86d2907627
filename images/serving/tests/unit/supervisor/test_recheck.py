"""When a worker is asked again, what its answers are held to, and what is told: against a worker in this process."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from images.serving.tests.unit.supervisor.test_verification import settings
from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.protocol import ErrorCode, error_body, pack_response
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.rechecker import Proved, Rechecker
from paddle_serving_runtime.supervisor.verifier import Verifier
from paddle_serving_runtime.verdict.consistency import Consistency
from paddle_serving_runtime.verdict.recheck import Finding, Pace, Rechecks

A, B = b'{"a"}', b'{"b"}'
SAMPLES = (Sample("a.json", A), Sample("b.json", B))
ANSWERS: Mapping[str, Answer] = {sample.name: {"y": np.array([1.5, 2.5])} for sample in SAMPLES}
After = Callable[[bytes, int], bytes]
SECONDS = 60.0
EXACT = Consistency(exact=True, rtol=0, atol=0, require="auto", required=True, max_tolerance=0.05)
NOW = datetime(2026, 11, 29, 12, 0, 0, tzinfo=UTC)


def price(second: str) -> bytes:
    return pack_response({"y": f"[1.5, {second}]"}, {})


RIGHT = price("2.5")


class Worker:
    """Answers rightly until it is `changed`, then with what a function says of the sample and its number from 1.

    `asked` are the bodies since then.
    """

    def __init__(self, folder: Path, after: After = lambda *_: RIGHT, headers: bytes = b"") -> None:
        self.socket, self.after, self.headers = folder / "s", after, headers
        self.changed, self.asked = False, list[bytes]()

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._handle, self.socket)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sample = (await reader.readuntil(b"}"))[-5:]
        body = RIGHT
        if self.changed:
            self.asked.append(sample)
            body = self.after(sample, self.asked.count(sample))
        writer.write(b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (self.headers, len(body), body))
        writer.close()


async def recheck(
    worker: Worker, rounds: int, consistency: Consistency = EXACT, answers: Mapping[str, Answer] = ANSWERS
) -> tuple[Finding | None, Rechecks]:
    """Proves the worker and asks it again: what was found, or None after so many rounds."""

    async def reference() -> Reference:
        return Reference("3.3.1", "cpu", {}, answers)

    verifier = Verifier(replace(settings(), consistency=consistency, request_timeout=SECONDS), SAMPLES, {}, reference())
    done = asyncio.Event()
    rechecks = Counting(done, rounds)
    async with await worker.serve():
        ended = asyncio.get_running_loop().create_future()
        proof = await verifier.verify(worker.socket, ended)
        worker.changed = True
        process = SimpleNamespace(index=0, socket=worker.socket, process=SimpleNamespace(pid=1))
        proved = Proved(process, proof, ended)  # type: ignore[arg-type]
        watching = asyncio.create_task(Rechecker(verifier, rechecks).watch(proved))
        waiting = asyncio.create_task(done.wait())
        await asyncio.wait({watching, waiting}, timeout=SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finding = watching.result() if watching.done() else None
        watching.cancel()
        waiting.cancel()
    assert finding is not None or rechecks.rounds[0] == rounds, rechecks
    return finding, rechecks


class Counting(Rechecks):
    """Sets an event after so many rounds."""

    def __init__(self, done: asyncio.Event, wanted: int) -> None:
        super().__init__(0.05, 1)
        self._done, self._wanted = done, wanted

    @override
    def round_ended(self, worker: int, now: datetime) -> None:
        super().round_ended(worker, now)
        if self.rounds[worker] == self._wanted:
            self._done.set()


def test_every_sample_is_asked_in_every_round_and_equal_answers_are_no_finding(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    finding, _ = asyncio.run(recheck(worker, rounds=3))
    assert finding is None
    assert worker.asked[:6] == [A, B] * 3


@pytest.mark.parametrize(
    ("wrong", "tensor", "element", "got"),
    [
        (price("2.25"), "y", (1,), "2.25"),
        (price("NaN"), "y", (1,), "nan"),
        (pack_response({"y": "[1.5]"}, {}), "y", (), "[1]"),
        (pack_response({}, {}), "y", (), "no such tensor"),
        (pack_response({"y": "[1.5, 2.5]", "z": "1"}, {}), "z", (), "this tensor"),
        (error_body(10000, "failed"), "", (), "HTTP 200"),
        (b"<html>", "", (), "HTTP 200"),
    ],
    ids=["value", "NaN", "shape", "missing", "unexpected", "error", "unreadable"],
)
def test_whatever_is_not_the_answer_of_the_proof_is_a_finding(
    tmp_path: Path, wrong: bytes, tensor: str, element: tuple[int, ...], got: str
) -> None:
    worker = Worker(tmp_path, lambda sample, number: wrong if (sample, number) == (B, 2) else RIGHT)
    finding, rechecks = asyncio.run(recheck(worker, rounds=9))
    assert finding is not None
    assert (finding.sample, finding.tensor, finding.element, finding.got) == ("b.json", tensor, element, got)
    assert finding.sentence.startswith("Sample b.json")
    assert (rechecks.rounds[0], rechecks.differences[0]) == (1, 1)


@pytest.mark.parametrize(("value", "found"), [("2.5001", False), ("2.75", True)])
def test_other_bits_within_the_tolerance_of_the_proof_are_no_finding(
    tmp_path: Path, value: str, *, found: bool
) -> None:
    loose = replace(EXACT, exact=False, rtol=1e-3)
    finding, _ = asyncio.run(recheck(Worker(tmp_path, lambda *_: price(value)), 2, loose))
    assert (finding is not None) == found


@pytest.mark.parametrize(("value", "found"), [("2.50001", False), ("2.51", True)])
@pytest.mark.parametrize("shared", [True, False])
def test_last_bits_of_what_was_computed_with_other_requests_are_no_finding(
    tmp_path: Path, value: str, *, found: bool, shared: bool
) -> None:
    worker = Worker(tmp_path, lambda *_: price(value), b"x-measured: 10 %d 0 ok 1\r\n" % (3 if shared else 1))
    finding, _ = asyncio.run(recheck(worker, 2))
    assert (finding is not None) == (found or not shared)


def test_an_answer_that_is_late_is_no_finding_and_no_round(tmp_path: Path) -> None:
    late = error_body(ErrorCode.TIMEOUT, "[price] took longer than 0.1 s")
    worker = Worker(tmp_path, lambda sample, number: late if sample == B and number in (1, 2) else RIGHT)
    finding, _ = asyncio.run(recheck(worker, rounds=1))
    assert finding is None
    assert worker.asked.count(B) == 3


def test_a_sample_that_was_not_proved_is_not_asked_again(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    only_a = {"a.json": {"y": np.array([1.5, 2.5])}, "b.json": {"y": np.array([0.0, 0.0])}}
    finding, _ = asyncio.run(recheck(worker, 3, replace(EXACT, required=False), only_a))
    assert finding is None
    assert set(worker.asked) == {A}


@given(interval=st.floats(0.1, 1e5), samples=st.integers(1, 500), workers=st.integers(1, 64), late=st.floats(0, 0.04))
def test_a_sample_is_asked_again_within_the_interval(interval: float, samples: int, workers: int, late: float) -> None:
    pace = Pace(interval, samples, workers)
    for worker in (0, workers - 1):
        due, asked = pace.first(worker), list[float]()
        for _ in range(2 * samples):
            asked.append(due)
            due = pace.next(due, due, due + late * pace.gap)
        assert asked[samples - 1] <= interval
        assert max(after - before for before, after in zip(asked, asked[samples:], strict=False)) <= interval


def test_a_worker_that_needs_long_has_half_of_its_time_for_others() -> None:
    pace = Pace(interval=1, samples=100, workers=1)
    assert pace.next(due=10.0, asked=12.0, answered=15.0) == 18.0


def test_the_report_says_since_when_every_worker_has_answered_again() -> None:
    rechecks = Rechecks(60, 2)
    rechecks.round_ended(0, NOW)
    assert rechecks.as_json() == {
        "intervalSeconds": 60, "last": None, "rounds": 1, "differences": 0, "lastDifference": None,
    }  # fmt: skip
    rechecks.round_ended(1, NOW + timedelta(seconds=9))
    rechecks.differed(1, Finding("a.json", "y", (3,), "1.5", "2.5", "..."), NOW + timedelta(minutes=1))
    assert rechecks.as_json() == {
        "intervalSeconds": 60,
        "last": "2026-11-29T12:00:00Z",
        "rounds": 2,
        "differences": 1,
        "lastDifference": {
            "at": "2026-11-29T12:01:00Z", "worker": 1, "sample": "a.json", "tensor": "y", "index": [3],
            "expected": "1.5", "got": "2.5",
        },
    }  # fmt: skip
    assert Rechecks(0, 2).as_json() is None
