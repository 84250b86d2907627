import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from typing_extensions import override

from tipc.exchange import Route
from tipc.recorder import Recorder


@contextmanager
def server(statuses: list[int], port: int = 0) -> Iterator[tuple[int, list[bytes]]]:
    """Answers every POST with the next status (the last one for ever); yields its port and the bodies it got."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()
            self.wfile.write(b'{"err_no": 0, "key": [], "value": []}')

        @override
        def log_message(self, *_: object) -> None:
            pass

    http = HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield http.server_port, bodies
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def post(recorder: Recorder, url: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> requests.Response:
    for name, value in recorder.environment({"no_proxy": "*", "https_proxy": "http://elsewhere"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    return requests.post(url, data=body, timeout=120)


def test_what_the_client_sends_and_gets_is_kept_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    with server([200]) as (port, bodies), Recorder(Route(), 10) as recorder:
        answer = post(recorder, f"http://127.0.0.1:{port}/alexnet/prediction", b'{"key": ["a"]}', monkeypatch)
    (exchange,) = recorder.exchanges
    assert bodies == [exchange.body] == [b'{"key": ["a"]}']
    assert (exchange.status, exchange.answer) == ("HTTP 200", answer.content)


def test_a_503_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with server([503]) as (port, bodies), Recorder(Route(), 10) as recorder:
        answer = post(recorder, f"http://127.0.0.1:{port}/x/y", b"{}", monkeypatch)
    assert answer.status_code == 503
    assert len(bodies) == 1
    assert [exchange.status for exchange in recorder.exchanges] == ["HTTP 503"]


def test_a_request_that_nobody_answers_is_kept_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder(Route(), 10) as recorder:
        answer = post(recorder, "http://127.0.0.1:9/x/y", b"{}", monkeypatch)
    (exchange,) = recorder.exchanges
    assert (answer.status_code, exchange.status) == (504, "HTTP 504")
    assert answer.json()["err_no"] == 6000
    assert "the service did not answer: ConnectionRefusedError" in answer.json()["err_msg"]


def test_a_request_waits_no_longer_than_its_client_may(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, Recorder(Route(), 0.5) as recorder:
        answer = post(recorder, f"http://127.0.0.1:{silent.getsockname()[1]}/x/y", b"{}", monkeypatch)
    assert answer.status_code == 504
    assert "TimeoutError" in answer.json()["err_msg"]


def test_requests_can_be_sent_to_another_address_than_the_clients_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with server([200]) as (port, bodies), Recorder(Route(address=("127.0.0.1", port)), 10) as recorder:
        post(recorder, "http://127.0.0.1:1/alexnet/prediction", b"{}", monkeypatch)
    assert len(bodies) == 1


def test_in_capture_mode_nothing_is_sent_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with Recorder(Route(canned=True), 5) as recorder:
        answer = post(recorder, "http://127.0.0.1:1/a/b", b'{"key": []}', monkeypatch)
    assert json.loads(answer.content)["err_no"] == 0
    assert [exchange.body for exchange in recorder.exchanges] == [b'{"key": []}']
