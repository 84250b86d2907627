"""Services that keep something from one request to the next, against a worker's verification: each is noticed."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from images.serving.tests.unit.supervisor.test_verification import http, settings
from paddle_serving_runtime.consistency import Answer
from paddle_serving_runtime.consistency.rounds import asking_order
from paddle_serving_runtime.errors import NotConsistent
from paddle_serving_runtime.package.golden import Sample
from paddle_serving_runtime.protocol import error_body, pack_response
from paddle_serving_runtime.reference.report import Reference
from paddle_serving_runtime.supervisor.verifier import Verifier

Service = Callable[[int], float]
"""Answers the sample with this number, which is also its right answer."""

SETTINGS = replace(settings(), request_timeout=60)
KEEPS = "keeps something from one request to the next"


class Previous:
    """Answers what was asked `lag` requests before."""

    def __init__(self, lag: int = 1) -> None:
        self.lag, self.asked = lag, [0] * 0

    def __call__(self, sample: int) -> float:
        self.asked.append(sample)
        return self.asked[max(0, len(self.asked) - 1 - self.lag)] if len(self.asked) > self.lag else sample


class Counting:
    """Wrong in every request that `wrong` says, counted from 1."""

    def __init__(self, wrong: Callable[[int], bool]) -> None:
        self.wrong, self.count = wrong, 0

    def __call__(self, sample: int) -> float:
        self.count += 1
        return sample + 0.5 * self.wrong(self.count)


class FirstCached:
    def __init__(self) -> None:
        self.first: int | None = None

    def __call__(self, sample: int) -> float:
        self.first = sample if self.first is None else self.first
        return self.first


class LargestBatch:
    """As if sample n had n rows, and buffers only grew."""

    def __init__(self) -> None:
        self.largest = 0

    def __call__(self, sample: int) -> float:
        self.largest = max(self.largest, sample)
        return self.largest


class Noise:
    def __init__(self) -> None:
        self.random = random.Random(7)  # noqa: S311 - a service that seeds a generator

    def __call__(self, sample: int) -> float:
        return sample + self.random.random()


class SpoiledCache:
    """Keeps one answer, and changes it when it is used again at once."""

    def __init__(self) -> None:
        self.key, self.value = -1, 0.0

    def __call__(self, sample: int) -> float:
        if sample == self.key:
            self.value += 1
            return self.value
        self.key, self.value = sample, float(sample)
        return self.value


STATEFUL: Mapping[str, Callable[[], Service]] = {
    "the previous request's answer": Previous,
    "the answer of two requests before": lambda: Previous(2),
    "the answer of three requests before": lambda: Previous(3),
    "every second one": lambda: Counting(lambda count: count % 2 == 0),
    "every second one, from the first on": lambda: Counting(lambda count: count % 2 == 1),
    "every fifth one": lambda: Counting(lambda count: count % 5 == 0),
    "the first answer for ever": FirstCached,
    "buffers of the largest batch": LargestBatch,
    "a generator that moves on": Noise,
    "a cache that is written to": SpoiledCache,
}


async def verify(folder: Path, make: Callable[[], Service], samples: int, *, derived: bool = False) -> Verifier:
    """Verifies a worker that runs one instance; the reference is another one, asked once each from the last on."""
    names = [str(number) for number in range(1, samples + 1)]
    bodies = [Sample(name, json.dumps({"key": ["n"], "value": [name]}).encode()) for name in names]
    service, other = make(), make()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"]}")
        number = int(json.loads(request[request.index(b"{") :])["value"][0])
        writer.write(http(pack_response({"y": repr(float(service(number)))}, {})))
        writer.close()

    golden = bodies[:-1] if derived else bodies

    async def reference() -> Reference:
        answers: dict[str, Answer] = {name: {"y": np.array(float(other(int(name))))} for name in reversed(names)}
        return Reference("3.3.1", "cpu", {}, answers, bodies[-1] if derived else None)

    verifier = Verifier(SETTINGS, tuple(golden), {}, reference())
    server = await asyncio.start_unix_server(handle, folder / "s")
    try:
        await verifier.verify(folder / "s", asyncio.get_running_loop().create_future())
    finally:
        server.close()
    return verifier


@pytest.mark.parametrize("samples", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("kind", STATEFUL)
def test_state_between_requests_is_noticed(tmp_path: Path, kind: str, samples: int) -> None:
    with pytest.raises(NotConsistent):
        asyncio.run(verify(tmp_path, STATEFUL[kind], samples))


@pytest.mark.parametrize("kind", STATEFUL)
def test_state_is_noticed_with_one_sample_and_one_derived_from_it(tmp_path: Path, kind: str) -> None:
    with pytest.raises(NotConsistent):
        asyncio.run(verify(tmp_path, STATEFUL[kind], 2, derived=True))


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_a_service_that_changes_after_some_requests_is_noticed_up_to_the_last_one(tmp_path: Path, samples: int) -> None:
    asked = len(asking_order(samples))
    for limit in range(samples, asked):
        with pytest.raises(NotConsistent, match=KEEPS):
            asyncio.run(verify(tmp_path, lambda: Counting(lambda count: count > limit), samples))  # noqa: B023


def test_the_sentence_names_both_requests_and_what_was_asked_before(tmp_path: Path) -> None:
    with pytest.raises(NotConsistent) as failure:
        asyncio.run(verify(tmp_path, lambda: Counting(lambda count: count > 3), 3))
    assert failure.value.message.startswith("Sample 1, tensor y: served is 1.5, but Paddle Inference says 1.0.")
    assert "answer to request 4 of 14, after 3; request 1, for the same sample, was answered otherwise" in (
        failure.value.message
    )


@pytest.mark.parametrize("samples", [1, 2, 3, 30])
def test_a_service_without_state_is_consistent(tmp_path: Path, samples: int) -> None:
    verifier = asyncio.run(verify(tmp_path, lambda: float, samples))
    assert verifier.evidence.verdict == "EngineOnly"
    assert len(verifier.evidence.comparisons) == samples


def test_one_sample_alone_is_a_warning_that_says_what_it_cannot_see(tmp_path: Path) -> None:
    (warning,) = asyncio.run(verify(tmp_path, lambda: float, 1)).warnings
    assert "There is one golden sample, and none with another answer could be derived" in warning
    assert "Add a sample with another answer to golden/" in warning
    assert asyncio.run(verify(tmp_path, lambda: float, 2, derived=True)).warnings == ()


def test_samples_with_one_answer_are_a_warning_too(tmp_path: Path) -> None:
    (warning,) = asyncio.run(verify(tmp_path, lambda: lambda _: 1.0, 3)).warnings
    assert "All 3 golden samples have the same answer" in warning


def test_a_derived_sample_that_the_service_refuses_is_no_evidence_against_it(tmp_path: Path) -> None:
    refusal = http(error_body(5000, "no such input"))

    async def run() -> Verifier:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            request = await reader.readuntil(b"]}")
            writer.write(refusal if b'"2"' in request else http(pack_response({"y": "1.0"}, {})))
            writer.close()

        async def reference() -> Reference:
            answers = {name: {"y": np.array(float(name))} for name in ("1", "2")}
            return Reference("3.3.1", "cpu", {}, answers, Sample("2", b'{"key": ["n"], "value": ["2"]}'))

        verifier = Verifier(SETTINGS, (Sample("1", b'{"key": ["n"], "value": ["1"]}'),), {}, reference())
        server = await asyncio.start_unix_server(handle, tmp_path / "s")
        try:
            await verifier.verify(tmp_path / "s", asyncio.get_running_loop().create_future())
        finally:
            server.close()
        return verifier

    verifier = asyncio.run(run())
    assert verifier.evidence.verdict == "EngineOnly"
    assert len(verifier.warnings) == 1
