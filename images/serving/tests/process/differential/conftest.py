"""The same packages under Paddle Serving's own pipeline server and under `serve`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from e2e.ports import free_ports
from images.serving.tests.process.differential.services import COMMANDS, CONFIG, GRAPH, OLD, TYPES
from images.serving.tests.process.serve.conftest import Serving, start_serving
from images.serving.tests.services import ROW
from paddle_serving_client import convert

STOCK = Path(__file__).parent / "stock_server.py"
START_SECONDS = 120.0
SERVICES = {"commands": (COMMANDS, "price"), "graph": (GRAPH, "prices"), "old": (OLD, "price"), "types": (TYPES, "sum")}
NAMES = {"commands": "housing", "graph": "totals", "old": "old", "types": "types"}
GOOD = json.dumps({"key": ["x"], "value": [",".join(map(str, ROW))]}).encode()


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Stock:
    """Paddle Serving's own server for one package."""

    def __init__(self, forker: "subprocess.Popen[str]", package: Path, url: str, rpc: str, name: str) -> None:
        self._forker = forker
        self._package = package
        self._log = package / "stock.log"
        self._name = name
        self.url = url
        self.rpc = rpc
        self.pid = 0

    def start(self) -> None:
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(json.dumps([str(self._package), str(self._log)]) + "\n")
        self._forker.stdin.flush()
        self.pid = int(self._forker.stdout.readline())

    def wait_ready(self) -> None:
        deadline, last = time.monotonic() + START_SECONDS, ""
        while time.monotonic() < deadline:
            try:
                last = requests.post(f"{self.url}/{self._name}/prediction", data=GOOD, timeout=START_SECONDS).text
            except requests.ConnectionError as error:
                last = str(error)
            else:
                # the gateway answers with an error of its own until the server behind it is there
                if '"err_no"' in last:
                    return
            if not self._alive():
                break
            time.sleep(0.02)
        pytest.fail(f"the stock server did not start within {START_SECONDS:g} s: {last}\n{self._log.read_text()}")

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Its answer; that none comes fails the test."""
        with socket.create_connection(("127.0.0.1", int(self.url.rsplit(":", 1)[1])), timeout=START_SECONDS) as line:
            # HTTP/1.0, or a long answer would come in chunks
            lines = {"Content-Length": str(len(body)), **headers}
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            line.sendall(f"POST {path} HTTP/1.0\r\n{head}\r\n".encode() + body)
            received = b""
            while chunk := line.recv(1 << 20):
                received += chunk
        head_bytes, _, content = received.partition(b"\r\n\r\n")
        return Answer(int(head_bytes.split(b" ", 2)[1]), content)

    def _alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def stop(self) -> None:
        if self.pid == 0:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.pid = 0
        # the next one refuses to start while a port is still taken by a process that is about to be gone
        deadline = time.monotonic() + START_SECONDS
        while any(map(self._listens, (self.url, self.rpc))):
            assert time.monotonic() < deadline, "the stock server does not end"
            time.sleep(0.02)

    @staticmethod
    def _listens(address: str) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0


@dataclass(frozen=True)
class Both:
    """One service under both servers."""

    stock: Stock
    direct: Serving
    name: str

    def here(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        response = requests.post(f"{self.direct.http}{path}", data=body, headers=headers, timeout=START_SECONDS)
        return Answer(response.status_code, response.content, headers=response.headers)


@pytest.fixture(scope="package")
def stock_forker() -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen([sys.executable, str(STOCK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        yield it
        assert it.stdin is not None
        it.stdin.close()


@pytest.fixture(scope="session")
def types_model(exported_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """a int64, b float32, c bool -> two sums; with the prototxt that the stock server cannot do without."""
    source, folder = exported_models / "types", tmp_path_factory.mktemp("types-model")
    words = ["--dirname", str(source), "--model_filename", "inference.pdmodel", "--params_filename"]
    outcome = convert.main(
        [*words, "inference.pdiparams", "--serving_server", str(folder), "--serving_client", str(folder)]
    )
    assert outcome == 0
    return folder


@pytest.fixture(scope="package")
def servers(
    stock_forker: "subprocess.Popen[str]",
    tmp_path_factory: pytest.TempPathFactory,
    uci_model: Path,
    types_model: Path,
) -> Iterator[dict[str, Both]]:
    """Every service under both servers, all started at once."""
    both: dict[str, Both] = {}
    try:
        for service, (script, op) in SERVICES.items():
            package = tmp_path_factory.mktemp(service)
            model = types_model if service == "types" else uci_model
            shutil.copytree(model, package / "model", ignore=shutil.ignore_patterns("*.py"))
            http_port, rpc_port = free_ports(2)
            (package / "web_service.py").write_text(script)
            (package / "config.yml").write_text(CONFIG.format(rpc_port=rpc_port, http_port=http_port, op=op))
            name = NAMES[service]
            stock = Stock(stock_forker, package, f"http://127.0.0.1:{http_port}", f"127.0.0.1:{rpc_port}", name)
            flags = ("--workers", "1", "--consistency-required", "false")
            direct = start_serving(tmp_path_factory.mktemp(f"{service}-log"), package, *flags)
            both[service] = Both(stock, direct, name)
        for pair in both.values():
            pair.stock.start()
        for pair in both.values():
            pair.stock.wait_ready()
            pair.direct.wait_ready()
        yield both
    finally:
        for pair in both.values():
            pair.stock.stop()
            pair.direct.kill()
