"""One service with two workers for everything that no well-behaved client sends."""

import http.client
import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from images.serving.tests.object_loaders import LOAD, watch
from images.serving.tests.process.serve.conftest import Serving, start_serving
from images.serving.tests.services import IMPORTS, POSTPROCESS, PRICE, ROW, config, one_op

SECONDS = 60.0
MAX_BODY = 4 * 1024 * 1024

SERVICE = (
    f"""
LOAD = {LOAD!r}
"""
    + IMPORTS
    + """

class PriceOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        x = inputs["x"]
        if isinstance(x, str) and x == LOAD:
            np.load("array.npy")
        if isinstance(x, str):
            x = np.array([float(value) for value in x.split(",")], dtype="float32")
        return {"x": x.reshape(-1, 13)}, False, None, ""
"""
    + POSTPROCESS
    + one_op("PriceOp", "price", "housing")
)

GOOD = json.dumps({"key": ["x"], "value": [",".join(map(str, ROW))]}).encode()
PIPELINE_KEYS = ["err_no", "err_msg", "key", "value", "tensors"]

NOT_HTTP = b"<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n"
"""What HAProxy 2.6 says to what its HTTP parser refuses; it has no other form for it."""

# what only somebody on the inside may read: paths, traces, sources, names of packages
_INSIDE = re.compile(
    rb"Traceback|\.py\b|site-packages|paddle_serving|httptools|orjson|numpy\.|/tmp/|/run/|/usr/|/root\b|/home/|(?<!v2)/models|"
    rb"unix@|\.sock|0x[0-9a-f]{6,}",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reply:
    """A complete response to a raw request; status 0 where the connection was closed without any."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON says
        return json.loads(self.body)


@dataclass(frozen=True)
class Target:
    """The service."""

    serving: Serving
    pids: tuple[int, ...]
    record: Path

    @property
    def http_port(self) -> int:
        return urlsplit(self.serving.http).port or 0

    @property
    def grpc_port(self) -> int:
        return int(self.serving.grpc.rpartition(":")[2])

    def connect(self, port: int | None = None) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port or self.http_port), timeout=SECONDS)

    def send(self, data: bytes, *, end: bool = False) -> Reply:
        """The first response to these bytes; `end` closes our half of the connection after them."""
        with self.connect() as connection:
            with suppress(ConnectionError):  # it may refuse before it has read everything
                connection.sendall(data)
                if end:
                    connection.shutdown(socket.SHUT_WR)
            return first_reply(received(connection), method=data.partition(b" ")[0].decode("latin-1"))

    def post(self, body: bytes, path: str = "/svc/prediction", *headers: str) -> Reply:
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", "Connection: close", *headers]
        return self.send("\r\n".join([*lines, "", ""]).encode() + body)

    def loaded(self) -> list[str]:
        """The calls of object loaders in its workers so far."""
        return self.record.read_text().splitlines() if self.record.exists() else []

    def check_unhurt(self) -> None:
        """The same workers, ready, and a right answer from it."""
        reply = self.post(GOOD)
        assert (reply.status, reply.json()["value"]) == (200, [PRICE]), reply
        assert tuple(self.serving.worker_pids()) == self.pids
        for pid in self.pids:
            assert Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        assert self.serving.status("/readyz") == 200


def received(connection: socket.socket) -> bytes:
    """All that comes until the peer closes; fails when it does not within the deadline."""
    data, deadline = b"", time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            chunk = connection.recv(1 << 20)
        except ConnectionError:
            break
        if not chunk:
            break
        data += chunk
        if is_complete(data):
            break
    else:
        pytest.fail(f"still open after {SECONDS:g} s with {data[:500]!r}")
    return data


def is_complete(data: bytes) -> bool:
    """Whether the first response has the whole body that its head announces."""
    head, found, body = re.sub(rb"^HTTP/1\.1 100 .*\r\n\r\n", b"", data).partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: *(\d+)", head)
    return bool(found and length and len(body) >= int(length.group(1)))


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> BytesIO:
        return BytesIO(self._data)


def first_reply(data: bytes, method: str = "POST") -> Reply:
    if not data:
        return Reply(0, {}, b"")
    response = http.client.HTTPResponse(_Bytes(data), method=method)  # type: ignore[arg-type] # all that it asks for
    response.begin()
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def assert_refused(reply: Reply, *statuses: int) -> None:
    """A clear refusal in the shape of a response that tells nothing of the inside."""
    assert reply.status in statuses, reply
    if reply.body == NOT_HTTP:
        return
    message = reply.json()
    assert list(message) == PIPELINE_KEYS, reply
    assert message["err_no"] != 0
    assert message["err_msg"]
    assert_tells_nothing(reply.body)


def assert_tells_nothing(body: bytes) -> None:
    found = _INSIDE.search(body)
    assert found is None, f"{found.group()!r} in {body[:1000]!r}"


@pytest.fixture(scope="session")
def target_package(tmp_path_factory: pytest.TempPathFactory, uci_model: Path) -> Path:
    root = tmp_path_factory.mktemp("hostile-package")
    shutil.copytree(uci_model, root / "model", ignore=shutil.ignore_patterns("*.py"))
    np.save(root / "array.npy", np.zeros(1))
    (root / "web_service.py").write_text(watch(root.with_name("loaded.txt")) + SERVICE)
    (root / "config.yml").write_text(config("price"))
    (root / "golden").mkdir()
    (root / "golden" / "hello.json").write_bytes(GOOD)
    return root


@pytest.fixture(scope="package")
def running_target(tmp_path_factory: pytest.TempPathFactory, target_package: Path) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("hostile")
    flags = ("--workers", "2", "--max-body-bytes", str(MAX_BODY), "--request-timeout", "30")
    serving = start_serving(folder, target_package, *flags)
    try:
        serving.wait_ready()
        yield Target(serving, tuple(serving.worker_pids()), target_package.with_name("loaded.txt"))
    finally:
        serving.kill()


@pytest.fixture
def target(running_target: Target) -> Iterator[Target]:
    """The service; after every test it must be as it was."""
    yield running_target
    running_target.check_unhurt()
