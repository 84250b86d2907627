"""What was in a request, in the log."""

import logging
from typing import Any

import pytest

from paddle_serving_runtime.cli.serve import payload_bytes_of
from paddle_serving_runtime.errors import InvalidOption
from paddle_serving_runtime.worker.http import HttpReply, HttpRequest, Respond
from paddle_serving_runtime.worker.payload_log import logged

ID = "00000001-0000-4000-8000-000000000000"
LATE_ID = "ffffffff-0000-4000-8000-000000000000"


def echo(request: HttpRequest, respond: Respond) -> None:
    """Answers with the body, whose buffer is somebody else's afterwards."""
    body = bytes(request.body)
    if isinstance(request.body, bytearray):
        request.body[:] = b"x" * len(body)
    respond(HttpReply(200, (), body))


def said(
    caplog: pytest.LogCaptureFixture, body: bytes, *, request_id: str = ID, share: float = 0.5, limit: int = 100
) -> list[dict[str, Any]]:
    """The fields of the lines that a request makes; it is answered whatever they are."""
    headers = {b"x-request-id": request_id.encode(), b"authorization": b"Bearer secret"} if request_id else {}
    replies: list[HttpReply] = []
    with caplog.at_level(logging.INFO):
        request = HttpRequest("POST", "/ocr/prediction", headers, bytearray(body))
        logged(echo, share, limit)(request, replies.append)
    assert [reply.body for reply in replies] == [body]
    assert "secret" not in caplog.text
    return [record.__dict__["fields"] for record in caplog.records]


def test_it_says_what_came_and_what_went_as_text(caplog: pytest.LogCaptureFixture) -> None:
    text = '{"key": ["\u00e4"]}'
    (fields,) = said(caplog, text.encode())
    assert fields == {
        "requestId": ID,
        "request": text,
        "requestBytes": len(text.encode()),
        "answer": text,
        "answerBytes": len(text.encode()),
    }


def test_bytes_that_are_no_text_are_base64(caplog: pytest.LogCaptureFixture) -> None:
    (fields,) = said(caplog, b"\xff\x00")
    assert (fields["requestBase64"], fields["answerBase64"]) == ("/wA=", "/wA=")
    assert "request" not in fields


def test_no_more_is_shown_than_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    (fields,) = said(caplog, b"abcdef", limit=2)
    assert (fields["request"], fields["requestBytes"]) == ("ab", 6)


@pytest.mark.parametrize(("limit", "shown"), [(4, "\u98de"), (5, "\u98de"), (6, "\u98de\u6868"), (7, "\u98de\u6868")])
def test_text_stays_text_where_the_limit_cuts_a_letter(
    caplog: pytest.LogCaptureFixture, limit: int, shown: str
) -> None:
    (fields,) = said(caplog, "\u98de\u6868\u5417".encode(), limit=limit)
    assert (fields["request"], fields["answer"], fields["requestBytes"]) == (shown, shown, 9)


def test_a_letter_that_the_client_has_cut_is_no_text(caplog: pytest.LogCaptureFixture) -> None:
    (fields,) = said(caplog, "\u98de".encode()[:2])
    assert "request" not in fields


@pytest.mark.parametrize(
    ("request_id", "share"), [(LATE_ID, 0.5), ("", 1.0), ("none", 1.0), (ID, 0.0)], ids=["late", "no id", "odd", "none"]
)
def test_what_is_not_chosen_is_answered_and_not_logged(
    caplog: pytest.LogCaptureFixture, request_id: str, share: float
) -> None:
    assert said(caplog, b"abc", request_id=request_id, share=share) == []


@pytest.mark.parametrize(
    ("text", "share", "says"),
    [("-1", 1.0, "is not a number of bytes"), ("1k", 1.0, "is not a number of bytes"), ("10", 0.0, "LOG_REQUESTS")],
)
def test_a_size_that_makes_no_sense_is_refused(text: str, share: float, says: str) -> None:
    with pytest.raises(InvalidOption, match=says):
        payload_bytes_of(text, share)
