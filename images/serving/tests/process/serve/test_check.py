"""The check command against a small HTTP server."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from typing_extensions import override

from images.serving.tests.services import PRICE
from paddle_serving_runtime.cli.main import main
from paddle_serving_runtime.protocol import error_body, pack_response
from paddle_serving_runtime.reference.report import Reference, write


class Endpoint(ThreadingHTTPServer):
    """Answers every POST with `body`, and keeps the paths."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body = pack_response({"price": PRICE}, {})
        self.status = 200
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    path = tmp_path / "reference.json"
    write(path, Reference("3.3.1", "cpu", {}, {"hello.json": {"price": np.array([[18.901151657104492]])}}))
    return path


def test_an_endpoint_that_agrees_is_0_with_table_and_report(
    endpoint: Endpoint,
    reference: Path,
    make_package: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = ["--model-dir", str(make_package()), "--name", "svc", "--reference", str(reference)]
    report = tmp_path / "report.json"
    assert main(["check", "--url", endpoint.url, *flags, "--report", str(report)]) == 0
    assert endpoint.paths == ["/svc/prediction"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "SAMPLE",
        "TENSOR",
        "AGAINST",
        "ELEMENTS",
        "MAX",
        "ABSOLUTE",
        "MAX",
        "RELATIVE",
        "EQUAL",
    ]
    assert lines[1].split() == ["hello.json", "price", "reference", "1", "0", "0", "yes"]
    assert lines[2] == "Consistent, verdict EngineOnly. Samples: 1, tensors: 1; compared with Paddle 3.3.1 on cpu."
    content = json.loads(report.read_text())
    assert (content["consistent"], content["verdict"], content["differences"]) == (True, "EngineOnly", [])
    assert (content["reportVersion"], content["runtimeVersion"], content["imageDigest"]) == (1, "0.1.0", None)
    assert (content["paddleVersion"], content["device"], content["url"]) == ("3.3.1", "cpu", endpoint.url)
    (found,) = content["comparisons"]
    assert (found["index"], found["expected"], found["got"]) == ([0, 0], "18.901151657104492", "18.901151657104492")


@pytest.mark.parametrize(
    "said",
    [
        (pack_response({"price": "[[18.901151657104496]]"}, {}), "18.901151657104496"),
        (error_body(10000, "broken"), "err_no 10000 (broken)"),
        (b"<html>", "not JSON"),
    ],
)
def test_a_difference_is_3_and_a_sentence(
    endpoint: Endpoint,
    reference: Path,
    make_package: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    said: tuple[bytes, str],
) -> None:
    endpoint.body, words = said
    report = tmp_path / "report.json"
    flags = ["--model-dir", str(make_package()), "--name", "svc", "--reference", str(reference)]
    assert main(["check", "--url", endpoint.url, *flags, "--report", str(report)]) == 3
    assert words in capsys.readouterr().out
    content = json.loads(report.read_text())
    assert (content["consistent"], content["verdict"]) == (False, "None")
    assert words in content["differences"][0]


def test_a_tolerance_is_taken_where_it_is_given(
    endpoint: Endpoint, reference: Path, make_package: Callable[..., Path]
) -> None:
    endpoint.body = pack_response({"price": "[[18.90116]]"}, {})
    flags = ["--model-dir", str(make_package()), "--name", "svc", "--reference", str(reference)]
    assert main(["check", "--url", endpoint.url, *flags, "--consistency", "tolerance", "--rtol", "1e-5"]) == 0


def test_an_endpoint_that_is_not_there_is_1(
    reference: Path, make_package: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "message"))
    flags = ["--model-dir", str(make_package()), "--name", "svc", "--reference", str(reference)]
    assert main(["check", "--url", "http://127.0.0.1:1", *flags]) == 1
    assert (tmp_path / "message").read_text().startswith("EndpointUnavailable: POST http://127.0.0.1:1/svc")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<h1>Not Found</h1>"),
        (405, b"only GET"),
        (429, error_body(2000, "the queue is full")),
        (503, error_body(10000, "no worker")),
        (200, error_body(3002, "no such service; served here: /other/<method>")),
    ],
)
def test_an_endpoint_that_cannot_answer_is_1_not_a_difference(
    endpoint: Endpoint,
    reference: Path,
    make_package: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    status: int,
    body: bytes,
) -> None:
    endpoint.status, endpoint.body = status, body
    flags = ["--model-dir", str(make_package()), "--name", "svc", "--reference", str(reference)]
    assert main(["check", "--url", endpoint.url, *flags]) == 1
    message = capsys.readouterr().err
    assert message.startswith(f"EndpointUnavailable: POST {endpoint.url}/svc/prediction: HTTP {status}")
    assert "Check --url, --name and --protocol" in message


@pytest.mark.parametrize("protocol", ["pipeline-grpc", "open-inference-grpc"])
def test_a_grpc_endpoint_that_is_not_there_is_1(
    reference: Path, make_package: Callable[..., Path], capsys: pytest.CaptureFixture[str], protocol: str
) -> None:
    flags = ["--model-dir", str(make_package()), "--name", "svc", "--reference", str(reference), "--protocol", protocol]
    assert main(["check", "--url", "http://127.0.0.1:1", *flags]) == 1
    assert "gRPC UNAVAILABLE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--url", "127.0.0.1:8080"], "--url '127.0.0.1:8080' is not http://host:port"),
        (["--url", "http://127.0.0.1:1", "--timeout", "0"], "--timeout must be positive"),
        (["--url", "http://127.0.0.1:1", "--report", "/nowhere/report.json"], "there is no such folder"),
    ],
)
def test_an_option_that_cannot_work_is_2_before_anything_is_computed(
    make_package: Callable[..., Path], capsys: pytest.CaptureFixture[str], flags: list[str], sentence: str
) -> None:
    assert main(["check", "--model-dir", str(make_package()), "--name", "svc", *flags]) == 2
    message = capsys.readouterr().err
    assert message.startswith("InvalidOption: ")
    assert sentence in message


def test_without_a_reference_it_is_computed(
    endpoint: Endpoint, make_package: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--url", endpoint.url, "--model-dir", str(make_package()), "--name", "svc"]) == 0
    assert "computing the reference answers" in capsys.readouterr().err


def test_a_tolerance_that_lets_everything_pass_is_refused(
    endpoint: Endpoint,
    reference: Path,
    make_package: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERMINATION_LOG", str(tmp_path / "message"))
    flags = ["--name", "svc", "--reference", str(reference), "--url", endpoint.url]
    expected = {"answer": {"price": [[7]]}, "tolerance": {"rtol": 0, "atol": 1e9}}
    loose = make_package(golden={"hello.json": {"key": ["x"], "value": ["1"]}, "expected/hello.json": expected})
    assert main(["check", *flags, "--model-dir", str(loose)]) == 1
    assert (
        "NotVerifiable: The recorded answer to sample hello.json, tensor price: atol 1e+09 is"
        in (tmp_path / "message").read_text()
    )
    package = ["--model-dir", str(make_package()), "--consistency", "tolerance"]
    for words, status in (
        (["--rtol", "inf"], 2),
        (["--atol", "nan"], 2),
        (["--rtol", "0.1"], 0),
        (["--max-tolerance", "2"], 2),
    ):
        assert main(["check", *flags, *package, *words]) == status, words
