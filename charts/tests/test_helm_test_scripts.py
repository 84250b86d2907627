"""The scripts that `helm test` runs in a cluster, run here against a server that answers as it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

if TYPE_CHECKING:
    from charts.tests.conftest import Manifest

CHARTS = Path(__file__).resolve().parents[1]
GOLDEN_REQUEST = CHARTS / "paddle-serving" / "files" / "tests" / "golden_request.py"
CRD_IS_SERVED = CHARTS / "paddle-serving-operator" / "files" / "tests" / "crd_is_served.py"
GOOD = {"err_no": 0, "err_msg": "", "key": ["text", "score"], "value": ["hello", "[0.99812]"], "tensors": []}
TENSOR = {"name": "price", "elem_type": 1, "shape": [1, 2], "float_data": [12.5, 13.25]}


Respond = Callable[["Manifest"], tuple[int, bytes]]


class Server:
    """Answers every POST as it is told and remembers it. It refuses connections until `start`."""

    def __init__(self, respond: Respond | None = None) -> None:
        self.status, self.body = 200, b"{}"
        self.respond = respond or (lambda _: (self.status, self.body))
        self.asked: list[tuple[str, Manifest]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append((self.path, request))
                status, answer = server.respond(request)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.http.server_bind()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    def start(self) -> None:
        self.http.server_activate()
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.stop()


@dataclass(frozen=True)
class Outcome:
    status: int
    said: str


def run(*command: str | Path, **environment: str) -> Outcome:
    clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    arguments = [sys.executable, *map(str, command)]
    result = subprocess.run(arguments, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)
    return Outcome(result.returncode, result.stdout + result.stderr)


@dataclass(frozen=True)
class Question:
    """The files and flags of one golden request."""

    folder: Path

    def ask(self, url: str, expect: Manifest | None = None, timeout: float = 30, **environment: str) -> Outcome:
        request, expected = self.folder / "request.json", self.folder / "expect.json"
        request.write_text('{"key": ["image"], "value": ["aGVsbG8="]}')
        expected.write_text(json.dumps(expect or {}))
        flags = [f"--url={url}/ocr/prediction", f"--request={request}", f"--expect={expected}"]
        return run(GOLDEN_REQUEST, *flags, "--tolerance=0.001", f"--timeout={timeout}", **environment)


@pytest.fixture
def question(tmp_path: Path) -> Question:
    return Question(tmp_path)


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


def test_a_proxy_of_the_environment_is_not_asked(server: Server, question: Question) -> None:
    server.body = json.dumps(GOOD).encode()
    assert question.ask(server.url, http_proxy="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9").status == 0


@dataclass
class Definition:
    """An API server's answers to PaddleServices as a dry run, by the schema of the definition, or in some trouble."""

    schema: Manifest
    trouble: str = ""

    def respond(self, request: Manifest) -> tuple[int, bytes]:
        if self.trouble == "not served":
            return 404, b'{"reason": "NotFound"}'
        if self.trouble == "forbidden":
            return 403, b'{"reason": "Forbidden"}'
        errors = list(jsonschema.Draft7Validator(self.schema).iter_errors(request))
        if errors and self.trouble != "accepts everything":
            unknown = any(error.validator == "additionalProperties" for error in errors)
            return (400 if unknown else 422), b'{"reason": "Invalid"}'
        defaults = {} if self.trouble == "no defaults" else {"runtime": "cpu"}
        return 201, json.dumps(request | {"spec": defaults | request["spec"]}).encode()


@pytest.fixture
def definition(strict_schema: Manifest) -> Definition:
    return Definition(strict_schema)


@pytest.fixture
def api(definition: Definition) -> Iterator[Server]:
    made = Server(definition.respond)
    made.start()
    yield made
    made.stop()


def check_crd(api: Server, folder: Path) -> Outcome:
    context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
    kubeconfig = {
        "clusters": [{"name": "test", "cluster": {"server": api.url}}],
        "users": [{"name": "test", "user": {}}],
        "contexts": [context],
        "current-context": "test",
    }
    file = folder / "kubeconfig"
    file.write_text(json.dumps(kubeconfig))
    return run(CRD_IS_SERVED, KUBECONFIG=str(file), TEST_NAMESPACE="paddle-system", TEST_TIMEOUT_SECONDS="0.1")


def test_a_served_definition_passes_without_storing_anything(api: Server, tmp_path: Path) -> None:
    outcome = check_crd(api, tmp_path)
    assert outcome.status == 0, outcome.said
    assert "PaddleServices can be created in namespace paddle-system; wrong ones are refused." in outcome.said
    path = "/apis/serving.paddlepaddle.org/v1alpha1/namespaces/paddle-system/paddleservices"
    assert {asked for asked, _ in api.asked} == {f"{path}?dryRun=All&fieldValidation=Strict"}
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        ("not served", "is not served. Install the chart with crds.enabled=true"),
        ("forbidden", "A correct PaddleService is refused: 403"),
        ("no defaults", "Defaults are not filled in"),
        ("accepts everything", "A PaddleService with a digest that is none is accepted"),
    ],
)
def test_a_definition_that_does_not_work_fails_with_a_sentence(
    api: Server, definition: Definition, tmp_path: Path, trouble: str, message: str
) -> None:
    definition.trouble = trouble
    outcome = check_crd(api, tmp_path)
    assert outcome.status == 1
    assert message in outcome.said
    assert "Traceback" not in outcome.said
