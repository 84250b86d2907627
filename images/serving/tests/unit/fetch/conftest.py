import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from typing_extensions import override

from e2e.s3_server import Gateway, gateway
from images.serving.tests.unit.fetch.fetching import FILES


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "package"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


@pytest.fixture
def message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination-log"
    monkeypatch.setenv("TERMINATION_LOG", str(path))
    return path


class Handler(http.server.BaseHTTPRequestHandler):
    served: dict[str, bytes]

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        body = self.served.get(path)
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Length", str(len(body or b"") + (1000 if path == "/cut.tar.gz" else 0)))
        self.end_headers()
        self.wfile.write(body or b"")

    @override
    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A real S3 server; the first run builds it from its Go module."""
    with gateway(tmp_path_factory.mktemp("store")) as made:
        yield made


@pytest.fixture
def web() -> Iterator[tuple[str, dict[str, bytes]]]:
    files: dict[str, bytes] = {}
    handler = type("H", (Handler,), {"served": files})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", files
    server.shutdown()
    thread.join()
    server.server_close()
