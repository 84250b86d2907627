"""A real `serve` as a child process: real Paddle, real HAProxy, on 127.0.0.1."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from e2e.ports import free_ports
from images.serving.tests.services import POSTPROCESS, ROW, config, one_op
from paddle_serving_runtime.package import manifest

PATIENCE_SECONDS = 120.0
"""For whatever must happen at last: a machine may be many times slower than an idle one."""

SERVICE = (
    """
import os
import time
import numpy as np
from paddle_serving_server.web_service import WebService, Op


class PriceOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        time.sleep(float(inputs.get("sleep", "0")))
        while "until" in inputs and not os.path.exists(inputs["until"]):
            time.sleep(0.01)
        if "fail" in inputs:
            raise ValueError("cannot read /models/secret/file")
        if "exit" in inputs:
            os._exit(7)
        values = [float(value) for value in inputs["x"].split(",")]
        return {"x": np.array(values, dtype="float32").reshape(-1, 13)}, False, None, ""
"""
    + POSTPROCESS
    + one_op("PriceOp", "price", "housing")
)

PRICE = 18.901152


def request_body(x: list[float] | None = None, **extra: str) -> dict[str, Any]:
    fields = {"x": ",".join(map(str, ROW if x is None else x)), **extra}
    return {"key": list(fields), "value": list(fields.values())}


@dataclass
class Serving:
    """A running `serve`."""

    process: subprocess.Popen[bytes]
    http: str
    admin: str
    grpc: str
    log_file: Path
    message_file: Path
    name: str = "svc"

    def post(self, body: object, path: str = "/svc/prediction", timeout: float = PATIENCE_SECONDS) -> requests.Response:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return requests.post(f"{self.http}{path}", data=data, timeout=timeout)

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self.admin}{path}", timeout=PATIENCE_SECONDS)

    def metrics(self) -> dict[str, float]:
        lines = [line for line in self.get("/metrics").text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    def logs(self, message: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries() if entry["message"] == message]

    def entries(self) -> list[dict[str, Any]]:
        """Everything in the log."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    def worker_pids(self) -> list[int]:
        """Of the living workers, in the order of their numbers."""
        last = {entry["worker"]: entry["pid"] for entry in self.logs("worker loaded")}
        return [last[index] for index in sorted(last)]

    def front_pid(self) -> int:
        """Its HAProxy, 0 where there is none now."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == self.process.pid and (path / "comm").read_text().strip() == "haproxy":
                    found.append(int(path.name))
        return found[0] if found else 0

    def wait_ready(self, seconds: float = PATIENCE_SECONDS) -> "Serving":
        self.wait_for(lambda: self.status("/readyz") == 200, "readiness", seconds)
        return self

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None:
                pytest.fail(f"serve ended with status {self.process.returncode} before {what}:\n{self.tail()}")
            if time.monotonic() > deadline:
                pytest.fail(f"no {what} within {seconds:g} s:\n{self.tail()}")
            time.sleep(0.05)

    def status(self, path: str) -> int:
        try:
            return self.get(path).status_code
        except requests.ConnectionError:
            return 0

    def wait_exit(self, seconds: float = PATIENCE_SECONDS) -> int:
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"serve did not end within {seconds:g} s:\n{self.tail()}")

    def message(self) -> str:
        """The termination message."""
        return self.message_file.read_text().strip() if self.message_file.exists() else ""

    def tail(self) -> str:
        return self.log_file.read_text()[-4000:]

    def kill(self) -> None:
        """Ends it at once, as the second SIGTERM does. Two that are sent together may arrive as one, which drains."""
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def page_faults(pid: int) -> int:
    """Pages that the kernel has given to the process so far: minflt, field 10 of proc(5)'s stat."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[7])


@pytest.fixture(scope="session")
def make_package(tmp_path_factory: pytest.TempPathFactory, uci_model: Path) -> Callable[..., Path]:
    """Makes a package with the price service (or a plain model where `script` is empty) and one golden sample."""

    def make(script: str = SERVICE, golden: dict[str, object] | None = None) -> Path:
        root = tmp_path_factory.mktemp("package")
        shutil.copytree(uci_model, root / "model", ignore=shutil.ignore_patterns("*.py"))
        if script:
            (root / "web_service.py").write_text(script)
            (root / "config.yml").write_text(config("price"))
        files = {"hello.json": request_body()} if golden is None else golden
        for name, content in files.items():
            path = root / "golden" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(content))
        return root

    return make


Start = Callable[..., Serving]


def start_serving(
    folder: Path,
    package: Path,
    *flags: str,
    environment: dict[str, str] | None = None,
    prefix: tuple[str, ...] = (),
) -> Serving:
    if shutil.which("haproxy") is None:
        pytest.fail("haproxy is not installed: run `make setup`, or apt-get install haproxy")
    http, admin, grpc = free_ports(3)
    # its own ports, for who is to be told them
    flags = tuple(flag.replace("HTTP_PORT", str(http)).replace("ADMIN_PORT", str(admin)) for flag in flags)
    log_file, message_file = folder / "serve.log", folder / "message"
    command = [
        *prefix,
        *(sys.executable, "-m", "paddle_serving_runtime.cli.main", "serve", "--model-dir", str(package)),
        *("--name", "svc", "--http-port", str(http), "--admin-port", str(admin), "--grpc-port", str(grpc), *flags),
    ]
    variables = {**os.environ, "TERMINATION_LOG": str(message_file), **(environment or {})}
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=variables)
    urls = (f"http://127.0.0.1:{http}", f"http://127.0.0.1:{admin}", f"127.0.0.1:{grpc}")
    return Serving(process, *urls, log_file, message_file)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Start]:
    """Starts `serve` for one test."""
    running: list[Serving] = []

    def start(
        package: Path, *flags: str, environment: dict[str, str] | None = None, prefix: tuple[str, ...] = ()
    ) -> Serving:
        running.append(start_serving(tmp_path, package, *flags, environment=environment, prefix=prefix))
        return running[-1]

    yield start
    for serving in running:
        serving.kill()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, make_package: Callable[..., Path]) -> Iterator[Serving]:
    """One service with two workers for all tests of a module that leave it as it was."""
    golden = {"hello.json": request_body(), "expected/hello.json": {"answer": {"price": [[PRICE]]}}}
    package = make_package(golden=golden)
    with (package / "config.yml").open("a") as config:
        config.write("  other: {concurrency: 1}\n")
    flags = ("--workers", "2", "--digest", manifest.write(package))
    serving = start_serving(tmp_path_factory.mktemp("shared"), package, *flags)
    yield serving.wait_ready()
    serving.kill()
