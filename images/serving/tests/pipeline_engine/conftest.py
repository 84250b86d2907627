"""The engine in a process of its own, as a worker has it: requests in, results out, and what happens to its family."""

import base64
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typing_extensions import override

SECONDS = 60.0

HARNESS = """
import asyncio, json, os, sys, threading
from pathlib import Path
from paddle_serving_runtime import logs
from paddle_serving_runtime.engine.pipeline import PipelineEngine
from paddle_serving_runtime.errors import ServingError
from paddle_serving_runtime.graph import load
from paddle_serving_runtime.model.package import load_package
from paddle_serving_runtime.model.predictor import Switches
from paddle_serving_runtime.protocol import BadRequest, Limits, parse_request
from paddle_serving_runtime.protocol.call import Call

out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)
logs.configure("info")
say = lambda **fields: out.write(json.dumps(fields) + "\\n")

def ended(why):
    say(ended=why)
    os._exit(70)

def tell(number, result):
    outcome = result.outcome
    if isinstance(outcome, Exception):
        say(id=number, kind=type(outcome).__name__, err_no=outcome.err_no, status=outcome.status, error=outcome.message)
    else:
        tensors = {name: [str(value.dtype), value.tolist()] for name, value in outcome.tensors.items()}
        cost = [result.inference_seconds, result.batch]
        say(id=number, kind="Response", err_no=outcome.err_no, values=dict(outcome.values), tensors=tensors, cost=cost)

async def answer(engine):
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def ask(number, target, body):
        try:
            request = parse_request(body.encode(), Limits())
        except BadRequest as error:
            return say(id=number, kind="BadRequest", err_no=error.err_no, status=error.status, error=error.message)
        engine.submit(Call(target, request.inputs, request.log_id), lambda result: tell(number, result))

    def read():
        for line in sys.stdin:
            loop.call_soon_threadsafe(ask, *json.loads(line))
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, daemon=True).start()
    await stop.wait()

try:
    root, overrides, switches = json.loads(sys.argv[1])
    graph = load(load_package(Path(root)), overrides, Switches(**switches))
    engine = PipelineEngine(graph, ended)
except ServingError as error:
    say(failed=error.describe(), exitCode=error.exit_code)
    sys.exit(error.exit_code)
say(capacity=engine.capacity, models=len(engine.models), warnings=graph.warnings)
asyncio.run(answer(engine))
"""


@dataclass
class EngineProcess:
    """A running engine; `loaded` is what it said when it was ready, or why it is not."""

    process: subprocess.Popen[str]
    log_file: Path
    loaded: dict[str, Any] = field(default_factory=dict)
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0

    def ask(self, fields: dict[str, object] | None = None, target: str = "", **message: object) -> int:
        """Sends a request with text by key; returns its number. `message` has other fields of the body."""
        assert self.process.stdin is not None
        body = {"key": list(fields or {}), "value": list((fields or {}).values()), **message}
        self.asked += 1
        self.process.stdin.write(json.dumps([self.asked, target, json.dumps(body)]) + "\n")
        self.process.stdin.flush()
        return self.asked

    def result(self, number: int) -> dict[str, Any]:
        """The result of a request, when it is there."""
        while number not in self.results:
            said = self.read()
            assert "id" in said, f"{said}\n{self.log()}"
            self.results[said["id"]] = said
        return self.results[number]

    def answer(self, fields: dict[str, object] | None = None, **message: object) -> dict[str, Any]:
        return self.result(self.ask(fields, "", **message))

    def read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the engine ended with status {self.process.wait(10)}:\n{self.log()}"
        return dict(json.loads(line))

    def log(self) -> str:
        return self.log_file.read_text()

    def family(self) -> list[int]:
        """Every living process of its session, itself included."""
        return session(self.process.pid)

    def children(self) -> list[int]:
        return [pid for pid in self.family() if pid != self.process.pid]

    def wait_for(self, condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"no {what} within {seconds:g} s; family {self.family()}:\n{self.log()}"
            time.sleep(0.02)


def session(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            state, _, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(group) == leader and state != "Z":
            found.append(int(folder.name))
    return found


Start = Callable[..., EngineProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts an engine on a package."""
    running: list[EngineProcess] = []

    def begin(root: Path, overrides: dict[str, str] | None = None, **switches: object) -> EngineProcess:
        log_file = tmp_path / f"engine-{len(running)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", HARNESS, json.dumps([str(root), overrides or {}, switches])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        engine = EngineProcess(process, log_file)
        running.append(engine)
        engine.loaded = engine.read()
        return engine

    yield begin
    for engine in running:
        for pid in (engine.process.pid, *engine.family()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        engine.process.wait(10)


@pytest.fixture(params=["threads", "processes"])
def mode(request: pytest.FixtureRequest) -> dict[str, str]:
    """An override for each way in which the stock server runs Ops."""
    return {"dag.is_thread_op": "true" if request.param == "threads" else "false"}


TROUBLE = """
import os
import signal
import sys
import time
import numpy as np
from paddle_serving_server.pipeline.error_catch import CustomException, CustomExceptionCode
from paddle_serving_server.web_service import WebService, Op


class TroubleOp(Op):
    def preprocess(self, input_dicts, data_id, log_id):
        (_, inputs), = input_dicts.items()
        self.request = inputs
        do = inputs.get("do", "")
        if do == "raise":
            raise ValueError("cannot read /models/secret/file")
        if do == "custom":
            raise CustomException(CustomExceptionCode.INPUT_PARAMS_ERROR, "a secret")
        if do == "custom for the client":
            raise CustomException(CustomExceptionCode.INPUT_PARAMS_ERROR, "no such file /models/a/b", True)
        if do == "sys.exit":
            sys.exit(3)
        if do == "os._exit":
            os._exit(9)
        if do == "killpg":
            os.killpg(os.getpgrp(), signal.SIGKILL)
        if do == "segfault":
            os.kill(os.getpid(), signal.SIGSEGV)
        if do == "code":
            return None, False, 55, "no image"
        if do == "code 0":
            return None, False, 0, "zero"
        if do == "wrong type":
            return "text", False, None, ""
        if do == "wrong feed":
            return {"wrong": np.zeros((1, 13), "float32")}, False, None, ""
        if do == "skip":
            return {"price": np.zeros(1)}, True, None, ""
        if do == "wait":
            open(inputs["for"] + ".begun", "w").close()
        while do == "hang" or do == "wait" and not os.path.exists(inputs["for"]):
            time.sleep(0.01)
        rows = [[float(value) for value in row.split(",")] for row in inputs["x"].split(";")]
        return {"x": np.array(rows, dtype="float32")}, False, None, ""

    def postprocess(self, input_dicts, fetch_dict, data_id, log_id):
        (_, inputs), = input_dicts.items()
        do = inputs.get("do", "")
        if do == "empty list":
            return {"y": []}, None, ""
        if do == "number":
            return {"y": 3}, None, ""
        if do == "not a dict":
            return "y", None, ""
        if do == "late code":
            return {}, 56, "no price"
        if do == "self":
            return {"x": self.request["x"]}, None, ""
        if do == "keys":
            return {"keys": ",".join(sorted(inputs))}, None, ""
        return {"price": str(fetch_dict["price"].tolist()), "pid": str(os.getpid())}, None, ""


class TroubleService(WebService):
    def get_pipeline_response(self, read_op):
        return TroubleOp(name="trouble", input_ops=[read_op])


service = TroubleService(name="trouble")
service.prepare_pipeline_config("config.yml")
service.run_service()
"""

TROUBLE_CONFIG = """\
rpc_port: 9998
http_port: 18082
worker_num: 4
dag: {is_thread_op: false}
op:
  trouble:
    local_service_conf: {client_type: local_predictor, model_config: uci_housing_model}
"""

X = "0.0137,-0.1136,0.2553,-0.0692,0.0582,-0.0727,-0.1583,-0.0584,0.6283,0.4919,0.1856,0.0795,-0.0332"
PRICE = "[[18.901151657104492]]"


@pytest.fixture
def trouble(service: Callable[..., Path]) -> Path:
    """A service that gets into trouble when it is asked to, and the price of X when it is not."""
    return service(web_service=TROUBLE, config=TROUBLE_CONFIG)


@pytest.fixture
def pickled() -> Callable[[Path], str]:
    """An array as numpy pickles it, whose loading makes a file; base64, as JSON carries it."""

    class Payload:
        def __init__(self, proof: Path) -> None:
            self.proof = proof

        @override
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return exec, (f"open({str(self.proof)!r}, 'w')",)

    def make(proof: Path) -> str:
        buffer = io.BytesIO()
        np.save(buffer, np.array([Payload(proof)], dtype=object), allow_pickle=True)
        return base64.b64encode(buffer.getvalue()).decode()

    return make
