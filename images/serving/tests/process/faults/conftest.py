"""A service that can be told to go wrong, under load in every protocol."""

import http.client
import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import pytest

from images.serving.tests.process.serve.conftest import Serving, start_serving
from images.serving.tests.services import POSTPROCESS, PRICE, X, config, one_op
from paddle_serving_runtime.protocol.open_inference.messages import MESSAGES as OPEN_INFERENCE
from paddle_serving_runtime.protocol.paths import PIPELINE_INFERENCE
from paddle_serving_runtime.protocol.pipeline.messages import MESSAGES as PIPELINE

SECONDS = 120.0
REQUEST_SECONDS = 8
"""How long a request may take."""
GOOD = {"key": ["x"], "value": [X]}
INFER = "/inference.GRPCInferenceService/ModelInfer"

SERVICE = (
    """
import os
import signal
import time
import numpy as np
from paddle_serving_server.web_service import WebService, Op


def hog():
    # what the kernel does with whoever has more memory than the container may have
    kept = [np.ones(1 << 23) for _ in range(2)]
    os.kill(os.getpid() if kept else 0, signal.SIGKILL)


def spin():
    while True:
        pass


class FaultOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        faults = {
            "hog": hog,
            "spin": spin,
            "sleep": lambda: time.sleep(10000),
            "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
            "abort": os.abort,
            "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        }
        faults.get(inputs.get("do"), lambda: None)()
        return {"x": np.array(inputs["x"].split(","), dtype="float32").reshape(1, 13)}, False, None, ""
"""
    + POSTPROCESS
    + one_op("FaultOp", "price", "faults")
)

CONFIG = config("price", threads=True)


@dataclass
class Load:
    """Clients that ask all the time; `outcomes` by what came of a request."""

    serving: Serving
    outcomes: Counter[str] = field(default_factory=Counter)
    _leave: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, outcome: str) -> None:
        with self._lock:
            self.outcomes[outcome] += 1

    def good(self) -> int:
        return self.outcomes["good"]

    def run(self, ask: Callable[[], str]) -> None:
        while not self._leave.is_set():
            try:
                self.count(ask())
            except (OSError, http.client.HTTPException, grpc.RpcError) as error:
                code = error.code().name if isinstance(error, grpc.RpcError) else ""
                self.count(f"{ask.__name__}: {type(error).__name__} {code}".strip())

    def leave(self) -> None:
        self._leave.set()

    def pipeline_json(self) -> Callable[[], str]:
        return self._http("pipeline_json", "/svc/prediction", json.dumps(GOOD), lambda body: body["value"])

    def open_inference_json(self) -> Callable[[], str]:
        tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "data": [X]}
        request = json.dumps({"inputs": [tensor]})
        return self._http(
            "open_inference_json", "/v2/models/svc/infer", request, lambda body: body["outputs"][0]["data"]
        )

    def _http(self, name: str, path: str, body: str, value: Callable[[Any], object]) -> Callable[[], str]:
        parts = urlsplit(self.serving.http)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=SECONDS)

        def ask() -> str:
            try:
                connection.request("POST", path, body)
                response = connection.getresponse()
                content = response.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                raise
            if response.status != 200:
                return f"{name}: {response.status}"
            return "good" if value(json.loads(content)) == [PRICE] else f"{name}: wrong"

        ask.__name__ = name
        return ask

    def pipeline_grpc(self) -> Callable[[], str]:
        request = PIPELINE["Request"](key=["x"], value=[X]).SerializeToString()
        return self._grpc("pipeline_grpc", PIPELINE_INFERENCE, request)

    def open_inference_grpc(self) -> Callable[[], str]:
        tensor = {"name": "x", "datatype": "BYTES", "shape": [1], "contents": {"bytes_contents": [X.encode()]}}
        request = OPEN_INFERENCE["ModelInferRequest"](model_name="svc", inputs=[tensor]).SerializeToString()
        return self._grpc("open_inference_grpc", INFER, request)

    def _grpc(self, name: str, method: str, request: bytes) -> Callable[[], str]:
        channel = grpc.insecure_channel(self.serving.grpc, options=[("grpc.use_local_subchannel_pool", 1)])
        call = channel.unary_unary(method)

        def ask() -> str:
            return "good" if PRICE.encode() in call(request, timeout=SECONDS) else f"{name}: wrong"

        ask.__name__ = name
        return ask


@contextmanager
def load(serving: Serving) -> Iterator[Load]:
    """Load from two clients of each protocol, going on when the block begins."""
    clients = Load(serving)
    kinds = (clients.pipeline_json, clients.pipeline_grpc, clients.open_inference_json, clients.open_inference_grpc)
    threads = [threading.Thread(target=clients.run, args=(kind(),)) for kind in kinds * 2]
    for thread in threads:
        thread.start()
    try:
        serving.wait_for(lambda: clients.good() > 50, "load")
        yield clients
    finally:
        clients.leave()
        for thread in threads:
            thread.join(SECONDS)


def seconds_until(serving: Serving, condition: Callable[[], bool], what: str, within: float) -> float:
    """How long it took; fails where it took longer than `within`."""
    started = time.monotonic()
    serving.wait_for(condition, what, within)
    return time.monotonic() - started


@pytest.fixture(scope="session")
def faulty_package(tmp_path_factory: pytest.TempPathFactory, uci_model: Path) -> Path:
    root = tmp_path_factory.mktemp("faulty")
    shutil.copytree(uci_model, root / "model", ignore=shutil.ignore_patterns("*.py"))
    (root / "web_service.py").write_text(SERVICE)
    (root / "config.yml").write_text(CONFIG)
    (root / "golden").mkdir()
    (root / "golden" / "hello.json").write_text(json.dumps(GOOD))
    return root


@pytest.fixture(params=["direct", "pipeline"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def faulty(engine: str, faulty_package: Path, tmp_path: Path) -> Iterator[Serving]:
    """Two workers, of which the direct engine's have one request each; eight seconds for a request."""
    limits = ("--request-timeout", str(REQUEST_SECONDS), "--drain-delay", "8")
    flags = ("--workers", "2", "--engine", engine, "--batching", "Off", *limits)
    serving = start_serving(tmp_path, faulty_package, *flags)
    try:
        yield serving.wait_ready()
    finally:
        serving.kill()
