"""An interpreter that has imported Paddle, which takes seconds, and forks an engine as often as it is told.

python harness.py DESCRIPTOR, a unix socket: {"start": [package, overrides, switches]} with the engine's stdin, stdout
and log is answered with its pid, {"poll": pid} with its exit status or null.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import warnings
from pathlib import Path
from typing import Any, NoReturn

warnings.simplefilter("ignore")

import paddle.inference  # noqa: E402, F401 - once for all

from paddle_serving_runtime import logs, serving_packages  # noqa: E402
from paddle_serving_runtime.engine.pipeline.engine import PipelineEngine  # noqa: E402
from paddle_serving_runtime.errors import ServingError  # noqa: E402
from paddle_serving_runtime.graph import load  # noqa: E402
from paddle_serving_runtime.package.contents import load_package  # noqa: E402
from paddle_serving_runtime.paddle_model.switches import Switches  # noqa: E402
from paddle_serving_runtime.protocol import BadRequest, Limits, parse_request  # noqa: E402
from paddle_serving_runtime.protocol.call import Call, Result  # noqa: E402

ENDED = 70


class Harness:
    """Requests from stdin to an engine, results to what was stdout; logs and prints go to the log."""

    def __init__(self, root: str, overrides: dict[str, str], switches: dict[str, Any]) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)
        logs.configure("info")
        self._package = (root, overrides, switches)

    def say(self, **fields: object) -> None:
        self._out.write(json.dumps(fields) + "\n")

    def run(self) -> int:
        root, overrides, switches = self._package
        try:
            engine = PipelineEngine(load(load_package(Path(root)), overrides, Switches(**switches)), self._ended)
        except ServingError as error:
            self.say(failed=error.describe(), exitCode=error.exit_code)
            return error.exit_code
        self.say(capacity=engine.capacity, models=len(engine.models))
        asyncio.run(self._answer(engine))
        return 0

    def _ended(self, why: str) -> NoReturn:
        self.say(ended=why)
        os._exit(ENDED)

    def _tell(self, number: int, result: Result) -> None:
        outcome: Any = result.outcome
        kind = type(outcome).__name__
        if isinstance(outcome, Exception):
            self.say(id=number, kind=kind, err_no=outcome.err_no, status=outcome.status, error=outcome.message)  # type: ignore[attr-defined]
            return
        tensors = {name: [str(value.dtype), value.tolist()] for name, value in outcome.tensors.items()}
        cost = [result.inference_seconds, result.batch]
        self.say(id=number, kind=kind, err_no=outcome.err_no, values=dict(outcome.values), tensors=tensors, cost=cost)

    def _ask(self, engine: PipelineEngine, number: int, target: str, body: str) -> None:
        try:
            request = parse_request(body.encode(), Limits())
        except BadRequest as error:
            self._tell(number, Result(error))
            return
        unread = json.loads(body).get("past the parser", {})
        engine.submit(
            Call(target, {**request.inputs, **unread}, request.log_id), lambda result: self._tell(number, result)
        )

    async def _answer(self, engine: PipelineEngine) -> None:
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()

        def read() -> None:
            for line in sys.stdin:
                loop.call_soon_threadsafe(self._ask, engine, *json.loads(line))
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=read, daemon=True).start()
        await stop.wait()


def fork(arguments: list[Any], descriptors: list[int], control: socket.socket) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        control.close()
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        status = Harness(*arguments).run()
    finally:
        os._exit(status)


def main() -> None:
    serving_packages.install()
    import paddle_serving_server.web_service  # noqa: F401, PLC0415 - once for all, after install()

    control = socket.socket(fileno=int(sys.argv[1]))
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 1 << 16, 3)
        if not data:
            return
        command = json.loads(data)
        if "start" in command:
            answer: int | None = fork(command["start"], descriptors, control)
        else:
            pid, status = os.waitpid(command["poll"], os.WNOHANG)
            answer = os.waitstatus_to_exitcode(status) if pid else None
        for descriptor in descriptors:
            os.close(descriptor)
        control.send(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
