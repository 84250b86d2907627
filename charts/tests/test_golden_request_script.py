"""The script with which `helm test` asks a model service, run here against a server that answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from charts.tests.scripts import DIGEST, Outcome, Server, resource, run

if TYPE_CHECKING:
    from charts.tests.conftest import Manifest

CHARTS = Path(__file__).resolve().parents[1]
GOLDEN_REQUEST = CHARTS / "paddle-serving" / "files" / "tests" / "golden_request.py"
GOOD = {"err_no": 0, "err_msg": "", "key": ["text", "score"], "value": ["hello", "[0.99812]"], "tensors": []}
TENSOR = {"name": "price", "elem_type": 1, "shape": [1, 2], "float_data": [12.5, 13.25]}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.stop()


@dataclass(frozen=True)
class Question:
    """The files and flags of one golden request; `api` has the PaddleService."""

    folder: Path
    api: Server

    def ask(
        self, url: str, expect: Manifest | None = None, timeout: float = 120, *more: str, **environment: str
    ) -> Outcome:
        request, expected = self.folder / "request.json", self.folder / "expect.json"
        request.write_text('{"key": ["image"], "value": ["aGVsbG8="]}')
        expected.write_text(json.dumps(expect or {}))
        (self.folder / "token").write_text("secret")
        flags = [f"--url={url}/ocr/prediction", f"--request={request}", f"--expect={expected}", f"--digest={DIGEST}"]
        flags += [f"--resource={self.api.url}/paddleservices/ocr", f"--account={self.folder}"]
        return run(GOLDEN_REQUEST, *flags, "--tolerance=0.001", f"--timeout={timeout}", *more, **environment)


@pytest.fixture
def question(tmp_path: Path) -> Iterator[Question]:
    api = Server()
    api.start()
    yield Question(tmp_path, api)
    api.stop()


def test_a_good_answer_passes_and_is_shown(server: Server, question: Question) -> None:
    server.body = json.dumps(GOOD).encode()
    outcome = question.ask(server.url, {"text": "hello", "score": [0.998]})
    assert outcome.status == 0, outcome.said
    assert "HTTP 200; text = hello, score = [0.99812]" in outcome.said
    assert server.asked == [("/ocr/prediction", {"key": ["image"], "value": ["aGVsbG8="]})]


@pytest.mark.parametrize(
    "expect",
    [{}, {"text": "hello"}, {"score": [0.9981]}, {"price": [12.5, 13.25]}, {"price": [12.501, 13.25]}],
)
def test_answers_within_what_is_expected_pass(server: Server, question: Question, expect: Manifest) -> None:
    server.body = json.dumps(GOOD | {"tensors": [TENSOR]}).encode()
    outcome = question.ask(server.url, expect)
    assert outcome.status == 0, outcome.said


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ({"text": "hallo"}, "'text' is 'hello', expected 'hallo'"),
        ({"text": ["hello"]}, "'text' is 'hello'"),
        ({"score": [0.99]}, "'score' is '[0.99812]', expected [0.99]"),
        ({"score": "[0.9981]"}, "'score' is '[0.99812]', expected '[0.9981]'"),
        ({"price": [12.5]}, "'price' is [12.5, 13.25], expected [12.5]"),
        ({"price": [12.6, 13.25]}, "'price' is [12.5, 13.25]"),
        ({"label": "cat"}, "The answer has no 'label'; it has 'text', 'score', 'price'"),
    ],
)
def test_another_answer_than_expected_fails_and_is_named(
    server: Server, question: Question, expect: Manifest, message: str
) -> None:
    server.body = json.dumps(GOOD | {"tensors": [TENSOR]}).encode()
    outcome = question.ask(server.url, expect)
    assert outcome.status == 1
    assert message in outcome.said
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (200, json.dumps(GOOD | {"err_no": 8000, "err_msg": "no package"}), "HTTP 200, err_no 8000: no package"),
        (500, json.dumps(GOOD | {"err_no": 8000, "err_msg": "op failed"}), "HTTP 500, err_no 8000: op failed"),
        (500, json.dumps(GOOD), "HTTP 500, err_no 0"),
        (404, "page not found", "HTTP 404, but no answer of Paddle Serving"),
        (200, "[]", "HTTP 200, but no answer of Paddle Serving"),
        (200, json.dumps(GOOD | {"value": ["hello"]}), "HTTP 200, but no answer of Paddle Serving"),
        (200, json.dumps(GOOD | {"key": [], "value": []}), "neither values nor tensors"),
        (200, json.dumps({"key": ["text"], "value": ["hello"]}), "err_no None"),
    ],
)
def test_an_error_is_never_a_good_answer(
    server: Server, question: Question, status: int, body: str, message: str
) -> None:
    server.status, server.body = status, body.encode()
    outcome = question.ask(server.url)
    assert outcome.status == 1
    assert message in outcome.said
    assert "Traceback" not in outcome.said


def test_a_request_that_was_received_is_not_sent_again(server: Server, question: Question) -> None:
    server.status, server.body = 503, json.dumps(GOOD | {"err_no": 10000, "err_msg": "worker lost"}).encode()
    outcome = question.ask(server.url)
    assert (outcome.status, len(server.asked)) == (1, 1)


def test_a_service_without_a_ready_pod_is_waited_for(question: Question) -> None:
    server = Server()
    server.body = json.dumps(GOOD).encode()
    later = threading.Timer(0.5, server.start)
    later.start()
    outcome = question.ask(server.url)
    assert outcome.status == 0, outcome.said
    server.stop()


def test_the_wait_for_a_pod_ends_with_what_was_seen_last(question: Question) -> None:
    server = Server()
    outcome = question.ask(server.url, timeout=0.1)
    server.http.server_close()
    assert outcome.status == 1
    assert "No pod became Ready in time; last seen: [Errno 111] Connection refused" in outcome.said


def test_the_revision_of_the_values_is_waited_for_and_asked(server: Server, question: Question) -> None:
    server.body = json.dumps(GOOD).encode()
    unseen = resource(generation=3)  # Healthy, but as the spec before
    busy = resource(generation=3, seen=3, Healthy="False", Stalled="False", Reconciling="True")
    question.api.found = [(200, unseen), (200, busy), (200, resource(generation=3, seen=3))]
    outcome = question.ask(server.url)
    assert outcome.status == 0, outcome.said
    assert question.api.read == [("/paddleservices/ocr", "Bearer secret")] * 3


@pytest.mark.parametrize(
    ("status", "found", "message"),
    [
        (200, resource(generation=3), "not served in time. The operator has not seen this change yet."),
        (200, resource(Healthy="False", Stalled="False"), "not served in time. 1 of 2 pods of revision 0123456789"),
        (200, resource(Healthy="False", Stalled="True"), "The rollout failed: 1 of 2 pods of revision 0123456789"),
        (200, resource(digest="sha256:" + "a" * 64), f"the values of this release for {DIGEST}"),
        (403, {"message": "forbidden"}, "The PaddleService cannot be read: HTTP 403"),
        (404, {"message": "not found"}, "The PaddleService cannot be read: HTTP 404"),
    ],
)
def test_another_revision_than_that_of_the_values_is_never_asked(
    server: Server, question: Question, status: int, found: Manifest, message: str
) -> None:
    question.api.found = [(status, found)]
    outcome = question.ask(server.url, timeout=0.1)
    assert outcome.status == 1
    assert message in outcome.said
    assert server.asked == []
    assert "Traceback" not in outcome.said


def test_an_api_server_that_does_not_answer_is_named(server: Server, question: Question) -> None:
    question.api.http.server_close()
    outcome = question.ask(server.url, timeout=0.1)
    assert outcome.status == 1
    assert "The API server does not answer" in outcome.said


def test_a_proxy_of_the_environment_is_not_asked(server: Server, question: Question) -> None:
    server.body = json.dumps(GOOD).encode()
    assert question.ask(server.url, http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9").status == 0
