import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from typing_extensions import override

from tipc.ports import free_port
from tipc.readiness import http_objection, wait_until


def test_a_port_that_nobody_listens_on_is_told() -> None:
    assert "ConnectionRefusedError" in http_objection(free_port())


@pytest.mark.parametrize(("status", "ready"), [(200, True), (404, True), (503, False), (502, False)])
def test_any_answer_but_that_of_a_gateway_without_backend_is_an_answer(status: int, ready: bool) -> None:  # noqa: FBT001
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.end_headers()

        @override
        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        objection = http_objection(server.server_port)
        thread.join()
    assert (objection == "") is ready


def test_it_waits_until_there_is_no_objection() -> None:
    objections = ["starting", "loading", ""]
    assert wait_until(lambda: objections.pop(0), lambda: True, time.monotonic() + 60) == ""
    assert objections == []


def test_the_last_objection_is_told_at_the_deadline_and_when_the_process_is_gone() -> None:
    assert wait_until(lambda: "loading", lambda: True, time.monotonic() + 0.3) == "loading"
    started = time.monotonic()
    assert wait_until(lambda: "loading", lambda: False, time.monotonic() + 600) == "loading"
    assert time.monotonic() - started < 60
