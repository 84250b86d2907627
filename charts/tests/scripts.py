"""Runs the scripts of `helm test` against a server that answers as it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charts.tests.conftest import Manifest


Respond = Callable[["Manifest"], tuple[int, bytes]]


DIGEST = "sha256:" + "0f" * 32


def resource(generation: int = 2, digest: str = DIGEST, seen: int = 2, **conditions: str) -> Manifest:
    """A PaddleService; its conditions are those of the generation `seen`, Healthy where none is given."""
    message = "1 of 2 pods of revision 0123456789 are ready."
    return {
        "metadata": {"name": "ocr", "generation": generation},
        "spec": {"model": {"digest": digest}},
        "status": {
            "conditions": [
                {"type": kind, "status": status, "message": message, "observedGeneration": seen}
                for kind, status in ({"Progressing": "True"} | (conditions or {"Healthy": "True"})).items()
            ]
        },
    }


class Server:
    """Answers every POST as it is told and every GET with `found`, and remembers them. Refuses all until `start`."""

    def __init__(self, respond: Respond | None = None) -> None:
        self.status, self.body = 200, b"{}"
        self.respond = respond or (lambda _: (self.status, self.body))
        self.asked: list[tuple[str, Manifest]] = []
        self.shown: list[str | None] = []  # what each POST had for Authorization
        self.found: list[tuple[int, Manifest]] = [(200, resource())]
        self.read: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.read.append((self.path, self.headers["Authorization"]))
                status, content = server.found.pop(0) if len(server.found) > 1 else server.found[0]
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.asked.append((self.path, request))
                server.shown.append(self.headers["Authorization"])
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


@dataclass(frozen=True)
class Outcome:
    status: int
    said: str


def run(*command: str | Path, **environment: str) -> Outcome:
    clean = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    arguments = [sys.executable, *map(str, command)]
    result = subprocess.run(
        arguments, env=clean | environment, capture_output=True, text=True, timeout=120, check=False
    )
    return Outcome(result.returncode, result.stdout + result.stderr)
