import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typing_extensions import override

from tipc import devices
from tipc.devices import Report
from tipc.ports import free_port


@pytest.mark.parametrize(
    ("asked", "reported", "right"),
    [
        ("cpu", "cpu", True),
        ("gpu", "gpu:1", True),
        ("", "gpu:0", True),  # the service's own files say it
        ("gpu", "", True),  # nothing reports
        ("gpu", "cpu", False),
        ("cpu", "gpu:0", False),
    ],
)
def test_a_worker_on_another_device_is_named_with_both(asked: str, reported: str, right: bool) -> None:  # noqa: FBT001
    said = devices.contradiction(asked, reported)
    assert (said == "") is right
    assert right or (f"device {asked}" in said and f"computes on {reported}" in said)


def test_the_report_of_the_runtime_says_the_device_and_the_backend() -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/report" else 404)
            self.end_headers()
            self.wfile.write(b'{"device": "gpu:0", "warnings": ["op.a is idle"], "backend": "OpenVINO"}')

        @override
        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        assert devices.reported(("127.0.0.1", server.server_port)) == Report("gpu:0", ("op.a is idle",), "OpenVINO")
        thread.join()
    assert devices.reported(("127.0.0.1", free_port())) == Report()


@pytest.mark.parametrize("report", ["", "[]", "{}", '"text"', "no JSON"])
def test_what_is_no_report_names_no_device(report: str) -> None:
    assert devices.read_report(report) == Report()


def test_an_interpreter_without_the_runtime_knows_of_no_gpu_and_none_missing(tmp_path: Path) -> None:
    bare = tmp_path / "python3"
    bare.write_text(f'#!/bin/sh\nexec "{Path(sys.base_prefix) / "bin/python3"}" -I "$@"\n')
    bare.chmod(0o755)
    assert devices.gpu_missing(str(bare)) == ""
    assert devices.gpu_missing(str(tmp_path / "no-such-python")) == ""
