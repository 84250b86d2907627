"""POST /drift with golden samples: what differs, what is missing, and what is no result at all."""

import asyncio
from typing import Any

import pytest

from images.serving.tests.unit.supervisor.drift_pod import (
    GOOD,
    PATH,
    Answer,
    Own,
    Pod,
    Service,
    asked,
    head,
    line,
    score,
    with_service,
)
from paddle_serving_runtime.protocol import error_body
from paddle_serving_runtime.supervisor import drifts as drifts_module
from paddle_serving_runtime.supervisor import stable as stable_module


def test_every_golden_sample_is_asked_of_both_sides_and_compared() -> None:
    service, own = Service(), Own()
    status, drift = asked(service, own)
    assert (status, drift["asked"], drift["different"], drift["missing"]) == (200, 2, 0, 0)
    assert (drift["complete"], drift["reason"]) == (True, "")
    assert own.asked == [(PATH, b'{"a"}'), (PATH, b'{"b"}')]
    assert all(request.startswith(b"POST /svc/prediction HTTP/1.1\r\n") for request in service.requests)
    assert all(b"x-drift-from: this-pod\r\n" in request for request in service.requests)


@pytest.mark.parametrize(
    ("question", "different"), [({}, 2), ({"rtol": 0.5}, 0), ({"atol": 0.1}, 0), ({"atol": 0.01}, 2)]
)
def test_the_tolerance_of_the_question_decides(question: dict[str, Any], different: int) -> None:
    status, drift = asked(Service(), Own((200, score(0.3))), **question)
    assert (status, drift["different"], drift["complete"]) == (200, different, True)
    assert {entry["sample"] for entry in drift["tensors"]} == {"a.json", "b.json"}
    entry = drift["tensors"][0]
    assert (entry["tensor"], entry["index"], entry["expected"], entry["got"]) == ("score", [1], "0.25", "0.3")


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        ((400, error_body(51, "image: missing")), None, "the stable revision answers err_no 51 (image: missing)"),
        (None, (500, error_body(10000, "failed")), "this revision answers err_no 10000 (failed)"),
        ((200, b"<html>"), None, "the stable revision gives an answer that cannot be read"),
        (None, (200, b"[]"), "this revision gives an answer that cannot be read"),
        ((500, score(0.25)), None, "the stable revision answers err_no 10000"),
    ],
)
def test_what_is_no_answer_is_missing_with_a_reason_and_equal_to_nothing(
    theirs: Answer | None, ours: Answer | None, words: str
) -> None:
    status, drift = asked(Service(theirs or GOOD), Own(ours or GOOD))
    assert (status, drift["asked"], drift["missing"], drift["different"]) == (200, 2, 2, 0)
    assert words in drift["reason"]
    assert drift["reason"].startswith("Sample a.json: ")


@pytest.mark.parametrize(
    ("report", "theirs"),
    [
        (b'{"backend": "OpenVINO"}', "OpenVINO"),
        (b"{}", ""),
        (b"<html>", ""),
        (b'{"backend": "a\\u001b[2J"}', ""),
        (b'{"backend": ["OpenVINO"]}', ""),
    ],
)
def test_the_drift_names_what_computes_on_both_sides(report: bytes, theirs: str) -> None:
    status, drift = asked(Service(report=report))
    assert (status, drift["complete"], drift["backend"], drift["stableBackend"]) == (200, True, "Default", theirs)


def test_both_sides_without_an_answer_are_not_equal() -> None:
    refused = (400, error_body(51, "image: missing"))
    assert asked(Service(refused), Own(refused))[1]["missing"] == 2


def test_a_sample_over_which_workers_end_is_missing() -> None:
    assert "has lost two workers over it" in asked(Service(), Own(None))[1]["reason"]


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (Service(cut_off=3), "nobody answers"),
        (Service((503, error_body(3001, "no worker"))), "HTTP 503, 2 times in a row"),
        (Service((429, b"")), "HTTP 429, 2 times in a row"),
    ],
)
def test_a_stable_revision_that_does_not_answer_is_no_result(
    service: Service, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stable_module, "_ATTEMPTS", 2)
    monkeypatch.setattr(stable_module, "_AGAIN_SECONDS", 0.0)

    async def use(port: int) -> tuple[int, str, object]:
        pod = Pod(port, Own())
        status, body = await pod.post()
        return status, body["error"], pod.drifts.last

    status, error, last = with_service(service, use)
    assert (status, last) == (503, None)
    assert words in error


def test_a_stable_revision_that_is_silent_is_waited_for_no_longer_than_an_answer_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stable_module, "_CONNECT_SECONDS", 0.1)
    status, body = with_service(Service(silent=True), lambda port: Pod(port, Own(), seconds=0.1).post())
    assert (status, "no answer within 0.2 s" in body["error"]) == (503, True)


def test_the_whole_comparison_has_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drifts_module, "TOTAL_SECONDS", 0.1)
    status, body = asked(Service(silent=True))
    assert (status, "not finished within 0.1 s" in body["error"]) == (503, True)


def test_nobody_at_the_service_is_said() -> None:
    status, body = asyncio.run(Pod(1, Own()).post())
    assert (status, "127.0.0.1:1" in body["error"], "nobody answers" in body["error"]) == (503, True, True)


@pytest.mark.parametrize(
    ("service", "samples"),
    [(Service((508, b"{}")), "Golden"), (Service(kept=(200, head(1, "this-pod") + line(score(0.25)))), "Replay")],
)
def test_a_service_that_leads_to_this_very_pod_is_noticed_and_nothing_is_known_from_it(
    service: Service, samples: str
) -> None:
    async def use(port: int) -> tuple[Any, Any]:
        pod = Pod(port, Own())
        first = await pod.post(samples=samples)
        service.answer, service.kept = (200, score(0.25)), (200, head(1) + line(score(0.25)))
        return first, await pod.post(samples=samples)

    (status, drift), (_, again) = with_service(service, use)
    assert (status, drift["asked"], drift["complete"]) == (200, 0, False)
    assert "leads to this very pod" in drift["reason"]
    assert again["complete"]


def test_a_package_without_golden_samples_is_a_sentence() -> None:
    status, drift = asked(Service(), golden=())
    assert (status, drift["asked"], drift["complete"]) == (200, 0, False)
    assert "no golden samples" in drift["reason"]


def test_an_answer_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stable_module, "_ANSWER_BYTES", 1000)
    status, body = asked(Service((200, b"x" * 1001)))
    assert (status, "longer than 1000 bytes" in body["error"]) == (503, True)
