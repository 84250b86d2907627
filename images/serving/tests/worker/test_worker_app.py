import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from paddle_serving_runtime.engine import OpFailed
from paddle_serving_runtime.protocol import Limits, Response, UnpackableValue
from paddle_serving_runtime.protocol.call import Call, Result
from paddle_serving_runtime.worker import app as worker_app
from paddle_serving_runtime.worker.answering import Answering
from paddle_serving_runtime.worker.app import WorkerApp
from paddle_serving_runtime.worker.busy import BusyMark, busy_since
from paddle_serving_runtime.worker.options import WorkerOptions


class Echo:
    """An engine that gives the inputs back, after what `do` does."""

    def __init__(self) -> None:
        self.seen_busy: float | None = None
        self.busy_file: Path | None = None

    capacity = 1
    models = ()

    def submit(self, call: Call, done: Callable[[Result], None]) -> None:
        if self.busy_file is not None:
            self.seen_busy = busy_since(self.busy_file)
        done(Result(self.outcome(call.inputs)))

    def outcome(self, inputs: Mapping[str, Any]) -> Response | Exception:
        return Response(0, "", dict(inputs))


class Raising(Echo):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    @override
    def outcome(self, inputs: Mapping[str, Any]) -> Response | Exception:
        return self.error


def request(app: WorkerApp, path: str, *chunks: bytes, method: str = "POST") -> tuple[int, dict[str, Any]]:
    messages = [
        {"type": "http.request", "body": chunk, "more_body": index < len(chunks) - 1}
        for index, chunk in enumerate(chunks or (b"",))
    ]
    sent: list[Any] = []

    async def receive() -> Any:  # noqa: ANN401 - an ASGI message
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    asyncio.run(app({"type": "http", "method": method, "path": path, "headers": []}, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


def make(tmp_path: Path, engine: Echo) -> WorkerApp:
    engine.busy_file = tmp_path / "busy"
    mark = BusyMark(engine.busy_file)
    return WorkerApp(Answering(engine, {"svc", "own"}, Limits(body_bytes=100)), mark, b'{"device":"cpu"}', 100)


BODY = b'{"key":["a"],"value":["1"]}'


def test_both_names_of_the_service_are_answered_with_any_method(tmp_path: Path) -> None:
    app = make(tmp_path, Echo())
    for path in ("/svc/prediction", "/own/anything"):
        status, body = request(app, path, BODY[:5], BODY[5:])
        assert status == 200
        assert (body["key"], body["value"]) == (["a"], ["1"])


@pytest.mark.parametrize("path", ["/", "/svc", "/svc/", "/other/prediction", "/svc/a/b", "//svc", "/loaded"])
def test_another_path_is_404_with_the_code_of_paddle_serving(tmp_path: Path, path: str) -> None:
    status, body = request(make(tmp_path, Echo()), path, BODY)
    assert (status, body["err_no"]) == (404, 3002)


def test_what_is_loaded_can_be_asked(tmp_path: Path) -> None:
    assert request(make(tmp_path, Echo()), "/loaded", method="GET") == (200, {"device": "cpu"})


def test_other_methods_are_405(tmp_path: Path) -> None:
    assert request(make(tmp_path, Echo()), "/svc/prediction", method="PUT")[0] == 405


def test_a_body_past_the_limit_is_413_however_it_arrives(tmp_path: Path) -> None:
    assert request(make(tmp_path, Echo()), "/svc/prediction", b"x" * 60, b"x" * 60, b"x")[0] == 413


def test_a_body_that_does_not_arrive_frees_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_app, "BODY_SECONDS", 0.05)
    app = make(tmp_path, Echo())
    sent: list[Any] = []

    async def never() -> Any:  # noqa: ANN401 - an ASGI message
        await asyncio.Event().wait()

    async def send(message: Any) -> None:  # noqa: ANN401 - an ASGI message
        sent.append(message)

    asyncio.run(app({"type": "http", "method": "POST", "path": "/svc/p", "headers": []}, never, send))
    assert sent[0]["status"] == 408


@pytest.mark.parametrize(
    ("error", "status", "err_no"),
    [
        (OpFailed("rec", 55, "no text found"), 500, 55),
        (OpFailed("rec", 0, "zero is not a success"), 500, 0),
        (ValueError("secret"), 500, 10000),
    ],
)
def test_a_failure_is_500_and_says_nothing_secret(tmp_path: Path, error: Exception, status: int, err_no: int) -> None:
    got, body = request(make(tmp_path, Raising(error)), "/svc/p", BODY)
    assert (got, body["err_no"]) == (status, err_no)
    assert "secret" not in body["err_msg"]


def test_an_output_that_cannot_be_sent_is_a_type_error(tmp_path: Path) -> None:
    engine = Raising(UnpackableValue("output score is an ndarray"))
    assert request(make(tmp_path, engine), "/svc/p", BODY)[1]["err_no"] == 7000


def test_the_worker_is_marked_busy_during_a_request_alone(tmp_path: Path) -> None:
    engine = Echo()
    app = make(tmp_path, engine)
    assert busy_since(tmp_path / "busy") is None
    request(app, "/svc/p", BODY)
    assert engine.seen_busy is not None
    assert busy_since(tmp_path / "busy") is None
    assert busy_since(tmp_path / "no such file") is None


def test_options_survive_the_command_line() -> None:
    options = WorkerOptions(
        model_dir="/models",
        name="svc",
        socket="/run/w0.sock",
        busy_file="/run/w0.busy",
        report_fd=5,
        max_body_bytes=100,
        overrides=(("op.rec.concurrency", "1"), ("a", 'b="c" \u00e9')),
        ir_optim=True,
        onednn=False,
        threads=1,
        device="cpu",
        log_level="info",
        engine="direct",
        index=1,
        legacy_status=False,
    )
    assert WorkerOptions.from_json(options.to_json()) == options
