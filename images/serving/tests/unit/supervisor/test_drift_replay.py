"""POST /drift with requests that users have asked."""

import pytest

from images.serving.tests.unit.supervisor.drift_pod import PATH, Answer, Own, Service, asked, head, line, score
from paddle_serving_runtime.protocol import error_body


def test_live_requests_are_answered_anew_and_compared_with_what_users_got() -> None:
    lines = line(score(0.25)) + line(score(0.75))
    own = Own()
    status, drift = asked(Service(kept=(200, head(2) + lines)), own, golden=(), samples="Replay")
    assert (status, drift["samples"], drift["asked"], drift["different"]) == (200, "Replay", 2, 1)
    assert own.asked == [(PATH, b'{"live"}')] * 2
    assert drift["complete"]


def test_as_many_live_requests_are_asked_for_as_the_question_says() -> None:
    service = Service()
    asked(service, samples="Replay", requests=7)
    assert service.requests[0].startswith(b"GET /requests?limit=7 HTTP/1.1\r\n")


def test_no_live_request_yet_is_incomplete() -> None:
    status, drift = asked(Service(), samples="Replay")
    assert (status, drift["asked"], drift["complete"]) == (200, 0, False)
    assert "has not answered a request" in drift["reason"]


def test_what_an_op_says_of_a_live_request_is_not_told() -> None:
    service = Service(kept=(200, head(1) + line(score(0.25))))
    _, drift = asked(service, Own((500, error_body(10000, "cannot read Mr Smith's invoice"))), samples="Replay")
    assert drift["reason"] == "Sample request 1: this revision answers err_no 10000."


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        ((404, b'{"error": "no requests are kept here"}'), "HTTP 404"),
        ((200, b""), "the answer is empty"),
        ((200, head(2) + line(score(0.25))), "1 of 2 requests came"),
        ((200, head(0) + line(score(0.25))), "1 of 0 requests came"),
        ((200, head(1) + line(score(0.25))[:-1]), "0 of 1 requests came"),
        ((200, b"[]\n"), "the first line does not say"),
        ((200, head(1) + b"{}\n"), "a line is not an object"),
        ((200, b"x" * 9_000_000), "a line is too long"),
    ],
)
def test_a_buffer_that_is_not_whole_is_no_result(kept: Answer, words: str) -> None:
    status, body = asked(Service(kept=kept), samples="Replay")
    assert (status, words in body["error"]) == (503, True), body
