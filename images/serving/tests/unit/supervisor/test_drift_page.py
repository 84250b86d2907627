"""POST /drift as a page: which questions there are, who gets which answer, one at a time."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from typing_extensions import override

from images.serving.tests.unit.supervisor.drift_pod import Own, Pod, Service, asked, post, ready, with_service
from paddle_serving_runtime.supervisor.admin import AdminApp
from paddle_serving_runtime.supervisor.http_client import HttpAnswer


def test_the_same_question_gets_the_known_answer_and_another_one_a_new_one() -> None:
    service = Service()

    async def use(port: int) -> list[int]:
        pod = Pod(port, Own())
        counts = []
        for question in ({}, {"samples": "Golden", "requests": 9}, {"rtol": 0.1}):
            await pod.post(**question)
            counts.append(len(service.requests))
        return counts

    assert with_service(service, use) == [2, 2, 4]


def test_the_report_has_what_was_answered_last_also_where_it_was_known() -> None:
    async def use(port: int) -> list[object]:
        pod = Pod(port, Own())
        lasts: list[object] = []
        for samples in ("Golden", "Replay", "Golden"):
            _, found = await pod.post(samples=samples)
            lasts.append(pod.drifts.last == found)
        return lasts

    assert with_service(Service(), use) == [True, True, True]


def test_one_comparison_at_a_time_and_who_asks_the_same_gets_its_answer() -> None:
    async def use(port: int) -> tuple[Any, Any, Any, int]:
        pod = Pod(port, Own())
        first, leaving, same = (asyncio.create_task(pod.post()) for _ in range(3))
        while not service.requests:  # noqa: ASYNC110 - the service is asked by another task
            await asyncio.sleep(0.01)
        leaving.cancel()
        other = await pod.post(rtol=0.1)
        assert service.held is not None
        service.held.set()
        return await first, await same, other, len(service.requests)

    service = Service(held=asyncio.Event())
    first, same, other, requests = with_service(service, use)
    assert first == same
    assert (first[0], requests) == (200, 2)
    assert (other[0], "another comparison" in other[1]["error"]) == (503, True)


def test_an_error_of_our_own_is_a_sentence_and_never_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Own):
        @override
        async def ask(self, path: str, _headers: Mapping[str, str], body: bytes) -> HttpAnswer:
            raise ZeroDivisionError(path, body)

    status, body = asked(Service(), Broken())
    assert (status, "the comparison failed" in body["error"]) == (503, True)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be an object"),
        (b'{"sample": "Golden"}', "must be an object with nothing but samples, requests, rtol, atol"),
        (b'{"samples": "golden"}', "samples must be"),
        (b'{"requests": 0}', "requests must be"),
        (b'{"requests": 1001}', "requests must be"),
        (b'{"requests": true}', "requests must be"),
        (b'{"rtol": -1}', "rtol must be"),
        (b'{"rtol": 1e999}', "not JSON"),
        (b'{"atol": "0"}', "atol must be"),
        (b'{"atol": null}', "atol must be"),
    ],
)
def test_a_body_that_is_no_question_is_refused_with_a_sentence(body: bytes, words: str) -> None:
    status, answer = asyncio.run(post(Pod(1, Own()).app, body))
    assert (status, words in answer["error"]) == (400, True), answer


def test_other_methods_long_bodies_and_a_pod_without_a_stable_revision_are_refused() -> None:
    pod = Pod(1, Own())
    assert asyncio.run(post(pod.app, b"", "GET"))[0] == 405
    assert asyncio.run(post(pod.app, b" " * 20_000))[0] == 413
    status, body = asyncio.run(post(AdminApp(ready()), b"{}"))
    assert (status, "--stable-service" in body["error"]) == (404, True)


def test_a_pod_that_is_not_ready_compares_nothing() -> None:
    pod = Pod(1, Own())
    code, body = asyncio.run(post(AdminApp(ready("starting: workers 1 loading"), None, pod.drifts), b"{}"))
    assert (code, "starting: workers 1 loading" in body["error"]) == (503, True)
